#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/control/model/resource.h"

namespace nuncio::control {

enum class Severity : int { kWarning = 1, kError = 2 };

// Something wrong with a resource of a push.
struct ResourceFault {
  Severity severity = Severity::kError;
  // Of the resource; parts may be empty where it does not tell.
  ResourceKey key;
  // Empty: the resource as a whole.
  std::string field_path;
  std::string reason;
  // Place in the push, from 0; nullopt where the resource was there before.
  std::optional<uint32_t> index;
};

// Collects faults. With `strict` warnings are errors.
class ResourceFaults {
 public:
  // So many of either severity are kept; the rest is counted.
  static constexpr size_t kMaxKept = 5'000;

  explicit ResourceFaults(bool strict) : strict_(strict) {}

  void Add(ResourceFault fault);

  bool ok() const { return errors_ == 0; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }
  // The errors, then the warnings, each in the order of their finding; with a last one that counts what was not kept.
  std::vector<ResourceFault> Take() &&;

 private:
  const bool strict_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
  std::vector<ResourceFault> kept_errors_;
  std::vector<ResourceFault> kept_warnings_;
};

}  // namespace nuncio::control
