#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "absl/container/btree_map.h"
#include "source/telemetry/scope.h"

namespace nuncio::telemetry {

// The living scopes by prefix, sorted. Shared by the store and the scopes, so that either may go first.
struct Scope::Registry {
  std::mutex mutex;
  // The keys are the scopes' own names.
  absl::btree_map<std::string_view, std::weak_ptr<Scope>> scopes;
};

}  // namespace nuncio::telemetry
