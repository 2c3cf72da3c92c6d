#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/codec.h"

namespace nuncio::http::grpc {

// The numbers of `grpc-status`.
enum class StatusCode : uint8_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "OK", "CANCELLED", "DEADLINE_EXCEEDED"...
std::string_view StatusCodeName(StatusCode code);

// How a call ended.
struct Status {
  StatusCode code = StatusCode::kOk;
  std::string message;

  bool ok() const { return code == StatusCode::kOk; }
};

// A `grpc-status` value. kUnknown for what is no number or none of the above.
StatusCode ParseStatusCode(std::string_view value);

// A `grpc-message` value: printable ASCII but for `%` stands for itself, every other byte for its hexadecimal number.
std::string EncodeMessage(std::string_view message);
// The same in the arena.
std::string_view EncodeMessage(std::string_view message, Arena& arena);
// The reverse. What is not a percent sign with two hexadecimal digits is left as it is, as gRPC asks.
std::string DecodeMessage(std::string_view value);

// The status of the answer's trailers, or of a head that ends the answer ("Trailers-Only"). Without `grpc-status` the
// code is derived from `http_status`.
Status StatusOfTrailers(const HeaderMap& trailers, uint32_t http_status);

// Whether the server is to blame: what HTTP would say with 5xx.
bool IsServerFault(StatusCode code);

// What an HTTP answer without `grpc-status` means ("HTTP to gRPC Status Code Mapping").
StatusCode StatusCodeFromHttp(uint32_t http_status);
// What an RST_STREAM with this error code of RFC 9113 7 means ("gRPC over HTTP2", Errors).
StatusCode StatusCodeFromHttp2Error(uint32_t error_code);
// The same for a stream that ended before its time, as this project's codecs tell it.
StatusCode StatusCodeFromReset(StreamReset reset);

// Whether a content type is gRPC's: `application/grpc`, alone or before `+` or `;`.
bool IsGrpcContentType(std::string_view content_type);

}  // namespace nuncio::http::grpc
