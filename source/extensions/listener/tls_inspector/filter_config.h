#pragma once

#include <cstddef>

#include "source/filter/listener_filter.h"

namespace nuncio::extensions {

// Immutable; any thread.
struct TlsInspectorConfig final : filter::ListenerFilterConfig {
  bool ja3 = false;
  bool ja4 = false;
  bool close_on_malformed = false;
  // Bytes of the message.
  size_t max_client_hello = 16384;
};

}  // namespace nuncio::extensions
