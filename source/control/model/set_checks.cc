#include "source/control/model/set_checks.h"

#include "source/base/strings.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

class SetChecker {
 public:
  SetChecker(const ResourceSet& set, const SetCheckOptions& options, ResourceFaults& faults)
      : set_(set), options_(options), faults_(faults) {}

  void Check() {
    for (const SetEntry& entry : set_.entries()) {
      if (!options_.partial) CheckReferences(*entry.resource);
      CheckAddresses(*entry.resource);
    }
  }

 private:
  void AddError(const Resource& resource, const std::string& field_path, std::string reason) {
    const auto index = options_.index_of.find(resource.key());
    faults_.Add({Severity::kError, resource.key(), field_path, std::move(reason),
                 index == options_.index_of.end() ? std::nullopt : std::optional<uint32_t>(index->second)});
  }

  void CheckReferences(const Resource& resource) {
    for (const Reference& reference : resource.facts().references) {
      if (set_.Find({reference.type_url, reference.name}) != nullptr) continue;
      if (reference.type_url == kClusterType && options_.static_clusters.contains(reference.name)) continue;
      AddError(resource, reference.field_path,
               StrCat("there is no ", ShortTypeName(reference.type_url), " \"", reference.name, "\" in the group"));
    }
  }

  void CheckAddresses(const Resource& resource) {
    for (const BoundAddress& bound : resource.facts().addresses) {
      const auto [other, is_new] = bound_by_.emplace(bound.address, &resource);
      if (is_new) continue;
      AddError(resource, bound.field_path,
               other->second == &resource
                   ? StrCat("address ", bound.address, " is given twice")
                   : StrCat("address ", bound.address, " is that of listener \"", other->second->name(), "\" too"));
    }
  }

  const ResourceSet& set_;
  const SetCheckOptions& options_;
  ResourceFaults& faults_;
  std::map<std::string, const Resource*> bound_by_;
};

}  // namespace

void CheckSet(const ResourceSet& set, const SetCheckOptions& options, ResourceFaults& faults) {
  SetChecker(set, options, faults).Check();
}

}  // namespace nuncio::control
