#pragma once

#include <chrono>
#include <cstddef>

#include "source/event/event_loop.h"
#include "source/xds/config_thread.h"

namespace nuncio::xds {

// Gives back to the kernel what compiling and applying resources left free, once much was compiled. Main thread.
class MemoryReturn {
 public:
  // Bytes of resources; what they leave free is some ten times that.
  static constexpr size_t kMuch = 32 << 10;
  // After the answer: by then everybody has taken what it changed and let go of what was before.
  static constexpr std::chrono::milliseconds kSettle{50};

  // Both outlive this object.
  MemoryReturn(event::EventLoop& loop, ConfigThread& thread);

  // So much was compiled for an answer.
  void OnCompiled(size_t bytes);

 private:
  void OnSettled();

  ConfigThread& thread_;
  size_t compiled_ = 0;
  event::Timer settle_;
};

}  // namespace nuncio::xds
