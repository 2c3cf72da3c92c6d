#pragma once

#include <cstdint>

#include "source/base/clock.h"

namespace nuncio::proxy {

// What a downstream connection is known for beyond the object that serves it.
struct ConnectionPast {
  uint64_t id;
  MonotonicTime opened;
  SystemTime opened_system;
  // When the last exchange ended, or the connection began.
  MonotonicTime idle_since;
  uint64_t requests = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  // The local address is known, and so at hand for the log when the descriptor is closed.
  bool local_known = false;
  // The protocol is known.
  bool http1 = false;
};

}  // namespace nuncio::proxy
