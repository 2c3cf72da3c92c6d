#pragma once

#include <string>

#include "source/control/fleet/fleet.h"
#include "source/control/metrics/counters.h"
#include "source/control/push/publisher.h"
#include "source/control/server/tls_files.h"
#include "source/control/store/store.h"

namespace nuncio::control {

// Everything /metrics shows, read where it lives.
struct MetricsSources {
  const Counters& counters;
  const Fleet& fleet;
  const Publisher& publisher;
  Store& store;
  // Null where all is plain text.
  const TlsFiles* tls;
};

// In the Prometheus text format, version 0.0.4.
std::string MetricsText(const MetricsSources& sources, size_t open_streams);

}  // namespace nuncio::control
