#include "test/upstream/pool/pool_fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace nuncio::upstream {

FakeServer::FakeServer(int backlog) : listen_fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(listen_fd_, reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
  EXPECT_EQ(listen(listen_fd_, backlog), 0);
  address_ = net::LocalAddress(listen_fd_);
}

FakeServer::~FakeServer() {
  for (const Connection& connection : connections_) {
    if (connection.fd >= 0) close(connection.fd);
  }
  close(listen_fd_);
}

size_t FakeServer::Accepted() {
  for (;;) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return connections_.size();
    // Whatever is sent arrives at once, not with the next acknowledgement.
    net::SetNoDelay(fd);
    connections_.push_back({fd, {}, false});
  }
}

const std::string& FakeServer::Received(size_t connection) {
  Connection& from = connections_.at(connection);
  char bytes[65536];
  while (from.fd >= 0) {
    const ssize_t n = recv(from.fd, bytes, sizeof(bytes), 0);
    if (n > 0) {
      from.received.append(bytes, static_cast<size_t>(n));
      continue;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) from.ended = true;
    break;
  }
  return from.received;
}

bool FakeServer::SawEnd(size_t connection) {
  Received(connection);
  return connections_[connection].ended;
}

void FakeServer::Send(size_t connection, std::string_view bytes) {
  EXPECT_EQ(send(connections_.at(connection).fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

void FakeServer::Close(size_t connection) {
  close(connections_.at(connection).fd);
  connections_[connection].fd = -1;
}

void FakeServer::Abort(size_t connection) {
  const linger reset{1, 0};
  setsockopt(connections_.at(connection).fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  Close(connection);
}

FakeRequest::~FakeRequest() { Abandon(); }

void FakeRequest::Abandon() {
  if (sender != nullptr) std::exchange(sender, nullptr)->Reset(http::StreamReset::kLocal);
  pending.Cancel();
}

void FakeRequest::OnStreamReady(http::RequestSender& to, const StreamConnection& on) {
  EXPECT_FALSE(got_stream || failed) << "a second answer of the pool";
  got_stream = true;
  connection = on;
  sender = &to;
  auto* head = arena_.New<http::RequestHead>(arena_);
  head->method_text = connect ? "CONNECT" : post_length > 0 ? "POST" : "GET";
  head->method = http::FindMethod(head->method_text);
  if (!connect) {
    head->path = path;
    head->scheme = "http";
  }
  head->authority = "backend";
  if (post_length > 0) head->headers.Add("content-length", std::to_string(post_length));
  to.SendHead(*head, post_length == 0 && !connect);
}

void FakeRequest::OnStreamFailed(PoolFailure why, std::string_view details, const Host& host) {
  EXPECT_FALSE(got_stream || failed) << "a second answer of the pool";
  failed = true;
  failure = why;
  failure_details = details;
  if (ask_on_failure != nullptr) fixture->Ask(*ask_on_failure, host);
}

void FakeRequest::OnResponseHead(http::ResponseHead& head, bool end_stream) {
  status = head.status;
  if (end_stream) Complete();
}

void FakeRequest::OnData(buffer::Buffer& data, bool end_stream) {
  body += data.ToString();
  data.Clear();
  if (end_stream) Complete();
}

void FakeRequest::OnReset(http::StreamReset kind, std::string_view) {
  EXPECT_FALSE(complete || reset) << "a second end";
  reset = true;
  reset_kind = kind;
  sender = nullptr;
}

void FakeRequest::Complete() {
  EXPECT_FALSE(complete || reset) << "a second end";
  complete = true;
  sender = nullptr;
}

PoolFixture::PoolFixture() {
  config_->name = "backend";
  scopes_.cluster = store_.GetScope(telemetry::ClusterScopeName("backend"));
}

PoolFixture::~PoolFixture() {
  pools_.reset();
  loop_.RunOnce();
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
  EXPECT_EQ(Stat("upstream_rq_active"), 0);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0);
  EXPECT_EQ(Stat("upstream_cx_rx_bytes_buffered"), 0);
  EXPECT_EQ(Stat("upstream_cx_tx_bytes_buffered"), 0);
  for (const auto& limits : limits_) {
    if (limits == nullptr) continue;
    EXPECT_EQ(limits->in_use(Limit::kConnections), 0);
    EXPECT_EQ(limits->in_use(Limit::kPendingRequests), 0);
    EXPECT_EQ(limits->in_use(Limit::kRequests), 0);
  }
}

std::shared_ptr<const Host> PoolFixture::MakeHost(const net::Address& address) {
  HostIdentity identity;
  identity.address = address;
  return std::make_shared<Host>(slots_, identity, 2);
}

void PoolFixture::MakePools() {
  limits_ = MakeClusterLimits(*config_, 2);
  pools_ = std::make_unique<ClusterPools>(config_, limits_, scopes_, nullptr, tls_cells_, services_,
                                          supplies_);
}

void PoolFixture::Ask(FakeRequest& request, const Host& host, bool fresh, RoutingPriority priority) {
  StreamWish wish = request.wish;
  wish.priority = priority;
  wish.fresh_connection = fresh;
  pools().NewStream(host, wish, request, request, request.pending);
}

std::unique_ptr<FakeRequest> PoolFixture::Ask(const Host& host, bool fresh) {
  auto request = NewRequest();
  Ask(*request, host, fresh);
  return request;
}

int64_t PoolFixture::Stat(std::string_view name) {
  return store_.Find("cluster.backend." + std::string(name)).value_or(0);
}

}  // namespace nuncio::upstream
