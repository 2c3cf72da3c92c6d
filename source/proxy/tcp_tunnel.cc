#include "source/proxy/tcp_tunnel.h"

#include <utility>

namespace nuncio::proxy {

TcpTunnel::TcpTunnel(event::EventLoop& loop, upstream::WorkerClusterRef cluster, Owner& owner,
                     http::ResponseReceiver& receiver)
    : loop_(loop),
      cluster_(std::move(cluster)),
      owner_(owner),
      receiver_(receiver),
      flush_timer_(loop, Delegate<void()>::Bind<&TcpTunnel::Abort>(this)) {}

TcpTunnel* TcpTunnel::Connect(event::EventLoop& loop, upstream::WorkerClusterRef cluster, const upstream::Host& host,
                              upstream::RoutingPriority priority, Owner& owner, http::ResponseReceiver& receiver,
                              upstream::PoolFailure& failure) {
  std::unique_ptr<TcpTunnel> tunnel(new TcpTunnel(loop, std::move(cluster), owner, receiver));
  tunnel->connection_ = tunnel->cluster_->ConnectTcp(host, priority, *tunnel, failure);
  return tunnel->connection_ == nullptr ? nullptr : tunnel.release();
}

void TcpTunnel::Accept() {
  Arena& arena = receiver_.arena();
  auto* head = arena.New<http::ResponseHead>(arena);
  head->status = 200;
  receiver_.OnResponseHead(*head, false);
}

void TcpTunnel::OnUpstreamConnectFailed(upstream::PoolFailure failure, std::string_view details) {
  if (!std::exchange(over_, true)) owner_.OnTunnelFailed(failure, details);
  DeleteSoon();
}

void TcpTunnel::OnUpstreamData(buffer::Buffer& data, bool end) {
  if (over_ || (data.empty() && !end)) {
    data.Clear();
    return;
  }
  input_ended_ |= end;
  receiver_.OnData(data, end);
  data.Clear();
  if (input_ended_ && output_ended_ && !over_) Finish();
}

void TcpTunnel::SendData(buffer::Buffer& data, bool end_stream) {
  if (over_ || output_ended_) {
    data.Clear();
    return;
  }
  connection().write_buffer().MoveFrom(data);
  connection().FlushSoon();
  if (end_stream) EndOutput();
}

void TcpTunnel::EndOutput() {
  if (over_ || std::exchange(output_ended_, true)) return;
  if (input_ended_) {
    Finish();
  } else {
    connection().ShutdownWriteAfterFlush();
  }
}

void TcpTunnel::Finish() {
  over_ = true;
  // OnUpstreamClosed follows when the rest is written. A host that does not read must not keep the connection.
  flush_timer_.Arm(cluster_->config().connect_timeout);
  connection().CloseAfterFlush(Duration::zero());
}

void TcpTunnel::PauseReading(bool pause) {
  if (over_) return;
  if (pause) {
    connection().PauseReading();
  } else {
    connection().ResumeReading();
  }
}

void TcpTunnel::OnUpstreamClosed(net::CloseReason) {
  if (!std::exchange(over_, true)) {
    receiver_.OnReset(http::StreamReset::kConnectionClosed, "tcp_tunnel.connection_closed");
  }
  DeleteSoon();
}

void TcpTunnel::OnUpstreamWriteBufferHigh() {
  if (!over_) receiver_.OnSendBufferHigh();
}

void TcpTunnel::OnUpstreamWriteBufferLow() {
  if (!over_) receiver_.OnSendBufferLow();
}

void TcpTunnel::Abort() {
  over_ = true;
  connection_->Abort();
  DeleteSoon();
}

void TcpTunnel::DeleteSoon() {
  if (std::exchange(deleting_, true)) return;
  flush_timer_.Disarm();
  loop_.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
}

}  // namespace nuncio::proxy
