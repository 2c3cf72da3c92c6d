#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/rarely.h"
#include "source/base/set_by_name.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"

namespace nuncio::xds {

// One resource of an answer, compiled or refused; or a heartbeat, by which the resource of that name stays what it is.
// Immutable.
struct CompiledItem {
  // Empty where the bytes do not tell.
  std::string name;
  // The wire form, without the Any around it. Null where the resource is not there or cannot be told.
  std::shared_ptr<const std::string> bytes;
  // Null with faults, and in a heartbeat.
  std::shared_ptr<const config::CompiledResource> compiled;
  Rarely<config::Faults> faults;

  bool heartbeat() const { return bytes == nullptr && faults->empty(); }
};

using CompiledItemPtr = std::shared_ptr<const CompiledItem>;
struct NameOfCompiledItem {
  std::string_view operator()(const CompiledItemPtr& item) const { return item->name; }
};
using ItemsByName = SetByName<CompiledItemPtr, NameOfCompiledItem>;

// A resource in its wire form.
struct SavedResource {
  std::string name;
  std::string version;
  std::shared_ptr<const std::string> bytes;
};

// An answer, from a stream, a file or the state directory.
struct CompiledResponse {
  // What differs from an earlier answer of the same source and type, both of them without two resources of one name.
  struct Difference {
    // That answer's `number`.
    uint64_t since;
    // Indexes of items that it did not have.
    std::vector<size_t> changed;
    // It had resources that are not here.
    std::vector<std::string> gone;
  };

  std::string type_url;
  std::string version;
  std::string nonce;
  // What the control plane calls itself.
  std::string control_plane;
  std::vector<CompiledItemPtr> items;
  // The same by name. Empty where two have one name, or one has none.
  std::shared_ptr<const ItemsByName> by_name = nullptr;
  // Where the items have versions of their own: one each.
  std::vector<std::string> item_versions;
  // Of this answer among those of its source and type; 0: none, or heartbeats alone.
  uint64_t number = 0;
  // Bytes of the resources that were compiled for it.
  size_t compiled_bytes = 0;
  // To the answer before it, where that can be told.
  std::optional<Difference> difference;
  // Something is wrong with the answer as such; the items say nothing then.
  config::Faults faults;
  // What was only warned of, one line each; and how many of it were unknown fields.
  std::vector<std::string> warnings;
  uint64_t unknown_fields = 0;

  // Heartbeats and nothing else: not all that there is, whatever the type.
  bool OnlyHeartbeats() const {
    return !items.empty() &&
           std::all_of(items.begin(), items.end(), [](const auto& item) { return item->heartbeat(); });
  }
  // Null: there is none of that name. Legal where there is a difference.
  const CompiledItemPtr* Find(std::string_view name) const {
    const auto found = by_name->find(name);
    return found == by_name->end() ? nullptr : &*found;
  }
};

using ResourceTypes = std::vector<const config::ResourceType*>;

// From an answer's bytes to compiled resources. A good resource whose bytes are those of one still in use, or of the
// answer before, is not compiled again. Belongs to one source; used by the configuration thread only.
class ResponseCompiler {
 public:
  // `unknown_fields`: what becomes of fields that resources have and this program does not.
  explicit ResponseCompiler(config::UnknownFieldsPolicy unknown_fields) : unknown_fields_(unknown_fields) {}

  // An envoy.service.discovery.v3.DiscoveryResponse. For a type that is not among `types` there are no items.
  CompiledResponse CompileMessage(std::string_view bytes, const ResourceTypes& types);
  // A file that holds a DiscoveryResponse as YAML, JSON or, by the extension `.pb`, in its wire form. All resources
  // must be of `type`.
  CompiledResponse CompileFile(const std::string& path, const config::ResourceType& type);
  CompiledResponse CompileSaved(const std::vector<SavedResource>& resources, const config::ResourceType& type);
  // Holds the answer compiled last of its type until the next one of that type is compiled: whoever lets go of it
  // before does not have to let go of each of its resources, of which there may be thousands.
  void Keep(std::shared_ptr<const CompiledResponse> response);

 private:
  // By hash of the bytes. Of two that have the same hash the later one is kept.
  using Cache = absl::flat_hash_map<size_t, CompiledItemPtr>;
  // The last answer of a type.
  struct Last {
    uint64_t number = 0;
    // As CompiledResponse::by_name.
    std::shared_ptr<const ItemsByName> items = std::make_shared<const ItemsByName>();
    // As kept, or null.
    std::shared_ptr<const CompiledResponse> answer = nullptr;
  };

  // Appends one resource of `type`, in whatever wrapping it came.
  void Add(std::string_view any_type_url, std::string_view value, const config::ResourceType& type,
           CompiledResponse& response);
  CompiledItemPtr Compile(std::string_view bytes, const config::ResourceType& type, CompiledResponse& response);
  // Numbers the answer and compares it with the one before.
  void Compare(CompiledResponse& response);
  // Forgets what nobody else has.
  static void Trim(Cache& cache);

  const config::UnknownFieldsPolicy unknown_fields_;
  std::map<std::string, Cache, std::less<>> caches_;
  std::map<std::string, Last, std::less<>> last_;
};

// "type.googleapis.com/envoy.config.cluster.v3.Cluster" -> "Cluster".
std::string_view ShortTypeName(std::string_view type_url);

}  // namespace nuncio::xds
