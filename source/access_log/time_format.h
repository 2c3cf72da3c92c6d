#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/clock.h"

namespace nuncio::access_log {

// A compiled pattern for moments: strftime(3)'s conversions, and %f (nine digits of the second), %1f..%9f, %s (seconds
// since 1970), %3s, %6s and %9s (with that many digits more, without a point), %E3S and the like (seconds with a
// fraction), %E*S, %E3f. What changes only once a second is made once a second and thread. Immutable; any thread.
class TimeFormat {
 public:
  enum class Zone : uint8_t { kUtc, kLocal };

  // The pattern of a plain %START_TIME%: 2026-01-02T03:04:05.678Z.
  static TimeFormat Default(Zone zone);
  // False, with `error` set, where the pattern has an unknown conversion or a line break. An empty one is the default.
  static bool Parse(std::string_view pattern, Zone zone, TimeFormat* format, std::string* error);

  void Append(SystemTime time, std::string& out) const;

 private:
  struct Piece {
    enum class Kind : uint8_t { kCalendar, kFraction, kEpoch };
    Kind kind;
    // Of a fraction or epoch: digits below the second.
    uint8_t digits = 0;
    // For strftime.
    std::string pattern{};
  };
  // Parses the conversion at the start of `rest` (after the percent sign) and cuts it off.
  bool ParseConversion(std::string_view& rest, std::string& calendar, std::string* error);
  void AddCalendar(std::string& calendar);
  void MakeCalendar(int64_t second, std::string& out) const;

  Zone zone_ = Zone::kUtc;
  std::vector<Piece> pieces_;
  // Tells formats apart in the threads' caches.
  uint64_t id_ = 0;
};

}  // namespace nuncio::access_log
