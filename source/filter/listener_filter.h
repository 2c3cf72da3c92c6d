#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/filter/accepted_connection.h"

namespace nuncio::filter {

// A listener filter as configured. Immutable; any thread.
struct ListenerFilterConfig {
  virtual ~ListenerFilterConfig() = default;
  // Full name of the message it was made from: by it the worker's filter is made.
  std::string_view type;
};

enum class ListenerFilterVerdict : uint8_t {
  kContinue,  // On to the next filter, or to the choice of a filter chain.
  kNeedMore,  // Not decided: to be asked again when more bytes have come.
  kReject,    // The connection is to be closed. Counting why is the filter's.
};

struct ListenerFilterOutcome {
  ListenerFilterVerdict verdict = ListenerFilterVerdict::kContinue;
  // With kContinue: so many of the bytes are the filter's own and go no further.
  size_t consumed = 0;
};

// Looks at the first bytes of a connection before a filter chain is chosen. They stay in the kernel's buffer, so that
// whoever serves the connection reads them as if nobody had looked; a filter is stateless and sees them from the first
// one on each time. One per listener and worker, used by all connections; belongs to the worker's thread.
class ListenerFilter {
 public:
  virtual ~ListenerFilter() = default;
  // The most bytes it wants to see, at most kMaxBytes. 0: none; it is asked once, as soon as the connection is there. A
  // connection is closed when the filter needs more though it was shown so many.
  virtual size_t max_bytes() const = 0;
  virtual ListenerFilterOutcome Inspect(std::string_view bytes, AcceptedConnection& connection) = 0;

  static constexpr size_t kMaxBytes = 64 * 1024;
};

}  // namespace nuncio::filter
