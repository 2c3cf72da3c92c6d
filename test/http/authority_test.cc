#include "source/http/authority.h"

#include "gtest/gtest.h"

namespace nuncio::http {
namespace {

TEST(AuthorityTest, Parts) {
  struct Case {
    std::string_view text, host, bare, port;
    uint16_t number;
  };
  for (const Case& c : {
           Case{"example.com", "example.com", "example.com", "", 0},
           Case{"example.com:8080", "example.com", "example.com", "8080", 8080},
           Case{"example.com:", "example.com", "example.com", "", 0},
           Case{"10.0.0.1:80", "10.0.0.1", "10.0.0.1", "80", 80},
           Case{"[::1]", "[::1]", "::1", "", 0},
           Case{"[2001:db8::7]:443", "[2001:db8::7]", "2001:db8::7", "443", 443},
           Case{"a_b-c~d!$&'()*+,;=%41", "a_b-c~d!$&'()*+,;=%41", "a_b-c~d!$&'()*+,;=%41", "", 0},
           Case{"", "", "", "", 0},
           Case{"h:65535", "h", "h", "65535", 65535},
       }) {
    const std::optional<Authority> authority = ParseAuthority(c.text);
    ASSERT_TRUE(authority.has_value()) << c.text;
    EXPECT_EQ(authority->host, c.host);
    EXPECT_EQ(authority->bare_host(), c.bare);
    EXPECT_EQ(authority->port, c.port);
    EXPECT_EQ(authority->port_number, c.number);
  }
}

TEST(AuthorityTest, Refused) {
  for (std::string_view text :
       {"user@host", "a b",   "a/b",     "a?b",       "a#b",
        "a\\b",      "a\"b",  "<a>",     "h:65536",   "h:-1",
        "h:+1",      "h:8a",  "h:80:80", "::1",       "[::1",
        "[]",        "[zz]",  "[::1]x",  "[::1]:x",   "[::1]]",
        "a[::1]",    "h\x80", "h\x7f",   "[1.2.3.4]", "[0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0]"}) {
    EXPECT_FALSE(ParseAuthority(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseAuthority(std::string_view("a\0b", 3)).has_value());
}

}  // namespace
}  // namespace nuncio::http
