#include "test/proxy/manager_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "source/base/strings.h"
#include "source/net/socket_options.h"
#include "source/telemetry/scope_name.h"
#include "test/route/table.h"

namespace nuncio::proxy {
namespace {

// The two ends of a TCP connection over loopback, both non-blocking: the client's, and the proxy's.
std::pair<int, int> ConnectedPair() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const int served = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listener);
  // Whatever is sent arrives at once, not with the next acknowledgement.
  net::SetNoDelay(client);
  net::SetNoDelay(served);
  return {client, served};
}

}  // namespace

FakeClient::~FakeClient() { Close(); }

void FakeClient::Send(std::string_view bytes) {
  EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

void FakeClient::TrySend(std::string_view bytes) {
  const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  EXPECT_TRUE(n >= 0 || errno == EAGAIN);
}

const std::string& FakeClient::Received() {
  char bytes[65536];
  while (fd_ >= 0 && !ended_) {
    const ssize_t n = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n > 0) {
      received_.append(bytes, static_cast<size_t>(n));
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    ended_ = true;
    reset_ = n < 0;
  }
  return received_;
}

bool FakeClient::SawEnd() {
  Received();
  return ended_;
}

bool FakeClient::SawReset() { return SawEnd() && reset_; }

void FakeClient::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void FakeClient::End() { shutdown(fd_, SHUT_WR); }

void FakeClient::BeginHttp2() {
  using namespace http::h2;
  Send(StrCat(kPreface, Settings({}), SettingsAck()));
}

const http::h2::ParsedFrame* FakeClient::Find(uint8_t type, uint32_t stream_id) {
  Received();
  // Whole frames only: the reader wants no pieces.
  size_t whole = read_as_frames_;
  while (received_.size() - whole >= 9) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(received_[whole + i]); };
    const size_t size = 9 + (size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2));
    if (received_.size() - whole < size) break;
    whole += size;
  }
  const std::string_view fresh = std::string_view(received_).substr(read_as_frames_, whole - read_as_frames_);
  for (http::h2::ParsedFrame& frame : reader_.Read(fresh)) frames_.push_back(std::move(frame));
  read_as_frames_ = whole;
  const http::h2::ParsedFrame* found = nullptr;
  for (const http::h2::ParsedFrame& frame : frames_) {
    if (frame.type == type && frame.stream_id == stream_id) found = &frame;
  }
  return found;
}

std::string FakeClient::Body(uint32_t stream_id) {
  Find(NGHTTP2_DATA, stream_id);
  std::string body;
  for (const http::h2::ParsedFrame& frame : frames_) {
    if (frame.type == NGHTTP2_DATA && frame.stream_id == stream_id) body += frame.payload;
  }
  return body;
}

ManagerFixture::ManagerFixture() {
  config_->stat_prefix = "test";
  cluster_->name = "backend";
  cluster_scope_ = store_.GetScope(telemetry::ClusterScopeName("backend"));
}

ManagerFixture::~ManagerFixture() {
  // Its connections use what is theirs in common until they are deleted.
  if (manager_ != nullptr) manager_->CloseAll();
  loop_.RunOnce();
  manager_.reset();
  loop_.RunOnce();
  clusters_.Clear();
  loop_.RunOnce();
  EXPECT_EQ(Stat("http.test.downstream_cx_active"), 0);
  EXPECT_EQ(Stat("http.test.downstream_rq_active"), 0);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_active"), 0);
  EXPECT_EQ(Stat("cluster.backend.upstream_rq_active"), 0);
  routes_->table.reset();
}

void ManagerFixture::SetRoutes(std::string_view routes, std::string_view virtual_host) {
  const std::string yaml = StrCat("{virtual_hosts: [{name: all, domains: ['*'], routes: ", routes,
                                  virtual_host.empty() ? "" : ", ", virtual_host, "}]}");
  routes_->table = LocalRef<route::RouteTable>(route::TableOf(yaml), *this);
}

void ManagerFixture::PutCluster(const std::vector<net::Address>& hosts) {
  auto cluster = std::make_shared<upstream::PublishedCluster>(cluster_, upstream::ClusterScopes{cluster_scope_, {}},
                                                              nullptr, std::vector<tls::ClientContextCells>(), 2);
  auto chunk = std::make_shared<upstream::HostChunk>();
  for (const net::Address& address : hosts) {
    upstream::HostIdentity identity;
    identity.address = address;
    identity.hostname = StrCat(std::string(1, static_cast<char>('a' + chunk->entries.size())), ".host");
    chunk->entries.push_back(
        {std::make_shared<const upstream::Host>(slots_, identity, 2), 1, upstream::HealthStatus::kHealthy});
  }
  upstream::LocalityHosts locality;
  locality.size = hosts.size();
  locality.chunks.push_back(std::move(chunk));
  cluster->SetHosts(upstream::HostSet::Create({std::move(locality)}, 140, cluster_->balancer));
  clusters_.Put(cluster);
}

HttpConnectionManager& ManagerFixture::manager() {
  if (manager_ == nullptr) {
    manager_ = std::make_unique<HttpConnectionManager>(services_, config_, AccessLogs(), routes_, std::move(filters_));
  }
  return *manager_;
}

std::unique_ptr<FakeClient> ManagerFixture::Connect() {
  const auto [client, served] = ConnectedPair();
  filter::AcceptedConnection accepted;
  accepted.fd = served;
  accepted.peer = accepted.direct_peer = net::LocalAddress(client);
  accepted.buffer_limit = buffer_limit_;
  manager().Serve(accepted, nullptr, *this);
  return std::make_unique<FakeClient>(client);
}

}  // namespace nuncio::proxy
