#pragma once

#include <chrono>

namespace nuncio {

using Duration = std::chrono::nanoseconds;
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using SystemTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// The source of time. Everything that waits or stamps takes one, so that tests move time by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Monotonic() const = 0;
  virtual SystemTime System() const = 0;
  // Whether time passes only by command. An event loop never blocks on such a clock.
  virtual bool simulated() const { return false; }

  // The process's real clock.
  static const Clock& Real();
};

// Starts at an arbitrary fixed moment (2026-01-01T00:00:00Z) and moves only by Advance. Not thread-safe.
class SimulatedClock : public Clock {
 public:
  MonotonicTime Monotonic() const override { return monotonic_; }
  SystemTime System() const override { return system_; }
  bool simulated() const override { return true; }
  void Advance(Duration by) {
    monotonic_ += by;
    system_ += by;
  }

 private:
  MonotonicTime monotonic_{std::chrono::hours(1)};
  SystemTime system_{std::chrono::seconds(1767225600)};
};

}  // namespace nuncio
