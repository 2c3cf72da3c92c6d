#pragma once

#include <cstdint>
#include <string>

#include "source/base/clock.h"

namespace nuncio::xds {

// Where a resource stands, for the admin interface.
struct ResourceStatus {
  enum class State : uint8_t {
    kRequested,     // asked for, no answer yet
    kDoesNotExist,  // asked for, and not there within initial_fetch_timeout
    kAcked,         // in force
    kNacked,        // the newest was refused; `version` is what serves, or empty
  };
  std::string name;
  State state = State::kRequested;
  // In force, and since when.
  std::string version;
  SystemTime updated_at{};
  // Of the newest answer, where it was refused: every fault, one per line.
  std::string error;
  std::string rejected_version;
  SystemTime rejected_at{};
};

// "REQUESTED", "DOES_NOT_EXIST", "ACKED", "NACKED", as envoy.admin.v3.ClientResourceStatus calls them.
constexpr const char* StateName(ResourceStatus::State state) {
  switch (state) {
    case ResourceStatus::State::kRequested:
      return "REQUESTED";
    case ResourceStatus::State::kDoesNotExist:
      return "DOES_NOT_EXIST";
    case ResourceStatus::State::kAcked:
      return "ACKED";
    case ResourceStatus::State::kNacked:
      return "NACKED";
  }
  return "";
}

}  // namespace nuncio::xds
