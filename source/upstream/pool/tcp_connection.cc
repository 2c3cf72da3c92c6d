#include "source/upstream/pool/tcp_connection.h"

#include <utility>

namespace nuncio::upstream {

TcpConnection::TcpConnection(std::shared_ptr<PoolShared> shared_in, HostPtr host, LimitLease& limits,
                             TcpReceiver& receiver)
    : UpstreamConnection(std::move(shared_in), std::move(host)),
      limits_(limits),
      receiver_(receiver),
      connection_id_(shared().supplies.NextConnectionId()) {
  ++shared().pending;
  traffic().upstream_rq_pending_total.Inc();
  traffic().upstream_rq_pending_active.Inc();
}

TcpConnection::~TcpConnection() { Close(); }

bool TcpConnection::Start() {
  starting_ = true;
  HandshakeWish wish;
  wish.socket = shared().config->SocketFor(host()->metadata());
  Connect(wish);
  starting_ = false;
  return state_ == State::kConnecting;
}

void TcpConnection::LeaveQueue() {
  --shared().pending;
  traffic().upstream_rq_pending_active.Dec();
  limits_.Return(Limit::kPendingRequests);
}

void TcpConnection::OnReady() {
  LeaveQueue();
  state_ = State::kOpen;
  traffic().upstream_rq_total.Inc();
  traffic().upstream_rq_active.Inc();
  host_stats().rq_total.Inc();
  host_stats().rq_active.Inc();
  receiver_.OnUpstreamConnected();
}

void TcpConnection::OnConnectFailed(PoolFailure failure, std::string_view details) {
  traffic().upstream_rq_pending_failure_eject.Inc();
  End(failure == PoolFailure::kConnectTimeout ? Side::kLocal : Side::kRemote);
  if (!starting_) receiver_.OnUpstreamConnectFailed(failure, details);
}

void TcpConnection::OnData(buffer::Buffer& data, bool end) {
  receiver_.OnUpstreamData(data, end);
  if (state_ == State::kOpen) CountBytes();
}

void TcpConnection::OnLost(net::CloseReason reason) {
  End(reason == net::CloseReason::kRemoteReset ? Side::kRemote : Side::kLocal);
  receiver_.OnUpstreamClosed(reason);
}

void TcpConnection::OnWriteBufferHigh() {
  UpstreamConnection::OnWriteBufferHigh();
  receiver_.OnUpstreamWriteBufferHigh();
}

void TcpConnection::OnWriteBufferLow() {
  UpstreamConnection::OnWriteBufferLow();
  receiver_.OnUpstreamWriteBufferLow();
}

void TcpConnection::Close() {
  if (state_ == State::kClosed) return;
  if (state_ == State::kConnecting) traffic().upstream_rq_cancelled.Inc();
  CountBytes();
  const Side side = state_ == State::kOpen && net()->peer_ending() ? Side::kRemote : Side::kLocal;
  if (net() != nullptr) net()->Close();
  End(side);
}

void TcpConnection::Abort() {
  if (state_ == State::kOpen) net()->Abort();
  Close();
}

void TcpConnection::Terminate() {
  const bool was_open = state_ == State::kOpen;
  Close();
  if (was_open) {
    receiver_.OnUpstreamClosed(net::CloseReason::kLocal);
  } else {
    receiver_.OnUpstreamConnectFailed(PoolFailure::kTermination, {});
  }
}

void TcpConnection::End(Side side) {
  const State was = std::exchange(state_, State::kClosed);
  ListNode<TcpConnection>::Unlink();
  if (was == State::kOpen) {
    traffic().upstream_rq_active.Dec();
    host_stats().rq_active.Dec();
  } else {
    LeaveQueue();
  }
  CountEnd(side, was == State::kOpen);
  limits_.Return(Limit::kConnections);
}

}  // namespace nuncio::upstream
