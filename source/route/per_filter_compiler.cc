#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"
#include "source/route/compiler.h"

namespace nuncio::route {
namespace {

using config::Faults;
using envoy::config::route::v3::FilterConfig;
using google::protobuf::Any;

// Nothing where the entry has no effect. `optional`: settings that no filter takes are left out.
std::optional<PerFilterConfig> CompileSettings(const std::string& name, const Any& message, bool optional,
                                               const CompileOptions& options, Faults& faults) {
  FilterSettingsCompiler::Result result;
  if (options.filters != nullptr) result = options.filters->Compile(message, faults);
  if (!result.filter_type.empty()) return PerFilterConfig{name, result.filter_type, false, result.settings};
  if (!optional) {
    faults.Add(StrCat("no HTTP filter of this build takes ", config::Quote(config::TypeName(message.type_url()), 200),
                      " from a route"));
  }
  return std::nullopt;
}

std::optional<PerFilterConfig> CompileEntry(const std::string& name, const Any& message, const CompileOptions& options,
                                            Faults& faults) {
  if (!config::Holds<FilterConfig>(message)) return CompileSettings(name, message, false, options, faults);
  FilterConfig wrapper;
  if (!config::UnpackAndCheck(message, &wrapper, faults)) return std::nullopt;
  if (wrapper.disabled()) return PerFilterConfig{name, {}, true, nullptr};
  if (!wrapper.has_config()) {
    faults.Add("config", "required, unless disabled is true");
    return std::nullopt;
  }
  if (wrapper.config().type_url().empty()) return PerFilterConfig{name, {}, false, nullptr};
  Faults::Scope scope(faults, "config");
  return CompileSettings(name, wrapper.config(), wrapper.is_optional(), options, faults);
}

}  // namespace

std::unique_ptr<const PerFilterConfigs> CompilePerFilterConfigs(
    const google::protobuf::Map<std::string, Any>& messages, const CompileOptions& options, Faults& faults) {
  if (messages.empty()) return nullptr;
  auto configs = std::make_unique<PerFilterConfigs>();
  // In the order of names, so that faults come in the same order every time.
  const std::map<std::string, Any> ordered(messages.begin(), messages.end());
  for (const auto& [name, message] : ordered) {
    Faults::Scope scope(faults, "typed_per_filter_config", std::string_view(name));
    std::optional<PerFilterConfig> entry = CompileEntry(name, message, options, faults);
    if (entry.has_value()) configs->push_back(*std::move(entry));
  }
  if (configs->empty()) return nullptr;
  return configs;
}

}  // namespace nuncio::route
