#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "source/telemetry/scope.h"

namespace nuncio::telemetry {

// The living scopes by prefix, sorted. Shared by the store and the scopes, so that either may go first.
struct Scope::Registry {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Scope>, std::less<>> scopes;
};

}  // namespace nuncio::telemetry
