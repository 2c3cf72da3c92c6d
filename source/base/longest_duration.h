#pragma once

#include "source/base/clock.h"

namespace nuncio {

// What a configuration or a peer may set at most, 100 years; more becomes this. So the present, or another such length
// (a jitter), can always be added to one.
inline constexpr Duration kLongestDuration = std::chrono::hours(24) * 365 * 100;

}  // namespace nuncio
