#pragma once

#include <atomic>
#include <cstdint>

namespace nuncio::control {

// What /metrics counts beside the state that it reads from its owners. Any thread.
struct Counters {
  using Counter = std::atomic<uint64_t>;

  Counter xds_streams_opened{0};
  Counter xds_streams_refused{0};
  Counter xds_requests{0};
  Counter xds_responses{0};
  Counter xds_response_bytes{0};
  Counter xds_acknowledged{0};
  Counter xds_refused{0};
  Counter pushes_taken{0};
  Counter pushes_unchanged{0};
  Counter pushes_refused{0};
  Counter pushes_conflicting{0};
  Counter pushes_failed{0};
  // All pushes that got as far as being checked, and the time that took them, dry runs included.
  Counter pushes_checked{0};
  Counter push_microseconds{0};
};

}  // namespace nuncio::control
