#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/filter/listener_filter.h"
#include "source/listener/listener_config.h"
#include "source/proxy/worker_services.h"
#include "source/telemetry/listener_stats.h"

namespace nuncio::listener {

// The listener filters of one version of a listener on one worker. Connections that they look at hold them.
class ListenerFilters {
 public:
  ListenerFilters(std::shared_ptr<const ListenerConfig> config, proxy::WorkerServices& services,
                  telemetry::ListenerStats& stats);

  bool empty() const { return filters_.empty(); }
  const ListenerConfig& config() const { return *config_; }

  enum class Progress : uint8_t {
    kDone,     // A filter chain may be chosen.
    kWaiting,  // For more bytes: to be called again when some have come.
    kClose,    // The connection is to be closed; why was counted.
  };
  // Runs the filters from `*at` on, and says in `*at` with which to go on. `peer_ended`: no more bytes will come than
  // those that are there.
  Progress Run(filter::AcceptedConnection& connection, size_t* at, bool peer_ended) const;

 private:
  struct Entry {
    std::unique_ptr<filter::ListenerFilter> filter;
    const std::optional<ListenerFilterPredicate>* disabled;
  };

  const std::shared_ptr<const ListenerConfig> config_;
  telemetry::ListenerStats& stats_;
  std::vector<Entry> filters_;
};

}  // namespace nuncio::listener
