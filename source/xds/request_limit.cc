#include "source/xds/request_limit.h"

#include <algorithm>
#include <chrono>

namespace nuncio::xds {

bool RequestLimit::Take() {
  const MonotonicTime now = loop_.now();
  tokens_ = std::min<double>(limit_.max_tokens,
                             tokens_ + std::chrono::duration<double>(now - at_).count() * limit_.tokens_per_second);
  at_ = now;
  if (tokens_ >= 1) {
    tokens_ -= 1;
    return true;
  }
  // Rounded up, so that there is a whole token by then.
  const double seconds = std::min((1 - tokens_) / limit_.tokens_per_second, 3600.0);
  again_.Arm(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)) +
             std::chrono::milliseconds(1));
  return false;
}

}  // namespace nuncio::xds
