#pragma once

#include <memory>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/extensions/network/tcp_proxy/filter_config.h"
#include "source/extensions/network/tcp_proxy/stats.h"
#include "source/proxy/connection_manager.h"
#include "source/proxy/worker_services.h"

namespace nuncio::extensions {

class TcpSession;

// Forwards connections byte by byte. One per filter chain and worker; what it knows of a connection is its TcpSession.
class TcpProxy final : public filter::TerminalFilter {
 public:
  TcpProxy(std::shared_ptr<const TcpProxyConfig> config, proxy::AccessLogs logs, proxy::WorkerServices& services);
  ~TcpProxy() override;

  void Serve(filter::AcceptedConnection connection, std::unique_ptr<net::TransportSocket> transport,
             filter::ConnectionOwner& owner) override;
  // Bytes have no end that the proxy could see: connections stay until whoever drains closes them.
  void StartDraining(Duration) override {}
  void SetHealthFailing(bool) override {}
  void CloseAll() override;
  uint64_t connections() const override { return sessions_; }

  // For sessions.
  const TcpProxyConfig& config() const { return *config_; }
  const proxy::AccessLogs& logs() const { return logs_; }
  proxy::WorkerServices& services() { return services_; }
  TcpProxyStats& stats() { return stats_; }
  std::string_view ChooseCluster();
  void OnSessionOver() { --sessions_; }

 private:
  const std::shared_ptr<const TcpProxyConfig> config_;
  const proxy::AccessLogs logs_;
  proxy::WorkerServices& services_;
  const telemetry::ScopePtr scope_;
  TcpProxyStats& stats_;
  IntrusiveList<TcpSession> list_;
  uint64_t sessions_ = 0;
};

}  // namespace nuncio::extensions
