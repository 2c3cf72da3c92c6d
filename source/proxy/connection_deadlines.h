#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "source/base/clock.h"

namespace nuncio::proxy {

// The deadlines of a downstream connection itself as plain numbers; its streams have theirs.
class ConnectionDeadlines {
 public:
  enum Kind : size_t {
    kIdle,      // While no stream is active.
    kDuration,  // max_connection_duration.
    kDrain,     // When its turn comes to be drained.
    kQuiet,     // HTTP/1: when it was silent long enough to be closed.
    kFlush,     // While the last answer waits for its client.
    kGoAway,    // HTTP/2: when later requests are refused.
    kPing,      // HTTP/2: the next PING.
    kPong,      // HTTP/2: the answer to the last one.
    kEarly,     // HTTP/2: when requests that go on after their answer are ended.
    kStall,     // HTTP/2: answers handed over whole of which nothing leaves are reset.
    kCount,
  };
  static constexpr MonotonicTime kNone = MonotonicTime::max();

  ConnectionDeadlines() { at_.fill(kNone); }

  void Set(Kind kind, MonotonicTime at) { at_[kind] = at; }
  void Clear(Kind kind) { at_[kind] = kNone; }
  // Whether it is due; it is cleared then.
  bool Take(Kind kind, MonotonicTime now) {
    if (at_[kind] > now) return false;
    at_[kind] = kNone;
    return true;
  }
  bool armed(Kind kind) const { return at_[kind] != kNone; }
  // Those that every connection has from its begin to its end.
  bool OnlyOfLife() const {
    for (size_t kind = 0; kind < kCount; ++kind) {
      if (kind != kIdle && kind != kDuration && at_[kind] != kNone) return false;
    }
    return true;
  }
  MonotonicTime next() const { return *std::min_element(at_.begin(), at_.end()); }

 private:
  std::array<MonotonicTime, kCount> at_;
};

}  // namespace nuncio::proxy
