#include "source/admin/admin_server.h"

#include <unistd.h>

#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::admin {

AdminServer::AdminServer(AdminServices services)
    : services_(std::move(services)),
      config_(*services_.bootstrap.admin),
      log_(services_.logs, services_.loop, telemetry::kMainSlot),
      scope_(services_.stats.GetScope(telemetry::HttpScopeName("admin"))),
      stats_(scope_->Get<telemetry::DownstreamHttpStats>(telemetry::kMainSlot)) {}

AdminServer::~AdminServer() {
  acceptor_.reset();
  while (AdminConnection* connection = connections_.front()) connection->CloseNow();
  // The connections' objects go with the turn.
  services_.loop.RunOnce();
}

absl::Status AdminServer::Start() {
  for (size_t i = 0; i < config_.access_logs.size(); ++i) {
    auto log = access_log::AccessLog::Create(config_.access_logs[i], services_.logs);
    if (!log.ok()) return InvalidArgument(StrCat("admin.access_log[", i, "]: ", log.status().message()));
    logs_.push_back(*std::move(log));
  }
  const listener::ListenAddress& address = config_.address;
  net::ListenSocket::Options options;
  options.reuse_port = false;
  options.ipv4_compat = address.ipv4_compat;
  options.unix_mode = address.unix_mode;
  options.socket_options = &address.socket_options;
  auto socket = net::ListenSocket::Create(address.address, options);
  if (!socket.ok()) return InvalidArgument(StrCat("admin.address: ", socket.status().message()));
  acceptor_ = std::make_unique<net::Acceptor>(services_.loop, *std::move(socket), *this, /*max_per_event=*/16);
  acceptor_->Start();
  NUNCIO_LOG(kAdmin, kInfo, "admin interface at ", this->address().ToString());
  return absl::OkStatus();
}

void AdminServer::OnAccept(int fd, const net::Address& peer, const net::ListenSocket&) {
  if (connection_count_ >= kMaxConnections) {
    AdminConnection* victim = connections_.front();
    while (victim != nullptr && !victim->idle()) victim = connections_.Next(*victim);
    if (victim == nullptr) {
      stats_.downstream_rq_overload_close.Inc();
      close(fd);
      return;
    }
    victim->CloseNow();
  }
  if (config_.ignore_global_limit) {
    services_.connection_limit.ForceTake();
  } else if (!services_.connection_limit.Take()) {
    stats_.downstream_rq_overload_close.Inc();
    close(fd);
    return;
  }
  auto* connection = new AdminConnection(*this, fd, peer);
  connections_.PushBack(*connection);
  ++connection_count_;
  connection->Start();
}

void AdminServer::OnAcceptPaused(int error) {
  NUNCIO_LOG(kAdmin, kWarning, ErrnoStatus(error, "admin interface: accepting pauses").message());
}

void AdminServer::OnConnectionClosed() {
  --connection_count_;
  services_.connection_limit.Return();
}

}  // namespace nuncio::admin
