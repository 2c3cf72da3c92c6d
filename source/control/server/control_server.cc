#include "source/control/server/control_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <mutex>

#include "api/linked.h"
#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/base/version.h"
#include "source/control/server/metrics.h"
#include "source/control/server/tls_credentials.h"

namespace nuncio::control {
namespace {

// Threads of operators' calls, which block; xDS needs none of them.
constexpr int kMaxThreads = 64;
// What all connections together may hold in gRPC's buffers.
constexpr size_t kMaxBufferBytes = size_t{2} << 30;
// A proxy whose machine vanished is noticed after these two.
constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// Clients may probe us that often.
constexpr int kLeastPingIntervalMs = 5'000;

std::string HostName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "unknown";
  return name;
}

bool IsLocal(const std::string& address) {
  return address.starts_with("127.") || address.starts_with("[::1]:") || address.starts_with("localhost:") ||
         address.starts_with("unix:");
}

}  // namespace

ControlServer::ControlServer(const Options& options, const Clock& clock, std::unique_ptr<Store> store, GroupRule rule)
    : options_(options),
      clock_(clock),
      store_(std::move(store)),
      group_rule_(std::move(rule)),
      history_(*store_),
      fleet_(clock, {.forget_after = options.forget_proxies_after}),
      access_(options.operators),
      publisher_(clock, *store_, snapshots_, counters_, options.static_clusters),
      config_service_(publisher_, *store_, fleet_, access_),
      fleet_service_(fleet_, access_),
      xds_services_({.clock = clock,
                     .group_rule = group_rule_,
                     .snapshots = snapshots_,
                     .history = history_,
                     .fleet = fleet_,
                     .counters = counters_,
                     .identifier = StrCat("nuncio-control/", kVersion, " ", HostName())}) {}

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(const Options& options, const Clock& clock,
                                                                    std::unique_ptr<Store> store) {
  api::LinkAllMessages();
  NUNCIO_ASSIGN_OR_RETURN(GroupRule rule, GroupRule::Parse(options.group_by));
  std::unique_ptr<ControlServer> server(new ControlServer(options, clock, std::move(store), std::move(rule)));
  NUNCIO_RETURN_IF_ERROR(server->Open());
  return server;
}

absl::Status ControlServer::Open() {
  NUNCIO_RETURN_IF_ERROR(publisher_.Restore());
  if (!options_.tls_cert.empty()) {
    NUNCIO_ASSIGN_OR_RETURN(
        tls_,
        TlsFiles::Open({.certificate = options_.tls_cert, .key = options_.tls_key, .client_ca = options_.client_ca},
                       clock_));
  }
  if (!options_.http_listen.empty()) {
    NUNCIO_ASSIGN_OR_RETURN(
        http_, HttpEndpoint::Open(options_.http_listen, [this](const std::string& path) { return OnHttp(path); }));
  }
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  const bool apart = !options_.xds_listen.empty();
  if (apart) {
    NUNCIO_RETURN_IF_ERROR(OpenGrpc("--xds-listen", options_.xds_listen, false, true, xds_address_));
  }
  NUNCIO_RETURN_IF_ERROR(OpenGrpc("--listen", options_.listen, true, !apart, listen_address_));
  if (!apart) xds_address_ = listen_address_;
  ready_ = true;
  return absl::OkStatus();
}

absl::Status ControlServer::OpenGrpc(const std::string& flag, const std::string& address, bool operators, bool xds,
                                     std::string& bound) {
  grpc::ServerBuilder builder;
  int port = -1;
  credentials_.push_back(tls_ == nullptr ? grpc::InsecureServerCredentials() : MakeTlsCredentials(*tls_));
  builder.AddListeningPort(address, credentials_.back(), &port);
  if (operators) builder.RegisterService(&config_service_);
  if (operators) builder.RegisterService(&fleet_service_);
  if (xds) xds_services_.Register(builder);
  builder.SetMaxReceiveMessageSize(options_.max_message_mib << 20);
  builder.SetMaxSendMessageSize(-1);
  grpc::ResourceQuota quota("nuncio-control");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(kMaxBufferBytes);
  builder.SetResourceQuota(quota);
  // Two servers on one port would each get some of the proxies.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || (port == 0 && !address.starts_with("unix:"))) {
    return Unavailable(
        StrCat(flag, "=", address, ": cannot listen there; is the address this machine's, and the port free?"));
  }
  bound = address.starts_with("unix:") ? address : StrCat(address.substr(0, address.rfind(':')), ":", port);
  if (options_.client_ca.empty() && !IsLocal(address)) {
    NUNCIO_LOG(kControl, kWarning, flag, "=", address, ": whoever reaches this port ",
               operators ? "can change the configuration of every proxy" : "can read the configuration of every proxy",
               "; use --client-ca, or an address of this machine only");
  }
  servers_.push_back(std::move(server));
  return absl::OkStatus();
}

HttpEndpoint::Answer ControlServer::OnHttp(const std::string& path) {
  if (path == "/ready") {
    const bool ready = ready_;
    return {.status = ready ? 200u : 503u, .body = ready ? "LIVE\n" : "NOT READY\n"};
  }
  if (path == "/metrics") {
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = MetricsText({.counters = counters_,
                                 .fleet = fleet_,
                                 .publisher = publisher_,
                                 .store = *store_,
                                 .tls = tls_.get()},
                                xds_services_.open_streams())};
  }
  return {.status = 404, .body = "there are /metrics and /ready\n"};
}

void ControlServer::Tick() {
  xds_services_.Tick();
  fleet_.Prune();
  if (tls_ != nullptr) tls_->Tick();
}

void ControlServer::Stop() {
  if (servers_.empty()) return;
  ready_ = false;
  for (const std::unique_ptr<grpc::Server>& server : servers_) {
    if (server->GetHealthCheckService() != nullptr) server->GetHealthCheckService()->Shutdown();
  }
  xds_services_.Stop();
  fleet_service_.Stop();
  const auto deadline = std::chrono::system_clock::now() + options_.drain_time;
  for (const std::unique_ptr<grpc::Server>& server : servers_) server->Shutdown(deadline);
  for (const std::unique_ptr<grpc::Server>& server : servers_) server->Wait();
  servers_.clear();
}

ControlServer::~ControlServer() {
  Stop();
  // Its handler looks at everything else.
  http_.reset();
}

}  // namespace nuncio::control
