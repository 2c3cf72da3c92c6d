#include "source/http/message.h"

#include <string>

#include "gtest/gtest.h"
#include "source/http/codec.h"

namespace nuncio::http {
namespace {

TEST(MessageTest, MethodsAreCaseSensitive) {
  EXPECT_EQ(FindMethod("GET"), Method::kGet);
  EXPECT_EQ(FindMethod("HEAD"), Method::kHead);
  EXPECT_EQ(FindMethod("POST"), Method::kPost);
  EXPECT_EQ(FindMethod("PUT"), Method::kPut);
  EXPECT_EQ(FindMethod("DELETE"), Method::kDelete);
  EXPECT_EQ(FindMethod("CONNECT"), Method::kConnect);
  EXPECT_EQ(FindMethod("OPTIONS"), Method::kOptions);
  EXPECT_EQ(FindMethod("TRACE"), Method::kTrace);
  EXPECT_EQ(FindMethod("PATCH"), Method::kPatch);
  EXPECT_EQ(FindMethod("get"), Method::kOther);
  EXPECT_EQ(FindMethod("GETS"), Method::kOther);
  EXPECT_EQ(FindMethod(""), Method::kOther);
}

TEST(MessageTest, IdempotentMethods) {
  for (Method method : {Method::kGet, Method::kHead, Method::kPut, Method::kDelete, Method::kOptions, Method::kTrace}) {
    EXPECT_TRUE(IsIdempotent(method));
  }
  for (Method method : {Method::kPost, Method::kPatch, Method::kConnect, Method::kOther}) {
    EXPECT_FALSE(IsIdempotent(method));
  }
}

TEST(MessageTest, Names) {
  EXPECT_EQ(ProtocolName(Protocol::kHttp10), "HTTP/1.0");
  EXPECT_EQ(ProtocolName(Protocol::kHttp11), "HTTP/1.1");
  EXPECT_EQ(ProtocolName(Protocol::kHttp2), "HTTP/2");
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
  EXPECT_EQ(StreamResetName(StreamReset::kConnectionClosed), kConnectionTermination);
}

}  // namespace
}  // namespace nuncio::http
