#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "source/net/address.h"

namespace nuncio::net {

struct TcpKeepalive {
  // Unset: the kernel's values.
  std::optional<uint32_t> probes;
  std::optional<std::chrono::seconds> time;
  std::optional<std::chrono::seconds> interval;
};

// One setsockopt(2) as configured.
struct SocketOption {
  enum class State { kPrebind, kBound, kListening };
  std::string description;
  int level = 0;
  int name = 0;
  // Either an int or bytes.
  std::optional<int> int_value;
  std::string bytes;
  State state = State::kPrebind;
};

absl::Status ApplyKeepalive(int fd, const TcpKeepalive& keepalive);
absl::Status ApplySocketOptions(int fd, const std::vector<SocketOption>& options, SocketOption::State state);
// For TCP; false for other families.
bool SetNoDelay(int fd);
// Address of this end; an empty Address when the kernel does not say.
Address LocalAddress(int fd);

}  // namespace nuncio::net
