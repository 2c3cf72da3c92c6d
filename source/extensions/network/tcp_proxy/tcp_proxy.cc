#include "source/extensions/network/tcp_proxy/tcp_proxy.h"

#include <utility>

#include "source/extensions/network/tcp_proxy/tcp_session.h"

namespace nuncio::extensions {

TcpProxy::TcpProxy(std::shared_ptr<const TcpProxyConfig> config, proxy::AccessLogs logs,
                   proxy::WorkerServices& services)
    : config_(std::move(config)),
      logs_(std::move(logs)),
      services_(services),
      scope_(services.stats.GetScope(TcpScopeName(config_->stat_prefix))),
      stats_(scope_->Get<TcpProxyStats>(services.slot)) {}

TcpProxy::~TcpProxy() { CloseAll(); }

void TcpProxy::Serve(filter::AcceptedConnection connection, std::unique_ptr<net::TransportSocket> transport,
                     filter::ConnectionOwner& owner) {
  auto* session = new TcpSession(*this, connection, std::move(transport), owner);
  list_.PushBack(*session);
  ++sessions_;
  stats_.downstream_cx_total.Inc();
  session->Start();
}

void TcpProxy::CloseAll() {
  while (TcpSession* session = list_.front()) session->CloseNow();
}

std::string_view TcpProxy::ChooseCluster() {
  const auto& clusters = config_->clusters;
  if (clusters.size() == 1) return clusters[0].name;
  const uint64_t at = services_.random.Below(clusters.back().weight_so_far);
  size_t i = 0;
  while (clusters[i].weight_so_far <= at) ++i;
  return clusters[i].name;
}

}  // namespace nuncio::extensions
