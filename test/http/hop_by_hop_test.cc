#include "source/http/hop_by_hop.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::http {
namespace {

class HopByHopTest : public testing::Test {
 protected:
  std::string Strip(const std::vector<std::pair<std::string, std::string>>& fields) {
    HeaderMap map(arena_);
    for (const auto& [name, value] : fields) map.Add(name, value);
    allowed_ = StripHopByHop(map);
    std::string text;
    for (const HeaderField& field : map) StrAppend(text, field.name, "=", field.value, ";");
    return text;
  }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  bool allowed_ = false;
};

TEST_F(HopByHopTest, FixedFieldsGo) {
  EXPECT_EQ(Strip({{"A", "1"},
                   {"Connection", "close"},
                   {"Keep-Alive", "timeout=5"},
                   {"Proxy-Connection", "keep-alive"},
                   {"Transfer-Encoding", "chunked"},
                   {"Upgrade", "h2c"},
                   {"HTTP2-Settings", "AAMAAABk"},
                   {"B", "2"}}),
            "A=1;B=2;");
  EXPECT_TRUE(allowed_);
}

TEST_F(HopByHopTest, NominatedFieldsGoWhereverTheyStand) {
  EXPECT_EQ(Strip({{"X-Before", "1"},
                   {"Kept", "a"},
                   {"Connection", "close, x-before"},
                   {"X-Between", "2"},
                   {"x-before", "again"},
                   {"connection", " ,X-After ,, x-between,x-absent"},
                   {"X-After", "3"}}),
            "Kept=a;");
  EXPECT_TRUE(allowed_);
}

TEST_F(HopByHopTest, WhatOthersRelyOnStays) {
  for (const char* name : {"Host", "content-length", "X-Forwarded-For", "x-forwarded-anything", "X-Envoy-Internal",
                           "Authorization", "Cookie", "Via", "Forwarded", "X-Request-Id", "Cache-Control"}) {
    EXPECT_EQ(Strip({{name, "v"}, {"Connection", StrCat("x-mine, ", name)}, {"X-Mine", "1"}}), StrCat(name, "=v;"));
    EXPECT_FALSE(allowed_) << name;
  }
}

TEST_F(HopByHopTest, TeKeepsTrailersOnly) {
  EXPECT_EQ(Strip({{"TE", "gzip, Trailers;q=1"}}), "");
  EXPECT_EQ(Strip({{"TE", "gzip"}, {"te", "deflate, trailers"}, {"Connection", "TE"}}), "TE=trailers;");
  EXPECT_EQ(Strip({{"TE", "gzip"}, {"Connection", "TE"}}), "");
}

TEST_F(HopByHopTest, ListElements) {
  std::string out;
  EXPECT_TRUE(ForEachListElement(" a ,b,\t, c", [&](std::string_view element) {
    StrAppend(out, "[", element, "]");
    return true;
  }));
  EXPECT_EQ(out, "[a][b][][c]");
  out.clear();
  EXPECT_FALSE(ForEachListElement("a,b,c", [&](std::string_view element) {
    out.append(element);
    return element != "b";
  }));
  EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace nuncio::http
