#include "source/xds/response_compiler.h"

#include <algorithm>
#include <utility>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/strings.h"
#include "source/config/yaml_loader.h"

namespace nuncio::xds {
namespace {

namespace discovery_v3 = envoy::service::discovery::v3;

constexpr std::string_view kWrapperType = "envoy.service.discovery.v3.Resource";
constexpr size_t kMaxWarnings = 64;

std::string_view TypeNameOf(std::string_view type_url) { return type_url.substr(type_url.rfind('/') + 1); }

std::shared_ptr<CompiledItem> Refused(std::string_view name, std::string_view reason) {
  auto item = std::make_shared<CompiledItem>();
  item->name = name;
  item->faults.Own().Add(reason);
  return item;
}

std::shared_ptr<CompiledItem> Heartbeat(std::string_view name) {
  auto item = std::make_shared<CompiledItem>();
  item->name = name;
  return item;
}

std::string ControlPlaneName(const discovery_v3::DiscoveryResponse& message) {
  return message.control_plane().identifier();
}

}  // namespace

std::string_view ShortTypeName(std::string_view type_url) { return type_url.substr(type_url.find_last_of("./") + 1); }

CompiledResponse ResponseCompiler::CompileMessage(std::string_view bytes, const ResourceTypes& types) {
  CompiledResponse response;
  discovery_v3::DiscoveryResponse message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    response.faults.Add("is no DiscoveryResponse: malformed protobuf");
    return response;
  }
  response.type_url = message.type_url();
  response.version = message.version_info();
  response.nonce = message.nonce();
  response.control_plane = ControlPlaneName(message);
  const auto type = std::find_if(types.begin(), types.end(),
                                 [&](const auto* each) { return each->type_url() == message.type_url(); });
  if (type == types.end()) return response;
  for (const auto& any : message.resources()) Add(any.type_url(), any.value(), **type, response);
  if (response.OnlyHeartbeats()) return response;
  Compare(response);
  Trim(caches_[response.type_url]);
  return response;
}

CompiledResponse ResponseCompiler::CompileFile(const std::string& path, const config::ResourceType& type) {
  CompiledResponse response;
  response.type_url = type.type_url();
  discovery_v3::DiscoveryResponse message;
  config::Faults faults(unknown_fields_);
  if (!config::LoadFile(path, message, faults)) {
    response.faults = std::move(faults);
    return response;
  }
  for (const config::Fault& warning : faults.warnings()) {
    response.warnings.push_back(StrCat(path, ":", warning.ToString()));
  }
  response.unknown_fields += faults.warning_count();
  response.version = message.version_info();
  response.control_plane = ControlPlaneName(message);
  if (!message.type_url().empty() && message.type_url() != type.type_url()) {
    response.faults.Add("type_url",
                        StrCat("must be ", type.type_url(), " (is ", config::Quote(message.type_url()), ")"));
    return response;
  }
  for (const auto& any : message.resources()) Add(any.type_url(), any.value(), type, response);
  Compare(response);
  Trim(caches_[response.type_url]);
  return response;
}

CompiledResponse ResponseCompiler::CompileSaved(const std::vector<SavedResource>& resources,
                                                const config::ResourceType& type) {
  CompiledResponse response;
  response.type_url = type.type_url();
  for (const SavedResource& resource : resources) {
    if (response.version.empty()) response.version = resource.version;
    response.item_versions.push_back(resource.version);
    response.items.push_back(Compile(*resource.bytes, type, response));
  }
  return response;
}

void ResponseCompiler::Add(std::string_view any_type_url, std::string_view value, const config::ResourceType& type,
                           CompiledResponse& response) {
  std::string name;
  discovery_v3::Resource wrapper;
  const bool wrapped = TypeNameOf(any_type_url) == kWrapperType;
  if (wrapped) {
    if (!wrapper.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      response.items.push_back(Refused("", StrCat("is no ", kWrapperType, ": malformed protobuf")));
      return;
    }
    name = wrapper.name();
    if (!wrapper.has_resource()) {
      response.items.push_back(name.empty() ? Refused("", "has neither a resource nor the name of one")
                                            : Heartbeat(name));
      return;
    }
    any_type_url = wrapper.resource().type_url();
    value = wrapper.resource().value();
  }
  if (TypeNameOf(any_type_url) != TypeNameOf(type.type_url())) {
    response.items.push_back(
        Refused(name, StrCat("is a ", config::Quote(any_type_url), " where only ", type.type_url(), " may stand")));
    return;
  }
  CompiledItemPtr item = Compile(value, type, response);
  if (!name.empty() && item->name != name) {
    response.items.push_back(
        item->name.empty()
            ? [&] { auto named = std::make_shared<CompiledItem>(*item); named->name = name; return named; }()
            : Refused(name, StrCat("the resource calls itself ", config::Quote(item->name), ", its wrapper ",
                                   config::Quote(name), "; both must be the same")));
    return;
  }
  response.items.push_back(std::move(item));
}

void ResponseCompiler::Keep(std::shared_ptr<const CompiledResponse> response) {
  // Of a type that nobody asked for, with faults as such, or heartbeats alone: there is nothing in it.
  if (response->number == 0) return;
  Last& last = last_[response->type_url];
  if (response->number == last.number) last.answer = std::move(response);
}

CompiledItemPtr ResponseCompiler::Compile(std::string_view bytes, const config::ResourceType& type,
                                          CompiledResponse& response) {
  Cache& cache = caches_[std::string(type.type_url())];
  const size_t hash = std::hash<std::string_view>{}(bytes);
  if (const auto known = cache.find(hash); known != cache.end() && *known->second->bytes == bytes) return known->second;
  response.compiled_bytes += bytes.size();
  auto item = std::make_shared<CompiledItem>();
  item->bytes = std::make_shared<const std::string>(bytes);
  config::Faults faults(unknown_fields_);
  const Last& last = last_[std::string(type.type_url())];
  const auto before = [&last](const std::string& name) {
    const auto found = last.items->find(name);
    return found == last.items->end() ? nullptr : (*found)->compiled;
  };
  item->compiled = type.Recompile(*item->bytes, before, item->name, faults);
  const std::string where = StrCat(ShortTypeName(type.type_url()), " ", config::Quote(item->name));
  for (const config::Fault& warning : faults.warnings()) {
    if (warning.IsUnknownField()) ++response.unknown_fields;
    if (response.warnings.size() < kMaxWarnings) response.warnings.push_back(StrCat(where, ": ", warning.ToString()));
  }
  if (faults.empty() && item->compiled != nullptr && item->name.empty()) {
    faults.Add("name", "required: resources from discovery are known by it");
  }
  if (!faults.empty()) {
    item->compiled = nullptr;
    item->faults = std::move(faults);
    // Bytes are not all that a fault may come from: files that a resource names, the clock.
    return item;
  }
  cache.insert_or_assign(hash, item);
  return item;
}

void ResponseCompiler::Compare(CompiledResponse& response) {
  Last& last = last_[response.type_url];
  auto items = std::make_shared<ItemsByName>();
  items->reserve(response.items.size());
  bool plain = true;
  for (const CompiledItemPtr& item : response.items) plain = plain && !item->name.empty() && items->insert(item).second;
  if (!plain) *items = {};
  response.number = last.number + 1;
  response.by_name = items;
  if (plain && !last.items->empty()) {
    CompiledResponse::Difference& difference = response.difference.emplace();
    difference.since = last.number;
    for (size_t i = 0; i < response.items.size(); ++i) {
      const auto before = last.items->find(response.items[i]);
      if (before == last.items->end() || *before != response.items[i]) difference.changed.push_back(i);
    }
    for (const CompiledItemPtr& item : *last.items) {
      if (!items->contains(item)) difference.gone.push_back(item->name);
    }
  }
  last = {response.number, std::move(items)};
}

void ResponseCompiler::Trim(Cache& cache) {
  // A count that main lowers meanwhile only keeps the item until the next answer. What is in the answer has two holders
  // at least: that, and the cache.
  absl::erase_if(cache, [](const auto& entry) { return entry.second.use_count() == 1; });
}

}  // namespace nuncio::xds
