#pragma once

#include <cstdint>
#include <limits>
#include <chrono>
#include <thread>

namespace nuncio::soak {

// A reader's pace: nothing for some seconds at the start and after every so many bytes, as fast as it can between.
class Stalls {
 public:
  // `seconds` 0: never stalls. `every` 0: only at the start.
  Stalls(uint64_t every, int seconds) : every_(every), seconds_(seconds) {
    if (seconds == 0) next_ = kNever;
  }

  // How far may be read by now, after `read` bytes; waits where it stalls.
  uint64_t Allow(uint64_t read) {
    if (read >= next_) {
      std::this_thread::sleep_for(std::chrono::seconds(seconds_));
      next_ = every_ == 0 ? kNever : read + every_;
    }
    return kNever;
  }

 private:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  const uint64_t every_;
  const int seconds_;
  uint64_t next_ = 0;
};

}  // namespace nuncio::soak
