#include "source/http/grpc/status.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::http::grpc {
namespace {

TEST(GrpcStatus, NumbersAndNames) {
  EXPECT_EQ(ParseStatusCode("0"), StatusCode::kOk);
  EXPECT_EQ(ParseStatusCode("16"), StatusCode::kUnauthenticated);
  for (const char* value : {"17", "-1", "", "ok", "1 ", "99999999999"}) {
    EXPECT_EQ(ParseStatusCode(value), StatusCode::kUnknown) << value;
  }
  EXPECT_EQ(StatusCodeName(StatusCode::kOk), "OK");
  EXPECT_EQ(StatusCodeName(StatusCode::kFailedPrecondition), "FAILED_PRECONDITION");
  EXPECT_EQ(StatusCodeName(StatusCode::kUnauthenticated), "UNAUTHENTICATED");
}

TEST(GrpcStatus, MessagesSurviveTheirEncoding) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  const std::string encoded = EncodeMessage(all);
  for (const char c : encoded) EXPECT_TRUE(c >= 0x20 && c <= 0x7e);
  EXPECT_EQ(DecodeMessage(encoded), all);
  EXPECT_EQ(EncodeMessage("a b%c\n\xc3\xa9"), "a b%25c%0A%C3%A9");
}

TEST(GrpcStatus, BadEscapesAreLeftAlone) {
  EXPECT_EQ(DecodeMessage("%"), "%");
  EXPECT_EQ(DecodeMessage("100%"), "100%");
  EXPECT_EQ(DecodeMessage("%4"), "%4");
  EXPECT_EQ(DecodeMessage("%zz%41"), "%zzA");
  EXPECT_EQ(DecodeMessage("%c3%a9"), "\xc3\xa9");
}

TEST(GrpcStatus, OfTrailers) {
  ArenaBlockPool pool;
  Arena arena(pool);
  HeaderMap trailers(arena);
  EXPECT_EQ(StatusOfTrailers(trailers, 200).code, StatusCode::kUnknown);
  const Status unavailable = StatusOfTrailers(trailers, 503);
  EXPECT_EQ(unavailable.code, StatusCode::kUnavailable);
  EXPECT_EQ(unavailable.message, "HTTP status 503 without grpc-status");
  trailers.Add("grpc-message", "not%20there");
  trailers.Add("grpc-status", "5");
  const Status status = StatusOfTrailers(trailers, 503);
  EXPECT_EQ(status.code, StatusCode::kNotFound);
  EXPECT_EQ(status.message, "not there");
  EXPECT_FALSE(status.ok());
}

TEST(GrpcStatus, OfHttp) {
  EXPECT_EQ(StatusCodeFromHttp(400), StatusCode::kInternal);
  EXPECT_EQ(StatusCodeFromHttp(401), StatusCode::kUnauthenticated);
  EXPECT_EQ(StatusCodeFromHttp(403), StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusCodeFromHttp(404), StatusCode::kUnimplemented);
  for (const uint32_t status : {429, 502, 503, 504}) EXPECT_EQ(StatusCodeFromHttp(status), StatusCode::kUnavailable);
  for (const uint32_t status : {200, 302, 418, 500}) EXPECT_EQ(StatusCodeFromHttp(status), StatusCode::kUnknown);
}

TEST(GrpcStatus, FaultsOfTheServer) {
  for (const StatusCode code : {StatusCode::kUnknown, StatusCode::kDeadlineExceeded, StatusCode::kUnimplemented,
                                StatusCode::kInternal, StatusCode::kUnavailable, StatusCode::kDataLoss}) {
    EXPECT_TRUE(IsServerFault(code)) << StatusCodeName(code);
  }
  for (const StatusCode code : {StatusCode::kOk, StatusCode::kCancelled, StatusCode::kInvalidArgument,
                                StatusCode::kNotFound, StatusCode::kResourceExhausted, StatusCode::kUnauthenticated}) {
    EXPECT_FALSE(IsServerFault(code)) << StatusCodeName(code);
  }
}

TEST(GrpcStatus, OfResets) {
  EXPECT_EQ(StatusCodeFromHttp2Error(0), StatusCode::kInternal);
  EXPECT_EQ(StatusCodeFromHttp2Error(5), StatusCode::kUnknown);
  EXPECT_EQ(StatusCodeFromHttp2Error(7), StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeFromHttp2Error(8), StatusCode::kCancelled);
  EXPECT_EQ(StatusCodeFromHttp2Error(11), StatusCode::kResourceExhausted);
  EXPECT_EQ(StatusCodeFromHttp2Error(12), StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusCodeFromHttp2Error(1000), StatusCode::kUnknown);
  EXPECT_EQ(StatusCodeFromReset(StreamReset::kLocal), StatusCode::kCancelled);
  EXPECT_EQ(StatusCodeFromReset(StreamReset::kRemoteRefused), StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeFromReset(StreamReset::kConnectionClosed), StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeFromReset(StreamReset::kProtocolError), StatusCode::kInternal);
  EXPECT_EQ(StatusCodeFromReset(StreamReset::kLimit), StatusCode::kResourceExhausted);
}

TEST(GrpcStatus, ContentTypes) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "Application/gRPC; charset=utf-8",
                           "application/grpc ;x"}) {
    EXPECT_TRUE(IsGrpcContentType(type)) << type;
  }
  for (const char* type :
       {"", "application/grpc-web", "application/grpcx", "application/json", "text/application/grpc"}) {
    EXPECT_FALSE(IsGrpcContentType(type)) << type;
  }
}

}  // namespace
}  // namespace nuncio::http::grpc
