#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"
#include "source/xds/response_compiler.h"

namespace nuncio::xds {

// A resource in force.
struct KnownResource {
  // Null: there is none.
  CompiledItemPtr item;
  // Unset: it is in the last answer, and has its version.
  std::optional<std::string> own_version;
  SystemTime updated_at;
};

// One answer on its way into force: what it changes (ResourcesInForce), and what of it is refused, by compiling or by
// watchers. Lasts for a call. Main thread.
struct TakenAnswer {
  TakenAnswer(const config::ResourceType& of_type, std::string its_version)
      : type(of_type), version(std::move(its_version)) {}

  void Refuse(const std::string& name, const config::Faults& faults);
  // The resource at that place in the answer, whose name cannot be told.
  void RefuseNameless(size_t index, const config::Faults& faults);
  bool any_refused() const { return !refused.empty() || !nameless.empty(); }
  // One line per fault ("Cluster \"a\": path: reason"); empty: nothing is refused.
  std::string Faults() const;

  const config::ResourceType& type;
  std::string version;
  // An earlier run had kept it: it is no answer of the source's.
  bool saved = false;
  // Only its difference to the answer before was looked at: these names.
  bool follows = false;
  std::set<std::string> looked_at;
  // What was there before, of added or changed (null item: nothing) and of removed resources.
  std::map<std::string, KnownResource> added_before;
  std::map<std::string, KnownResource> removed_before;
  // Of those looked at: what stays in force, though the answer has it otherwise or not at all.
  std::vector<std::string> kept;
  // Of those added or removed: what is not in force when all is over.
  std::vector<std::string> lost;
  // Lines of faults by name; of resources without a name in `nameless`.
  std::map<std::string, std::string> refused;
  std::string nameless;
};

}  // namespace nuncio::xds
