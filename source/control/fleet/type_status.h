#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace nuncio::control {

// How a client stands with one resource type; see nuncio.control.v1.ProxyType.
struct TypeStatus {
  enum class State : int { kSynced = 1, kPending = 2, kRefused = 3, kWaitingForPush = 4 };

  std::string type_url;
  State state = State::kPending;
  std::string sent_version;
  std::string acknowledged_version;
  std::string refused_version;
  std::string error;
  bool wildcard = false;
  size_t subscribed_names = 0;
  uint64_t acknowledged = 0;
  uint64_t refused = 0;

  bool operator==(const TypeStatus&) const = default;
};

}  // namespace nuncio::control
