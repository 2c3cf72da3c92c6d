#include "source/extensions/http/grpc_web/content_type.h"

#include "source/base/strings.h"

namespace nuncio::extensions {

std::optional<GrpcWebType> ParseGrpcWebType(std::string_view content_type) {
  constexpr std::string_view kWeb = "application/grpc-web";
  constexpr std::string_view kText = "-text";
  const std::string_view name = TrimOws(content_type.substr(0, content_type.find_first_of("+;")));
  if (!StartsWithIgnoreCase(name, kWeb)) return std::nullopt;
  const std::string_view form = name.substr(kWeb.size());
  if (!form.empty() && !EqualsIgnoreCase(form, kText)) return std::nullopt;
  return GrpcWebType{!form.empty(), EncodingOfType(content_type)};
}

std::string_view EncodingOfType(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const size_t plus = content_type.find('+');
  return plus == std::string_view::npos ? std::string_view() : TrimOws(content_type.substr(plus));
}

}  // namespace nuncio::extensions
