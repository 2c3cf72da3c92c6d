#include "source/route/redirect.h"

#include <string>

#include "gtest/gtest.h"
#include "test/matcher/request.h"

namespace nuncio::route {
namespace {

std::string Location(const RedirectAction& action, std::string_view authority, std::string_view path,
                     size_t matched = 0, std::string_view forwarded_proto = "") {
  matcher::TestRequest request(authority, path);
  if (!forwarded_proto.empty()) request.head.headers.Add("x-forwarded-proto", forwarded_proto);
  const auto location = action.Location(request.head, matched);
  return location.has_value() ? std::string(*location) : "too long";
}

TEST(RedirectTest, WhatIsNotSetStays) {
  EXPECT_EQ(Location({}, "a.com:8080", "/p?q=1"), "http://a.com:8080/p?q=1");
  EXPECT_EQ(Location({.host = "b.org"}, "a.com:8080", "/p"), "http://b.org/p");
  EXPECT_EQ(Location({.port = ":81"}, "a.com:8080", "/p"), "http://a.com:81/p");
  EXPECT_EQ(Location({.port = ":81"}, "[::1]:8080", "/p"), "http://[::1]:81/p");
  EXPECT_EQ(Location({.port = ":81"}, "[::1]", "/p"), "http://[::1]:81/p");
}

TEST(RedirectTest, ADefaultPortDoesNotOutliveItsScheme) {
  EXPECT_EQ(Location({.scheme = "https"}, "a.com:80", "/"), "https://a.com/");
  EXPECT_EQ(Location({.scheme = "https"}, "[::1]:80", "/"), "https://[::1]/");
  EXPECT_EQ(Location({.scheme = "https"}, "a.com:443", "/"), "https://a.com:443/");
  EXPECT_EQ(Location({.scheme = "http"}, "a.com:443", "/", 0, "https"), "http://a.com/");
  // The scheme stays, so does the port.
  EXPECT_EQ(Location({.scheme = "http"}, "a.com:80", "/"), "http://a.com:80/");
}

TEST(RedirectTest, Paths) {
  EXPECT_EQ(Location({.path = "/new"}, "a", "/old?q"), "http://a/new?q");
  EXPECT_EQ(Location({.path = "/new?own"}, "a", "/old?q"), "http://a/new?own");
  EXPECT_EQ(Location({.path = "/new", .strip_query = true}, "a", "/old?q"), "http://a/new");
  EXPECT_EQ(Location({.path = "/new?own", .strip_query = true}, "a", "/old?q"), "http://a/new?own");
  EXPECT_EQ(Location({.strip_query = true}, "a", "/old?q"), "http://a/old");
  EXPECT_EQ(Location({.path_rewrite = PathRewrite{"/new"}}, "a", "/old/x?q", 4), "http://a/new/x?q");
  EXPECT_EQ(Location({.path_rewrite = PathRewrite{"/new"}, .strip_query = true}, "a", "/old/x?q", 4),
            "http://a/new/x");
  RedirectAction regex;
  regex.path_rewrite = PathRewrite{matcher::RegexSubstitution::Compile("^/([^/]+)/.*$", "/\\1").value()};
  EXPECT_EQ(Location(regex, "a", "/x/y/z?q=/a/b"), "http://a/x?q=/a/b");
}

// Else `.evil.org` or `//evil.org` would name another host.
TEST(RedirectTest, APathNeverBecomesAHost) {
  EXPECT_EQ(Location({.path = ".evil.org"}, "a.com", "/"), "http://a.com/.evil.org");
  EXPECT_EQ(Location({.path_rewrite = PathRewrite{".evil.org"}}, "a.com", "/x", 2), "http://a.com/.evil.org");
  EXPECT_EQ(Location({}, "a.com", "*"), "http://a.com/*");
  EXPECT_EQ(Location({}, "a.com", ""), "http://a.com/");
  // HTTP/1.0 without a host.
  EXPECT_EQ(Location({.scheme = "https"}, "", "/p"), "/p");
  EXPECT_EQ(Location({.scheme = "https"}, "", "//evil.org"), "/.//evil.org");
}

TEST(PathRewriteTest, ResultsBeginWithASlashAndAreBounded) {
  ArenaBlockPool pool;
  Arena arena(pool);
  const auto apply = [&](const PathRewrite& rewrite, std::string_view path, size_t matched) {
    return std::string(rewrite.Apply(path, matched, arena).value_or("too long"));
  };
  EXPECT_EQ(apply({"/new"}, "/old/x?q", 4), "/new/x?q");
  EXPECT_EQ(apply({"/"}, "/old?q", 4), "/?q");
  EXPECT_EQ(apply({"new"}, "/old", 4), "/new");
  // A filter has shortened the path since.
  EXPECT_EQ(apply({"/new"}, "/o", 4), "/new");
  const PathRewrite all{matcher::RegexSubstitution::Compile(".*", "").value()};
  EXPECT_EQ(apply(all, "/old?q", 0), "/?q");
  EXPECT_EQ(apply(all, "/old", 0), "/");
  const PathRewrite longer{matcher::RegexSubstitution::Compile("a", std::string(1000, 'b')).value()};
  EXPECT_EQ(apply(longer, std::string(1000, 'a'), 0), "too long");
  EXPECT_EQ(apply({std::string(kMaxRewriteGrowth + 10, '/')}, "/a", 1), "too long");
}

}  // namespace
}  // namespace nuncio::route
