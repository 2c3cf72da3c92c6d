#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "source/telemetry/scope.h"

namespace nuncio::telemetry {

// The living scopes by prefix, sorted. Shared by the store and the scopes, so that either may go first.
struct Scope::Registry {
  std::mutex mutex;
  // The keys are the scopes' own names.
  std::map<std::string_view, std::weak_ptr<Scope>> scopes;
};

}  // namespace nuncio::telemetry
