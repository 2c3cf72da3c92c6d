#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "source/access_log/worker_log.h"
#include "source/admin/admin_connection.h"
#include "source/admin/admin_services.h"
#include "source/http/date.h"
#include "source/http/h1/options.h"
#include "source/net/acceptor.h"
#include "source/telemetry/http_stats.h"

namespace nuncio::admin {

// The admin interface: HTTP/1 on the main loop, at the address that the bootstrap gives. It never takes much of main's
// time at once, and holds little memory whatever its clients do. Main thread.
class AdminServer final : public net::AcceptEvents {
 public:
  // Most connections at once. One more takes the place of the one idle for longest, or is closed where none is idle.
  static constexpr size_t kMaxConnections = 64;

  // `services.bootstrap.admin` is set.
  explicit AdminServer(AdminServices services);
  ~AdminServer();

  // Opens the access logs, binds, and begins to serve. Errors name the field of the bootstrap.
  absl::Status Start();
  // As bound. After Start.
  const net::Address& address() const { return acceptor_->socket().local(); }

  void OnAccept(int fd, const net::Address& peer, const net::ListenSocket& socket) override;
  void OnAcceptPaused(int error) override;

 private:
  friend class AdminConnection;

  void OnConnectionClosed();

  AdminServices services_;
  const bootstrap::AdminConfig& config_;
  const http::h1::H1Options http1_{.accept_http_10 = true, .default_host_for_http_10 = "admin"};
  buffer::SlicePool slices_;
  ArenaBlockPool arena_blocks_;
  http::DateText date_;
  access_log::WorkerLog log_;
  std::vector<std::shared_ptr<const access_log::AccessLog>> logs_;
  const telemetry::ScopePtr scope_;
  telemetry::DownstreamHttpStats& stats_;
  std::unique_ptr<net::Acceptor> acceptor_;
  // Those that became idle last are at the end.
  IntrusiveList<AdminConnection> connections_;
  size_t connection_count_ = 0;
  uint64_t last_id_ = 0;
};

}  // namespace nuncio::admin
