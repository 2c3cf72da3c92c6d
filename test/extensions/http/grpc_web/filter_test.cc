#include "source/extensions/http/grpc_web/filter.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/extensions/http/grpc_web/content_type.h"
#include "test/extensions/http/http_filter_fixture.h"

namespace nuncio::extensions {
namespace {

using http::HeaderId;
using testing::Contains;
using testing::ElementsAre;

constexpr std::string_view kHello = "/helloworld.Greeter/SayHello";
constexpr std::string_view kText = "application/grpc-web-text";

std::string Encoded(std::string_view bytes) {
  buffer::SlicePool slices;
  buffer::Buffer in(slices), out(slices);
  in.Append(bytes);
  http::grpc::Base64Encoder encoder;
  encoder.Encode(in, out);
  encoder.Flush(out);
  return out.ToString();
}

// Of what may be several texts one after the other.
std::string Decoded(std::string_view text) {
  buffer::SlicePool slices;
  buffer::Buffer in(slices), out(slices);
  in.Append(text);
  http::grpc::Base64Decoder decoder;
  EXPECT_TRUE(decoder.Decode(in, out));
  EXPECT_TRUE(decoder.at_boundary());
  return out.ToString();
}

class GrpcWebTest : public HttpFilterFixture {
 protected:
  void Request(std::string_view type, std::string_view accept = "*/*") {
    BeginExchange(*factory_);
    RequestHead(kHello, {{"content-type", type}, {"accept", accept}, {"content-length", "100"}, {"x-grpc-web", "1"}});
  }
  std::string_view RequestField(HeaderId id) const { return request().headers.Value(id); }
  std::string_view ResponseField(HeaderId id) const { return response().headers.Value(id); }

  // Those of a call that went well.
  const std::string trailers_ = Frame("grpc-status:0\r\ngrpc-message:\r\n", '\x80');
  std::unique_ptr<filter::HttpFilterFactory> factory_ = MakeGrpcWebFactory(services());
};

TEST_F(GrpcWebTest, TheHeadOfTheRequestBecomesThatOfGrpc) {
  Request("application/grpc-web+proto");
  EXPECT_EQ(RequestField(HeaderId::kContentType), "application/grpc+proto");
  EXPECT_EQ(RequestField(HeaderId::kTe), "trailers");
  EXPECT_FALSE(request().headers.Has(HeaderId::kContentLength));
  EXPECT_NE(request().headers.Find("x-grpc-web"), nullptr);
  Request("application/grpc-web-text; charset=utf-8");
  EXPECT_EQ(RequestField(HeaderId::kContentType), "application/grpc");
}

TEST_F(GrpcWebTest, OtherRequestsAndTheirAnswersPass) {
  for (const std::string_view type : {"application/grpc", "application/grpc-webs", "application/json", ""}) {
    Request(type, kText);
    RequestData("?", true);
    ResponseHead(200, {{"content-type", "application/grpc"}, {"content-length", "1"}});
    ResponseData("!");
    ResponseTrailers({{"grpc-status", "0"}});
    EXPECT_EQ(RequestField(HeaderId::kContentType), type);
    EXPECT_EQ(RequestField(HeaderId::kContentLength), "100");
    EXPECT_THAT(log(), ElementsAre("Q head", "Q ?.", "A 200", "A !", "A trailers."));
  }
}

TEST_F(GrpcWebTest, BinaryBothWays) {
  Request("application/grpc-web");
  RequestData(Frame("question"), true);
  EXPECT_EQ(ends().request_body, Frame("question"));
  ResponseHead(200, {{"content-type", "application/grpc"}, {"content-length", "11"}});
  EXPECT_EQ(ResponseField(HeaderId::kContentType), "application/grpc-web+proto");
  EXPECT_FALSE(response().headers.Has(HeaderId::kContentLength));
  ResponseData(Frame("answer"));
  ResponseTrailers({{"Grpc-Status", "0"}, {"grpc-message", ""}});
  EXPECT_EQ(ends().response_body, Frame("answer") + trailers_);
  EXPECT_EQ(log().back(), StrCat("A ", trailers_, "."));
}

TEST_F(GrpcWebTest, TextOfTheRequestCutAnywhere) {
  const std::string message = Frame("question") + Frame("another one");
  // Each message encoded on its own, with padding within.
  const std::string text = Encoded(Frame("question")) + Encoded(Frame("another one"));
  ASSERT_NE(text.find('='), std::string::npos);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Request(kText);
    RequestData(text.substr(0, cut));
    RequestData(text.substr(cut), true);
    EXPECT_EQ(ends().request_body, message) << cut;
    EXPECT_TRUE(log().back().ends_with('.')) << cut;
  }
  Request(kText);
  for (const char c : text) RequestData(std::string_view(&c, 1));
  RequestData("", true);
  EXPECT_EQ(ends().request_body, message);
}

TEST_F(GrpcWebTest, WhatIsNoBase64IsRefused) {
  for (const std::string_view text : {"AAA*", "A===", "AA=A", "====", "AA\nA", "AAB=", "AB==", "AA-_"}) {
    Request(kText);
    RequestData(text);
    EXPECT_THAT(log(), Contains("reply 400")) << text;
    EXPECT_EQ(ends().request_body, "") << text;
  }
}

TEST_F(GrpcWebTest, TextThatEndsWithinAGroupIsRefused) {
  Request(kText);
  RequestData("AAAAA", true);
  EXPECT_THAT(log(), Contains("reply 400"));
}

TEST_F(GrpcWebTest, TextOfTheAnswerOnlyWhereItIsAccepted) {
  Request(kText, "application/json, application/grpc-web-text+proto");
  ResponseHead(200, {{"content-type", "application/grpc+proto"}});
  EXPECT_EQ(ResponseField(HeaderId::kContentType), "application/grpc-web-text+proto");
  Request(kText);
  ResponseHead(200, {{"content-type", "application/grpc+proto"}});
  EXPECT_EQ(ResponseField(HeaderId::kContentType), "application/grpc-web+proto");
}

TEST_F(GrpcWebTest, TextOfTheAnswerCutAnywhere) {
  const std::string body = Frame("answer") + Frame("and another") + Frame("");
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    Request("application/grpc-web", kText);
    ResponseHead(200, {{"content-type", "application/grpc"}});
    ResponseData(body.substr(0, cut));
    ResponseData(body.substr(cut));
    ResponseTrailers({{"grpc-status", "0"}, {"grpc-message", ""}});
    EXPECT_EQ(Decoded(ends().response_body), body + trailers_) << cut;
    EXPECT_TRUE(log().back().ends_with('.')) << cut;
  }
}

TEST_F(GrpcWebTest, AMessageDoesNotWaitForWhatFollowsIt) {
  const std::string message = Frame("answer");
  // With nothing, or a little, of the next one.
  for (size_t more = 0; more < 4; ++more) {
    Request("application/grpc-web", kText);
    ResponseHead(200, {{"content-type", "application/grpc"}});
    ResponseData(message + Frame("x").substr(0, more));
    EXPECT_GE(Decoded(ends().response_body).size(), message.size()) << more;
  }
}

TEST_F(GrpcWebTest, AnAnswerWithoutTrailersEndsItsText) {
  Request("application/grpc-web", kText);
  ResponseHead(200, {{"content-type", "application/grpc"}});
  ResponseData("ab", true);
  EXPECT_EQ(ends().response_body, "YWI=");
}

TEST_F(GrpcWebTest, AnAnswerOfTrailersOnlyStaysAHead) {
  Request("application/grpc-web", kText);
  ResponseHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "5"}}, true);
  EXPECT_THAT(log(), ElementsAre("Q head", "A 200."));
  EXPECT_EQ(ResponseField(HeaderId::kContentType), "application/grpc-web-text+proto");
  EXPECT_EQ(ResponseField(HeaderId::kGrpcStatus), "5");
}

TEST_F(GrpcWebTest, AnAnswerThatIsNoGrpcBecomesAStatus) {
  Request("application/grpc-web");
  ResponseHead(503, {{"content-type", "text/html"}, {"content-length", "9"}});
  ResponseData("sorry");
  EXPECT_THAT(log(), ElementsAre("Q head"));
  ResponseData(", 5%", true);
  EXPECT_THAT(log(), ElementsAre("Q head", "A 503", "A ."));
  EXPECT_EQ(ResponseField(HeaderId::kGrpcStatus), "14");
  EXPECT_EQ(ResponseField(HeaderId::kGrpcMessage), "sorry, 5%25");
  EXPECT_EQ(ResponseField(HeaderId::kContentType), "application/grpc-web+proto");
  EXPECT_FALSE(response().headers.Has(HeaderId::kContentLength));
  Request("application/grpc-web");
  ResponseHead(404, {}, true);
  EXPECT_EQ(ResponseField(HeaderId::kGrpcStatus), "12");
}

TEST_F(GrpcWebTest, TheMessageOfALongAnswerIsCut) {
  Request("application/grpc-web");
  ResponseHead(500, {});
  for (int i = 0; i < 100; ++i) ResponseData(std::string(10000, 'x'));
  ResponseTrailers({{"x", "y"}});
  EXPECT_EQ(ResponseField(HeaderId::kGrpcMessage).size(), GrpcWebFilter::kMaxMessage);
  EXPECT_THAT(log(), ElementsAre("Q head", "A 500", "A ."));
}

TEST_F(GrpcWebTest, CallsAreCountedByMethod) {
  Request("application/grpc-web");
  ResponseHead(200, {{"content-type", "application/grpc"}});
  ResponseTrailers({{"grpc-status", "0"}});
  Request("application/grpc-web");
  ResponseHead(200, {{"grpc-status", "5"}, {"content-type", "application/grpc"}}, true);
  Request("application/grpc-web");
  ResponseHead(503, {}, true);
  const std::string stats = "cluster.backend.grpc-web.helloworld.Greeter.SayHello.";
  EXPECT_EQ(Stat(stats + "total"), 3);
  EXPECT_EQ(Stat(stats + "success"), 1);
  EXPECT_EQ(Stat(stats + "failure"), 2);
  EXPECT_EQ(Stat(stats + "14"), 1);
}

TEST(GrpcWebType, OnlyItsOwn) {
  EXPECT_TRUE(ParseGrpcWebType("Application/gRPC-Web").has_value());
  EXPECT_TRUE(ParseGrpcWebType("application/grpc-web-text ;q=1")->text);
  EXPECT_EQ(ParseGrpcWebType("application/grpc-web+json; q=1")->encoding, "+json");
  for (const std::string_view type : {"", "application/grpc", "application/grpc-webx", "application/grpc-web-text2",
                                      "text/grpc-web", "+proto"}) {
    EXPECT_FALSE(ParseGrpcWebType(type).has_value()) << type;
  }
}

}  // namespace
}  // namespace nuncio::extensions
