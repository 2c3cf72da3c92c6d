#include "source/access_log/grpc_status.h"

#include <string_view>

#include "source/base/strings.h"
#include "source/http/grpc/status.h"

namespace nuncio::access_log {

std::optional<int64_t> GrpcStatusOf(const StreamInfo& info) {
  std::string_view text = info.moved_grpc_status;
  if (text.empty() && info.response_trailers != nullptr) {
    text = info.response_trailers->Value(http::HeaderId::kGrpcStatus);
  }
  if (text.empty() && info.response != nullptr) text = info.response->headers.Value(http::HeaderId::kGrpcStatus);
  if (!text.empty()) return ParseDecimal<int64_t>(text).value_or(kInvalidGrpcStatus);
  if (info.response_code == 0) return std::nullopt;
  return static_cast<int64_t>(http::grpc::StatusCodeFromHttp(info.response_code));
}

}  // namespace nuncio::access_log
