#include "source/upstream/pool/upstream_connection.h"

#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "source/upstream/pool/host_pool.h"

namespace nuncio::upstream {
namespace {

uint64_t Millis(Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

UpstreamConnection::UpstreamConnection(HostPool& pool, std::shared_ptr<PoolShared> shared)
    : shared_(std::move(shared)),
      pool_(pool),
      host_(pool.host()),
      host_stats_(host_->stats(shared_->services.slot)),
      began_(loop().now()),
      settle_task_(Delegate<void()>::Bind<&UpstreamConnection::Settle>(this)),
      timer_(loop(), Delegate<void()>::Bind<&UpstreamConnection::OnTimer>(this)) {
  info_.host = host_.get();
  info_.connection_id = shared_->supplies.NextConnectionId();
  traffic().upstream_cx_total.Inc();
  traffic().upstream_cx_active.Inc();
  host_stats_.cx_total.Inc();
  host_stats_.cx_active.Inc();
}

UpstreamConnection::~UpstreamConnection() = default;

void UpstreamConnection::Connect() {
  const net::Address to = host_->connect_address();
  net::ConnectionLimits limits;
  limits.buffer_limit = shared_->config->per_connection_buffer_limit_bytes;
  int error = 0;
  net_ = net::Connection::Connect(loop(), shared_->services.slices, *this, to, shared_->ConnectOptionsFor(to), limits,
                                  /*transport=*/nullptr, &error);
  if (net_ == nullptr) {
    FailConnect(PoolFailure::kConnectFailure, error);
    return;
  }
  timer_.Arm(shared_->config->connect_timeout);
}

void UpstreamConnection::OnConnected() {
  traffic().upstream_cx_connect_ms.Record(Millis(loop().now() - began_));
  codec_ = MakeCodec(*net_);
  info_.local = net_->local();
  info_.protocol = codec_->protocol();
  if (shared_->config->http.max_connection_duration > Duration::zero()) {
    max_duration_timer_.emplace(loop(), Delegate<void()>::Bind<&UpstreamConnection::OnMaxDuration>(this));
    max_duration_timer_->Arm(shared_->config->http.max_connection_duration);
  }
  timer_.Disarm();
  state_ = State::kReady;
  ArmIdleTimer();
  fresh_ = true;
  pool_.OnConnected(*this);
  fresh_ = false;
  if (state_ == State::kReady && requests_ == 0) OnConnectedUnused();
}

void UpstreamConnection::ArmIdleTimer() {
  if (streams_ == 0 && shared_->config->http.idle_timeout > Duration::zero()) {
    timer_.Arm(shared_->config->http.idle_timeout);
  }
}

void UpstreamConnection::OpenStream(http::ResponseReceiver& receiver, StreamRequester& requester) {
  if (streams_ == 0) timer_.Disarm();
  BeforeStream();
  // A connection that stayed alone for a while, even if never used, may be one that the host is about to close.
  info_.reused = streams_ == 0 && !fresh_;
  ++streams_;
  ++requests_;
  traffic().upstream_rq_active.Inc();
  host_stats_.rq_total.Inc();
  host_stats_.rq_active.Inc();
  if (shared_->http2_stats != nullptr) shared_->http2_stats->streams_active.Inc();
  http::RequestSender& sender = codec_->NewStream(receiver);
  const uint32_t max_requests = shared_->config->http.max_requests_per_connection;
  if (max_requests != 0 && requests_ >= max_requests) {
    traffic().upstream_cx_max_requests.Inc();
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  } else if (!codec_->can_open_stream()) {
    state_ = State::kBusy;
    pool_.OnBusy(*this);
  }
  requester.OnStreamReady(sender, info_);
}

void UpstreamConnection::OnStreamClosed() {
  if (streams_ == 0) return;
  --streams_;
  traffic().upstream_rq_active.Dec();
  host_stats_.rq_active.Dec();
  if (shared_->http2_stats != nullptr) shared_->http2_stats->streams_active.Dec();
  pool_.OnStreamEnded();
  SettleSoon();
}

void UpstreamConnection::SettleSoon() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  // What the peer sent with the end of an answer must be seen before the connection is given to anybody; and a
  // requester is not called from within another one's call.
  if (dispatching_) {
    settle_wanted_ = true;
  } else {
    loop().AfterEvent(settle_task_);
  }
}

void UpstreamConnection::Settle() {
  settle_wanted_ = false;
  if (state_ == State::kClosing || state_ == State::kClosed || state_ == State::kConnecting) return;
  const bool leftover = !net_->read_buffer().empty() || net_->peer_ending();
  if (state_ != State::kDraining && !Reusable(leftover)) {
    CountNotReusable();
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  }
  if (state_ == State::kDraining) {
    if (streams_ == 0) CloseUnused();
    return;
  }
  ArmIdleTimer();
  const bool was_ready = state_ == State::kReady;
  if (!codec_->can_open_stream()) {
    state_ = State::kBusy;
    if (was_ready) pool_.OnBusy(*this);
    return;
  }
  state_ = State::kReady;
  pool_.OnReady(*this, was_ready);
}

void UpstreamConnection::Drain() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (state_ == State::kConnecting || streams_ == 0) {
    CloseUnused();
    return;
  }
  if (state_ == State::kDraining) return;
  state_ = State::kDraining;
  pool_.OnBusy(*this);
}

void UpstreamConnection::CloseUnused() {
  if (codec_ == nullptr || !SayGoodbye()) {
    Close(Side::kLocal);
  } else {
    CloseAfterFlush();
  }
}

void UpstreamConnection::CloseAfterFlush() {
  state_ = State::kClosing;
  pool_.OnBusy(*this);
  // A peer that does not read must not keep the connection.
  timer_.Arm(shared_->config->connect_timeout);
  net_->CloseAfterFlush(Duration::zero());
}

void UpstreamConnection::CloseWith(Side side, bool cut_off) {
  if (state_ == State::kClosed) return;
  CountBytes();
  if (net_ != nullptr) net_->Close();
  Finish(side, cut_off);
  pool_.OnConnectionClosed();
}

void UpstreamConnection::Finish(Side side, bool cut_off) {
  CountBuffered(0, 0);
  const bool was_connecting = state_ == State::kConnecting;
  state_ = State::kClosed;
  timer_.Disarm();
  if (max_duration_timer_.has_value()) max_duration_timer_->Disarm();
  settle_task_.Cancel();
  telemetry::ClusterTrafficStats& stats = traffic();
  const bool local = side == Side::kLocal;
  stats.upstream_cx_active.Dec();
  host_stats_.cx_active.Dec();
  stats.upstream_cx_destroy.Inc();
  (local ? stats.upstream_cx_destroy_local : stats.upstream_cx_destroy_remote).Inc();
  if (!was_connecting) stats.upstream_cx_length_ms.Record(Millis(loop().now() - began_));
  if (cut_off) {
    stats.upstream_cx_destroy_with_active_rq.Inc();
    (local ? stats.upstream_cx_destroy_local_with_active_rq : stats.upstream_cx_destroy_remote_with_active_rq).Inc();
  }
  // Out of the pool first: who hears of a reset may ask for another stream at once.
  pool_.Forget(*this);
  if (codec_ != nullptr) codec_->OnConnectionClosed();
  while (streams_ > 0) OnStreamClosed();
}

void UpstreamConnection::FailConnect(PoolFailure failure, int error) {
  if (net_ != nullptr) net_->Close();
  traffic().upstream_cx_connect_fail.Inc();
  host_stats_.cx_connect_fail.Inc();
  if (failure == PoolFailure::kConnectTimeout) traffic().upstream_cx_connect_timeout.Inc();
  std::string details;
  if (error != 0) {
    details.append(net_ == nullptr ? "immediate" : "delayed").append(" connect error: ").append(strerror(error));
  }
  Finish(failure == PoolFailure::kConnectTimeout ? Side::kLocal : Side::kRemote, false);
  pool_.OnConnectFailed(failure, details);
}

void UpstreamConnection::OnData(buffer::Buffer& data, bool end) {
  if (state_ == State::kClosing) {
    data.Clear();
    return;
  }
  OnBytes();
  if (streams_ == 0 && (end || !AllowsInputWhileIdle())) {
    if (!data.empty()) CountForbiddenInput();
    Close(Side::kRemote);
    return;
  }
  const bool had_streams = streams_ > 0;
  dispatching_ = true;
  const bool good = data.empty() || codec_->Dispatch(data);
  if (good && end && state_ != State::kClosed) codec_->OnEndOfInput();
  dispatching_ = false;
  if (state_ == State::kClosed) return;
  CountBytes();
  if (!good && InputWasFaulty()) {
    OnFaultyInput(had_streams);
  } else if (end) {
    CloseWith(Side::kRemote, had_streams && ExchangeCutOff());
  } else if (settle_wanted_ || !good) {
    Settle();
  }
}

void UpstreamConnection::OnFaultyInput(bool had_streams) {
  traffic().upstream_cx_protocol_error.Inc();
  CountProtocolError();
  // HTTP/2 says why (RFC 9113 5.4.1); of an HTTP/1 request nothing more is to be sent.
  if (codec_->protocol() == http::Protocol::kHttp2 && streams_ == 0) {
    CloseAfterFlush();
  } else {
    CloseWith(Side::kLocal, had_streams);
  }
}

void UpstreamConnection::OnClosed(net::CloseReason reason) {
  CountBytes();
  if (state_ == State::kConnecting) {
    FailConnect(PoolFailure::kConnectFailure, net_->last_error());
    return;
  }
  Finish(reason == net::CloseReason::kRemoteReset ? Side::kRemote : Side::kLocal, streams_ > 0);
  pool_.OnConnectionClosed();
}

void UpstreamConnection::OnWriteBufferHigh() {
  CountBytes();
  traffic().upstream_flow_control_backed_up_total.Inc();
  codec_->OnSendBufferHigh();
}

void UpstreamConnection::OnWriteBufferLow() {
  CountBytes();
  traffic().upstream_flow_control_drained_total.Inc();
  codec_->OnSendBufferLow();
}

void UpstreamConnection::OnPauseReading(bool pause) {
  if (pause == reading_paused_) return;
  reading_paused_ = pause;
  if (pause) {
    traffic().upstream_flow_control_paused_reading_total.Inc();
    net_->PauseReading();
  } else {
    traffic().upstream_flow_control_resumed_reading_total.Inc();
    net_->ResumeReading();
  }
}

void UpstreamConnection::OnMaxStreams(uint32_t streams) {
  pool_.OnMaxStreams(streams);
  SettleSoon();
}

void UpstreamConnection::OnGoAway() {
  traffic().upstream_cx_close_notify.Inc();
  if (shared_->http2_stats != nullptr) shared_->http2_stats->goaway_received.Inc();
  if (state_ == State::kReady || state_ == State::kBusy) {
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  }
  SettleSoon();
}

void UpstreamConnection::OnTimer() {
  switch (state_) {
    case State::kConnecting:
      FailConnect(PoolFailure::kConnectTimeout, 0);
      return;
    case State::kClosing:
      Close(Side::kLocal);
      return;
    default:
      if (streams_ > 0) return;
      traffic().upstream_cx_idle_timeout.Inc();
      CloseUnused();
  }
}

void UpstreamConnection::OnMaxDuration() {
  traffic().upstream_cx_max_duration_reached.Inc();
  Drain();
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
