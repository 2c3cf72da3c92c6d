#include "source/upstream/pool/host_pool.h"

#include <algorithm>
#include <utility>

#include "source/http/h2/h2_client_codec.h"
#include "source/upstream/pool/cluster_pools.h"

namespace nuncio::upstream {
namespace {

uint32_t ExpectedStreams(const ClusterConfig& config, const HostPool::Kind& kind) {
  if (kind.protocol == http::Protocol::kHttp11) return 1;
  return std::min(config.http2->max_concurrent_streams, http::h2::H2ClientCodec::kMostAssumedStreams);
}

}  // namespace

HostPool::HostPool(ClusterPools& owner, std::shared_ptr<PoolShared> shared, HostPtr host, Kind kind)
    : owner_(&owner),
      shared_(std::move(shared)),
      host_(std::move(host)),
      kind_(std::move(kind)),
      limits_(shared_->limits(kind_.priority)),
      expected_streams_(ExpectedStreams(*shared_->config, kind_)) {}

HostPool::~HostPool() { NUNCIO_ASSERT(empty()); }

void HostPool::Attach(HttpConnection& connection, http::ResponseReceiver& receiver, StreamRequester& requester) {
  if (!limits_.Take(Limit::kRequests)) [[unlikely]] {
    shared_->traffic.upstream_rq_pending_overflow.Inc();
    requester.OnStreamFailed(PoolFailure::kOverflow, {}, *host_);
    return;
  }
  connection.OpenStream(receiver, requester);
}

void HostPool::Wait(http::ResponseReceiver& receiver, StreamRequester& requester, PendingStream& pending,
                    bool fresh_connection) {
  NUNCIO_ASSERT(!pending.waiting());
  if (!limits_.Take(Limit::kPendingRequests)) {
    shared_->traffic.upstream_rq_pending_overflow.Inc();
    requester.OnStreamFailed(PoolFailure::kOverflow, {}, *host_);
    return;
  }
  pending.pool_ = this;
  pending.requester_ = &requester;
  pending.receiver_ = &receiver;
  pending.since_ = shared_->services.loop.now();
  pending.fresh_connection_ = fresh_connection;
  pending_.PushBack(pending);
  ++pending_count_;
  ++shared_->pending;
  if (fresh_connection) ++fresh_pending_;
  shared_->traffic.upstream_rq_pending_total.Inc();
  shared_->traffic.upstream_rq_pending_active.Inc();
  EnsureConnections();
}

void HostPool::LeaveQueue(PendingStream& pending) {
  pending.pool_ = nullptr;
  --pending_count_;
  --shared_->pending;
  if (pending.fresh_connection_) --fresh_pending_;
  shared_->traffic.upstream_rq_pending_active.Dec();
  limits_.Return(Limit::kPendingRequests);
}

void HostPool::OnPendingCancelled(PendingStream& pending) {
  LeaveQueue(pending);
  shared_->traffic.upstream_rq_cancelled.Inc();
  // Connections that are being made go on: the next request will want one.
  FinishIfDrained();
}

PendingStream* HostPool::FirstFor(const HttpConnection& connection) {
  PendingStream* pending = pending_.front();
  if (connection.fresh() || fresh_pending_ == 0) return pending;
  while (pending != nullptr && pending->fresh_connection_) pending = pending_.Next(*pending);
  return pending;
}

void HostPool::Serve(HttpConnection& connection) {
  while (connection.CanOpenStream()) {
    PendingStream* pending = FirstFor(connection);
    if (pending == nullptr) return;
    pending->Unlink();
    LeaveQueue(*pending);
    Attach(connection, *pending->receiver_, *pending->requester_);
  }
}

void HostPool::FailPending(size_t count, bool fresh_only, PoolFailure failure, std::string_view details) {
  // Requests that come back at once, as a retry does, are not failed again here.
  IntrusiveList<PendingStream> failed;
  for (PendingStream* pending = pending_.front(); pending != nullptr && count > 0;) {
    PendingStream* next = pending_.Next(*pending);
    if (!fresh_only || pending->fresh_connection_) {
      pending->Unlink();
      failed.PushBack(*pending);
      --count;
    }
    pending = next;
  }
  while (PendingStream* pending = failed.PopFront()) {
    LeaveQueue(*pending);
    pending->requester_->OnStreamFailed(failure, details, *host_);
  }
}

void HostPool::EnsureConnections() {
  if (ensuring_) return;
  ensuring_ = true;
  while (WantsConnection()) {
    if (TakeConnectionUnit()) {
      Open();
      continue;
    }
    if (connections_ == 0) {
      shared_->traffic.upstream_rq_pending_overflow.Add(pending_count_);
      FailPending(pending_count_, false, PoolFailure::kOverflow, {});
      break;
    }
    // A busy connection of this pool will become free, be closed, and make room. One that carries streams and has room
    // for more may never do so.
    if (fresh_pending_ > 0 && connecting_.empty() && !ready_.empty()) {
      shared_->traffic.upstream_rq_pending_overflow.Add(fresh_pending_);
      FailPending(fresh_pending_, true, PoolFailure::kOverflow, {});
    }
    break;
  }
  ensuring_ = false;
}

bool HostPool::TakeConnectionUnit() {
  if (limits_.Take(Limit::kConnections)) return true;
  shared_->traffic.upstream_cx_overflow.Inc();
  // Where only a new connection will do, the one unused for longest gives way to it.
  while (fresh_pending_ > 0 && CloseOldestIdle()) {
    if (limits_.Take(Limit::kConnections)) return true;
  }
  if (connections_ > 0) return false;
  // Without any connection of its own a pool would wait for other hosts, or other threads, without end. But clients may
  // think of as many names as they like.
  if (!kind_.server_name.empty()) {
    return owner_->CloseIdleConnections(*this) && limits_.Take(Limit::kConnections);
  }
  limits_.ForceTake(Limit::kConnections);
  return true;
}

bool HostPool::CloseOldestIdle() {
  HttpConnection* connection = ready_.back();
  if (connection == nullptr || !connection->idle()) return false;
  connection->Close(HttpConnection::Side::kLocal);
  return true;
}

void HostPool::Open() {
  HttpConnection& connection = *std::make_unique<HttpConnection>(*this, shared_).release();
  connecting_.PushBack(connection);
  ++connecting_count_;
  ++connections_;
  connection.Connect();
}

bool HostPool::idle() {
  if (pending_count_ > 0 || !connecting_.empty() || !busy_.empty()) return false;
  for (HttpConnection* connection = ready_.front(); connection != nullptr; connection = ready_.Next(*connection)) {
    if (!connection->idle()) return false;
  }
  return true;
}

void HostPool::OnConnected(HttpConnection& connection) {
  connection.ListNode<HttpConnection>::Unlink();
  --connecting_count_;
  if (connection.learning()) {
    connection.counted_as_learning_ = true;
    ++learning_count_;
  } else {
    expected_streams_ = std::max(1u, connection.max_streams());
  }
  OnReady(connection, false);
}

void HostPool::OnMaxStreams(HttpConnection& connection, uint32_t streams) {
  StopLearning(connection);
  told_streams_ = expected_streams_ = std::max(1u, streams);
}

void HostPool::StopLearning(HttpConnection& connection) {
  if (std::exchange(connection.counted_as_learning_, false)) --learning_count_;
}

void HostPool::OnReady(HttpConnection& connection, bool was_ready) {
  if (!was_ready) {
    connection.ListNode<HttpConnection>::Unlink();
    ready_.PushFront(connection);
  }
  if (pending_count_ > 0) {
    Serve(connection);
    // What is left needs more, or needs this one to make room.
    EnsureConnections();
  }
  FinishIfDrained();
}

void HostPool::OnBusy(HttpConnection& connection) {
  // One that is to end serves nobody who waits, whatever it learns.
  if (connection.state() == HttpConnection::State::kDraining) StopLearning(connection);
  connection.ListNode<HttpConnection>::Unlink();
  busy_.PushBack(connection);
}

void HostPool::Forget(HttpConnection& connection) {
  StopLearning(connection);
  if (!connection.connected()) --connecting_count_;
  connection.ListNode<HttpConnection>::Unlink();
  --connections_;
  limits_.Return(Limit::kConnections);
  shared_->services.loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(&connection));
}

void HostPool::OnConnectionClosed() {
  if (pending_count_ > 0) EnsureConnections();
  FinishIfDrained();
}

void HostPool::OnConnectFailed(PoolFailure failure, std::string_view details) {
  // What other connections in the making will serve is not given up.
  const uint64_t served = ConnectingCapacity();
  if (pending_count_ > served) {
    const size_t count = pending_count_ - static_cast<size_t>(served);
    shared_->traffic.upstream_rq_pending_failure_eject.Add(count);
    FailPending(count, false, failure, details);
  }
  OnConnectionClosed();
}

void HostPool::Drain() {
  draining_ = true;
  FinishIfDrained();
}

void HostPool::FinishIfDrained() {
  if (draining_ && pending_count_ == 0) {
    while (HttpConnection* connection = connecting_.front()) connection->Drain();
    while (HttpConnection* connection = ready_.front()) connection->Drain();
  }
  if (!empty()) return;
  empty_since_ = shared_->services.loop.now();
  if (owner_ != nullptr) owner_->OnPoolEmpty(*this);
}

void HostPool::CloseEach(Connections& connections) {
  while (HttpConnection* connection = connections.front()) connection->Close(HttpConnection::Side::kLocal);
}

void HostPool::CloseAll() {
  owner_ = nullptr;
  draining_ = true;
  ensuring_ = true;  // For good: nothing is opened any more.
  FailPending(pending_count_, false, PoolFailure::kTermination, {});
  CloseEach(connecting_);
  CloseEach(ready_);
  CloseEach(busy_);
}

}  // namespace nuncio::upstream
