#include "source/http/trailers.h"

#include <array>
#include <string_view>

#include "source/base/strings.h"

namespace nuncio::http {

bool IsForbiddenTrailer(const HeaderField& field) {
  // Of the names that mean something to the proxy only gRPC's are made for trailers.
  if (field.id == HeaderId::kGrpcStatus || field.id == HeaderId::kGrpcMessage) return false;
  if (field.id != HeaderId::kOther) return true;
  static constexpr std::array<std::string_view, 13> kForbidden = {
      "age",           "content-language", "content-location", "content-range", "expires",
      "if-match",      "if-modified-since", "if-none-match",   "if-range",      "if-unmodified-since",
      "max-forwards",  "range",            "www-authenticate",
  };
  for (std::string_view name : kForbidden) {
    if (EqualsIgnoreCase(field.name, name)) return true;
  }
  return StartsWithIgnoreCase(field.name, "x-forwarded-") || StartsWithIgnoreCase(field.name, "x-envoy-");
}

}  // namespace nuncio::http
