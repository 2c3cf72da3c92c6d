#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/clock.h"

namespace nuncio::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7), made anew at most once a second. One per worker; not
// thread-safe.
class DateText {
 public:
  static constexpr size_t kSize = 29;

  // Valid until the next call; a header map that keeps it needs a copy in its arena.
  std::string_view At(SystemTime now) {
    const int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    if (second != second_) [[unlikely]] Format(second);
    return {text_, kSize};
  }

 private:
  void Format(int64_t second);

  int64_t second_ = INT64_MIN;
  char text_[kSize];
};

}  // namespace nuncio::http
