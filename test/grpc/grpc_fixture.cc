#include "test/grpc/grpc_fixture.h"

#include "source/telemetry/scope_name.h"

namespace nuncio::grpc {

bool GrpcServer::Pump() {
  bool moved = false;
  for (size_t i = peers_.size(); i < socket_.Accepted(); ++i) {
    peers_.push_back({std::make_unique<http::h2::ServerPeer>(options_), 0});
  }
  for (size_t i = 0; i < peers_.size(); ++i) {
    Connection& connection = peers_[i];
    const std::string& received = socket_.Received(i);
    if (received.size() > connection.fed) {
      moved = true;
      EXPECT_TRUE(connection.peer->Feed(std::string_view(received).substr(connection.fed)));
      connection.fed = received.size();
    }
    const std::string out = connection.peer->Take();
    if (!out.empty()) {
      moved = true;
      socket_.Send(i, out);
    }
  }
  return moved;
}

void GrpcServer::CloseAll() {
  for (size_t i = 0; i < peers_.size(); ++i) socket_.Close(i);
}

std::string Frame(std::string_view message) {
  std::string frame(1, '\0');
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(message.size() >> shift));
  return frame.append(message);
}

GrpcFixture::GrpcFixture() {
  scope_ = store_.GetScope(telemetry::ClusterScopeName("backend"));
  config_->name = "backend";
  config_->protocol = upstream::UpstreamProtocol::kHttp2;
  target_.cluster = "backend";
  target_.authority = "control.example";
}

GrpcFixture::~GrpcFixture() {
  clusters_.Clear();
  Settle();
  EXPECT_EQ(Stat("upstream_rq_active"), 0);
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
}

void GrpcFixture::PutCluster(const net::Address* address) {
  auto cluster = std::make_shared<upstream::PublishedCluster>(config_, upstream::ClusterScopes{scope_, {}}, nullptr,
                                                              std::vector<tls::ClientContextCells>(), 2);
  std::vector<upstream::LocalityHosts> localities;
  if (address != nullptr) {
    upstream::HostIdentity identity;
    identity.address = *address;
    auto chunk = std::make_shared<upstream::HostChunk>();
    chunk->entries.push_back({std::make_shared<const upstream::Host>(slots_, identity, 2), 1,
                              upstream::HealthStatus::kHealthy});
    upstream::LocalityHosts& locality = localities.emplace_back();
    locality.weight = 0;
    locality.size = 1;
    locality.chunks.push_back(std::move(chunk));
  }
  cluster->SetHosts(upstream::HostSet::Create(std::move(localities), 140, config_->balancer));
  clusters_.Put(cluster);
}

int64_t GrpcFixture::Stat(std::string_view name) {
  auto& traffic = scope_->Get<telemetry::ClusterTrafficStats>(1);
  if (name == "upstream_rq_total") return static_cast<int64_t>(traffic.upstream_rq_total.value());
  if (name == "upstream_rq_timeout") return static_cast<int64_t>(traffic.upstream_rq_timeout.value());
  if (name == "upstream_rq_max_duration_reached") {
    return static_cast<int64_t>(traffic.upstream_rq_max_duration_reached.value());
  }
  if (name == "upstream_rq_rx_reset") return static_cast<int64_t>(traffic.upstream_rq_rx_reset.value());
  if (name == "upstream_rq_tx_reset") return static_cast<int64_t>(traffic.upstream_rq_tx_reset.value());
  if (name == "upstream_rq_200") return static_cast<int64_t>(traffic.upstream_rq.value(200));
  if (name == "upstream_cx_none_healthy") return static_cast<int64_t>(traffic.upstream_cx_none_healthy.value());
  if (name == "upstream_rq_active") return traffic.upstream_rq_active.value();
  if (name == "upstream_cx_active") return traffic.upstream_cx_active.value();
  ADD_FAILURE() << "no such statistic here: " << name;
  return -1;
}

}  // namespace nuncio::grpc
