#include "source/control/model/resource_fault.h"

#include <iterator>

#include "source/base/strings.h"

namespace nuncio::control {

void ResourceFaults::Add(ResourceFault fault) {
  if (strict_) fault.severity = Severity::kError;
  const bool error = fault.severity == Severity::kError;
  ++(error ? errors_ : warnings_);
  std::vector<ResourceFault>& kept = error ? kept_errors_ : kept_warnings_;
  if (kept.size() < kMaxKept) kept.push_back(std::move(fault));
}

std::vector<ResourceFault> ResourceFaults::Take() && {
  std::vector<ResourceFault> all = std::move(kept_errors_);
  if (errors_ > kMaxKept) {
    all.push_back({Severity::kError, {}, "", StrCat("and ", errors_ - kMaxKept, " more errors"), {}});
  }
  std::move(kept_warnings_.begin(), kept_warnings_.end(), std::back_inserter(all));
  if (warnings_ > kMaxKept) {
    all.push_back({Severity::kWarning, {}, "", StrCat("and ", warnings_ - kMaxKept, " more warnings"), {}});
  }
  return all;
}

}  // namespace nuncio::control
