#include "source/upstream/pool/upstream_connection.h"

#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::upstream {
namespace {

uint64_t Millis(Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

UpstreamConnection::UpstreamConnection(std::shared_ptr<PoolShared> shared, HostPtr host)
    : shared_(std::move(shared)),
      host_(std::move(host)),
      host_stats_(host_->stats(shared_->services.slot)),
      began_(loop().now()),
      timer_(loop(), Delegate<void()>::Bind<&UpstreamConnection::OnTimeout>(this)) {
  ++shared_->connections;
  traffic().upstream_cx_total.Inc();
  traffic().upstream_cx_active.Inc();
  host_stats_.cx_total.Inc();
  host_stats_.cx_active.Inc();
}

UpstreamConnection::~UpstreamConnection() = default;

void UpstreamConnection::Connect(const HandshakeWish& wish) {
  const net::Address to = host_->connect_address();
  TlsSockets::Made transport = shared_->tls_sockets.Make(wish, *host_, to);
  if (transport.not_ready) {
    FailConnect(PoolFailure::kConnectFailure, "TLS_error: Secret is not supplied by SDS");
    return;
  }
  net::ConnectionLimits limits;
  limits.buffer_limit = shared_->config->per_connection_buffer_limit_bytes;
  int error = 0;
  net_ = net::Connection::Connect(loop(), shared_->services.slices, *this, to, shared_->ConnectOptionsFor(to), limits,
                                  std::move(transport.socket), &error);
  if (net_ == nullptr) {
    FailConnect(PoolFailure::kConnectFailure, StrCat("immediate connect error: ", strerror(error)));
    return;
  }
  timer_.Arm(shared_->config->connect_timeout);
}

void UpstreamConnection::OnConnected() {
  if (const std::string_view objection = Objection(); !objection.empty()) {
    FailConnect(PoolFailure::kConnectFailure, objection);
    return;
  }
  connected_ = true;
  timer_.Disarm();
  traffic().upstream_cx_connect_ms.Record(Millis(loop().now() - began_));
  OnReady();
}

void UpstreamConnection::OnClosed(net::CloseReason reason) {
  CountBytes();
  if (connected_) {
    OnLost(reason);
    return;
  }
  const std::string_view why = net_->transport_failure();
  FailConnect(PoolFailure::kConnectFailure,
              why.empty() ? StrCat("delayed connect error: ", strerror(net_->last_error())) : std::string(why));
}

void UpstreamConnection::OnTimeout() {
  if (connected_) {
    OnTimer();
  } else {
    FailConnect(PoolFailure::kConnectTimeout, {});
  }
}

void UpstreamConnection::FailConnect(PoolFailure failure, std::string_view details) {
  if (net_ != nullptr) net_->Close();
  traffic().upstream_cx_connect_fail.Inc();
  host_stats_.cx_connect_fail.Inc();
  if (failure == PoolFailure::kConnectTimeout) traffic().upstream_cx_connect_timeout.Inc();
  OnConnectFailed(failure, details);
}

void UpstreamConnection::CountEnd(Side side, bool cut_off) {
  CountBuffered(0, 0);
  timer_.Disarm();
  --shared_->connections;
  telemetry::ClusterTrafficStats& stats = traffic();
  const bool local = side == Side::kLocal;
  stats.upstream_cx_active.Dec();
  host_stats_.cx_active.Dec();
  stats.upstream_cx_destroy.Inc();
  (local ? stats.upstream_cx_destroy_local : stats.upstream_cx_destroy_remote).Inc();
  if (connected_) stats.upstream_cx_length_ms.Record(Millis(loop().now() - began_));
  if (!cut_off) return;
  stats.upstream_cx_destroy_with_active_rq.Inc();
  (local ? stats.upstream_cx_destroy_local_with_active_rq : stats.upstream_cx_destroy_remote_with_active_rq).Inc();
}

void UpstreamConnection::OnWriteBufferHigh() {
  CountBytes();
  traffic().upstream_flow_control_backed_up_total.Inc();
}

void UpstreamConnection::OnWriteBufferLow() {
  CountBytes();
  traffic().upstream_flow_control_drained_total.Inc();
}

void UpstreamConnection::CountBytes() {
  if (net_ == nullptr) return;
  traffic().upstream_cx_rx_bytes_total.Add(net_->bytes_read() - counted_read_);
  traffic().upstream_cx_tx_bytes_total.Add(net_->bytes_written() - counted_written_);
  counted_read_ = net_->bytes_read();
  counted_written_ = net_->bytes_written();
  CountBuffered(static_cast<int64_t>(net_->read_buffer().length()),
                static_cast<int64_t>(net_->write_buffer().length()));
}

void UpstreamConnection::CountBuffered(int64_t read, int64_t written) {
  if (read != counted_read_buffered_) {
    traffic().upstream_cx_rx_bytes_buffered.Add(read - counted_read_buffered_);
    counted_read_buffered_ = read;
  }
  if (written != counted_write_buffered_) {
    traffic().upstream_cx_tx_bytes_buffered.Add(written - counted_write_buffered_);
    counted_write_buffered_ = written;
  }
}

}  // namespace nuncio::upstream
