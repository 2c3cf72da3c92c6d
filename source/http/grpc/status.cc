#include "source/http/grpc/status.h"

#include "source/base/strings.h"

namespace nuncio::http::grpc {
namespace {

constexpr std::string_view kNames[] = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};
constexpr size_t kCodes = sizeof(kNames) / sizeof(kNames[0]);
static_assert(kCodes == static_cast<size_t>(StatusCode::kUnauthenticated) + 1);

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <typename Put>
void EncodeTo(std::string_view message, Put&& put) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      put(c);
    } else {
      put('%');
      put(kHex[byte >> 4]);
      put(kHex[byte & 15]);
    }
  }
}

}  // namespace

std::string_view StatusCodeName(StatusCode code) { return kNames[static_cast<size_t>(code)]; }

StatusCode ParseStatusCode(std::string_view value) {
  const auto number = ParseDecimal<uint32_t>(value);
  return number.has_value() && *number < kCodes ? static_cast<StatusCode>(*number) : StatusCode::kUnknown;
}

std::string EncodeMessage(std::string_view message) {
  std::string value;
  value.reserve(message.size());
  EncodeTo(message, [&](char c) { value.push_back(c); });
  return value;
}

std::string_view EncodeMessage(std::string_view message, Arena& arena) {
  size_t size = 0;
  EncodeTo(message, [&](char) { ++size; });
  char* const text = arena.NewArray<char>(size);
  char* at = text;
  EncodeTo(message, [&](char c) { *at++ = c; });
  return {text, size};
}

std::string DecodeMessage(std::string_view value) {
  std::string message;
  message.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '%' && i + 2 < value.size()) {
      const int high = HexDigit(value[i + 1]);
      const int low = HexDigit(value[i + 2]);
      if (high >= 0 && low >= 0) {
        message.push_back(static_cast<char>(high << 4 | low));
        i += 2;
        continue;
      }
    }
    message.push_back(value[i]);
  }
  return message;
}

Status StatusOfTrailers(const HeaderMap& trailers, uint32_t http_status) {
  if (const HeaderField* code = trailers.Find(HeaderId::kGrpcStatus)) {
    return {ParseStatusCode(code->value), DecodeMessage(trailers.Value(HeaderId::kGrpcMessage))};
  }
  if (http_status == 200) return {StatusCode::kUnknown, "the answer ended without grpc-status"};
  return {StatusCodeFromHttp(http_status), StrCat("HTTP status ", http_status, " without grpc-status")};
}

bool IsServerFault(StatusCode code) {
  switch (code) {
    case StatusCode::kUnknown:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kUnimplemented:
    case StatusCode::kInternal:
    case StatusCode::kUnavailable:
    case StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

StatusCode StatusCodeFromHttp(uint32_t http_status) {
  switch (http_status) {
    case 400:
      return StatusCode::kInternal;
    case 401:
      return StatusCode::kUnauthenticated;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kUnknown;
  }
}

StatusCode StatusCodeFromHttp2Error(uint32_t error_code) {
  switch (error_code) {
    case 0x0:  // NO_ERROR
    case 0x1:  // PROTOCOL_ERROR
    case 0x2:  // INTERNAL_ERROR
    case 0x3:  // FLOW_CONTROL_ERROR
    case 0x4:  // SETTINGS_TIMEOUT
    case 0x6:  // FRAME_SIZE_ERROR
    case 0x9:  // COMPRESSION_ERROR
    case 0xa:  // CONNECT_ERROR
      return StatusCode::kInternal;
    case 0x7:  // REFUSED_STREAM
      return StatusCode::kUnavailable;
    case 0x8:  // CANCEL
      return StatusCode::kCancelled;
    case 0xb:  // ENHANCE_YOUR_CALM
      return StatusCode::kResourceExhausted;
    case 0xc:  // INADEQUATE_SECURITY
      return StatusCode::kPermissionDenied;
    default:  // STREAM_CLOSED has no mapping, HTTP_1_1_REQUIRED and later ones neither.
      return StatusCode::kUnknown;
  }
}

StatusCode StatusCodeFromReset(StreamReset reset) {
  switch (reset) {
    case StreamReset::kLocal:
      return StatusCode::kCancelled;
    case StreamReset::kRemote:
    case StreamReset::kProtocolError:
      return StatusCode::kInternal;
    case StreamReset::kRemoteRefused:
    case StreamReset::kConnectionClosed:
    case StreamReset::kConnectError:
      return StatusCode::kUnavailable;
    case StreamReset::kLimit:
      return StatusCode::kResourceExhausted;
  }
  return StatusCode::kUnknown;
}

bool IsGrpcContentType(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!StartsWithIgnoreCase(content_type, kType)) return false;
  content_type = TrimOws(content_type.substr(kType.size()));
  return content_type.empty() || content_type.front() == '+' || content_type.front() == ';';
}

}  // namespace nuncio::http::grpc
