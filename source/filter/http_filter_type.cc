#include "source/filter/http_filter_type.h"

#include "source/config/message_types.h"

namespace nuncio::filter {

const HttpFilterType* HttpFilterTypes::Find(std::string_view type) const {
  for (const HttpFilterType& known : types_) {
    if (known.type == type) return &known;
  }
  return nullptr;
}

HttpFilterTypes::Result HttpFilterTypes::Compile(const google::protobuf::Any& settings, config::Faults& faults) const {
  const std::string_view wanted = config::TypeName(settings.type_url());
  for (const HttpFilterType& known : types_) {
    if (!wanted.empty() && known.settings_type == wanted) return {known.type, known.compile_settings(settings, faults)};
  }
  return {};
}

}  // namespace nuncio::filter
