#pragma once

#include <cstdint>

namespace nuncio::soak {

// Requests through a proxy, each checked byte by byte.
struct LoadOptions {
  uint16_t port = 0;
  // Small requests: every second one opens a connection, every fifth is a POST.
  uint64_t requests = 0;
  int threads = 8;
  // Small requests per second over all threads; 0: as fast as they go.
  uint64_t rate = 0;
  // Bytes of one download and one upload that begin with the first small request and, paced by their progress, end
  // after the last.
  uint64_t spanning_download = 0;
  uint64_t spanning_upload = 0;
  // Bytes of one download and one upload whose reader stalls; they run beside each other.
  uint64_t stalled_download = 0;
  uint64_t stalled_upload = 0;
  // The reader reads nothing for so many seconds at the start and after every so many bytes.
  int stall_seconds = 3;
  uint64_t stall_every = 0;
};

// Prints a line of JSON: what was sent, what failed and how, which backends and which configurations (header
// `x-revision`) answered. Returns the exit status: 0 where nothing failed.
int RunLoad(const LoadOptions& options);

}  // namespace nuncio::soak
