#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "source/base/clock.h"

namespace nuncio::proxy {

// The deadlines of one stream as plain numbers: setting one touches no timer. The connection keeps the timer.
class StreamDeadlines {
 public:
  enum Kind : size_t { kRequestHead, kRequest, kIdle, kRoute, kMaxDuration, kCount };
  static constexpr MonotonicTime kNone = MonotonicTime::max();

  StreamDeadlines() { at_.fill(kNone); }

  void Set(Kind kind, MonotonicTime at) { at_[kind] = at; }
  void Clear(Kind kind) { at_[kind] = kNone; }
  void ClearAll() { at_.fill(kNone); }
  bool Due(Kind kind, MonotonicTime now) const { return at_[kind] <= now; }
  MonotonicTime at(Kind kind) const { return at_[kind]; }
  MonotonicTime next() const { return *std::min_element(at_.begin(), at_.end()); }

 private:
  std::array<MonotonicTime, kCount> at_;
};

}  // namespace nuncio::proxy
