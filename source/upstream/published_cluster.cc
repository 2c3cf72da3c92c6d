#include "source/upstream/published_cluster.h"

#include <mutex>
#include <utility>

namespace nuncio::upstream {
namespace {

// One for all clusters: a thread takes it when it uses a cluster for the first time, main when members change.
std::mutex& Mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

PublishedCluster::PublishedCluster(std::shared_ptr<const ClusterConfig> config, ClusterScopes scopes,
                                   std::shared_ptr<const BindOptions> default_bind,
                                   std::vector<tls::ClientContextCells> tls, uint32_t slots)
    : config_(std::move(config)),
      scopes_(std::move(scopes)),
      default_bind_(std::move(default_bind)),
      tls_(std::move(tls)),
      slots_(slots) {}

ClusterLimitsByPriority PublishedCluster::limits() const {
  const std::lock_guard lock(Mutex());
  if (limits_.front() == nullptr) limits_ = MakeClusterLimits(*config_, slots_);
  return limits_;
}

HostSetPtr PublishedCluster::hosts() const {
  const std::lock_guard lock(Mutex());
  return hosts_;
}

void PublishedCluster::SetHosts(HostSetPtr hosts) {
  const std::lock_guard lock(Mutex());
  // The one before is let go of without the lock.
  hosts_.swap(hosts);
}

}  // namespace nuncio::upstream
