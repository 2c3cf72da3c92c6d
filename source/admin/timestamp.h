#pragma once

#include <chrono>

#include "google/protobuf/timestamp.pb.h"
#include "source/base/clock.h"

namespace nuncio::admin {

inline void FillTimestamp(SystemTime time, google::protobuf::Timestamp& out) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  out.set_seconds(seconds.count());
  out.set_nanos(static_cast<int32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count()));
}

}  // namespace nuncio::admin
