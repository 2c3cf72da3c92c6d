#pragma once

#include "source/filter/listener_filter.h"

namespace nuncio::extensions {

// Finds where a connection went to before the host's packet filter redirected it here (SO_ORIGINAL_DST), and takes that
// for its local address. Connections that were not redirected pass as they are.
class OriginalDst final : public filter::ListenerFilter {
 public:
  size_t max_bytes() const override { return 0; }
  filter::ListenerFilterOutcome Inspect(std::string_view bytes, filter::AcceptedConnection& connection) override;
};

}  // namespace nuncio::extensions
