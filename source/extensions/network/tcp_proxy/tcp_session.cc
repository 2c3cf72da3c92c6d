#include "source/extensions/network/tcp_proxy/tcp_session.h"

#include <algorithm>
#include <utility>

#include "source/upstream/worker_clusters.h"

namespace nuncio::extensions {

using access_log::ResponseFlag;
using upstream::PoolFailure;

TcpSession::TcpSession(TcpProxy& proxy, const filter::AcceptedConnection& accepted,
                       std::unique_ptr<net::TransportSocket> transport, filter::ConnectionOwner& owner)
    : proxy_(proxy),
      owner_(owner),
      state_(transport != nullptr ? State::kHandshaking : State::kConnecting),
      connection_info_(filter::Describe(accepted, ++proxy.services().last_id)),
      cluster_name_(accepted.facts.upstream_cluster.empty() ? proxy.ChooseCluster() : accepted.facts.upstream_cluster),
      connect_task_(Delegate<void()>::Bind<&TcpSession::ConnectUpstream>(this)),
      timer_(proxy.services().loop, Delegate<void()>::Bind<&TcpSession::OnDeadline>(this)) {
  net::ConnectionLimits limits;
  limits.buffer_limit = accepted.buffer_limit;
  limits.handshake_timeout = accepted.handshake_timeout;
  limits.handshake_timeouts = accepted.handshake_timeouts;
  downstream_ = std::make_unique<net::Connection>(services().loop, services().slices, *this, accepted.fd,
                                                  accepted.peer, limits, std::move(transport));
  if (accepted.local.length() > 0) downstream_->set_local(accepted.local);
  info_.start = services().loop.now();
  info_.start_system = services().loop.SystemNow();
  info_.connection = &connection_info_;
  info_.local_address = this;
  info_.upstream_cluster = cluster_name_;
}

TcpSession::~TcpSession() = default;

void TcpSession::Start() {
  const MonotonicTime now = services().loop.now();
  last_moved_ = now;
  if (const Duration max = proxy_.config().max_connection_duration; max > Duration::zero()) {
    const auto jitter = static_cast<uint64_t>(proxy_.config().max_duration_jitter.count());
    duration_deadline_ = now + max + Duration(services().random.Below(jitter + 1));
  }
  if (const Duration interval = proxy_.config().log_interval; interval > Duration::zero()) {
    log_deadline_ = now + interval;
  }
  if (proxy_.config().log_on_start) WriteLogs();
  if (!downstream_->Start()) return CloseNow();
  ArmDeadlines();
  if (state_ == State::kHandshaking) return;
  downstream_->PauseReading();
  ConnectUpstream();
}

void TcpSession::OnConnected() {
  connection_info_.security = downstream_->security();
  state_ = State::kConnecting;
  downstream_->PauseReading();
  ConnectUpstream();
}

void TcpSession::ConnectUpstream() {
  cluster_ = services().clusters.Find(cluster_name_);
  if (!cluster_) {
    proxy_.stats().downstream_cx_no_route.Inc();
    return GiveUp(ResponseFlag::kNoClusterFound);
  }
  info_.upstream_cluster_metadata = cluster_->config().metadata.get();
  if (info_.attempts >= proxy_.config().max_connect_attempts) {
    cluster_->traffic().upstream_cx_connect_attempts_exceeded.Inc();
    return GiveUp(ResponseFlag::kUpstreamRetryLimitExceeded);
  }
  upstream::HostRef host = PickHost();
  if (!host) {
    // The log still names the one before.
    cluster_->traffic().upstream_cx_none_healthy.Inc();
    return GiveUp(ResponseFlag::kNoHealthyUpstream);
  }
  host_ = std::move(host);
  ++info_.attempts;
  info_.upstream_host = host_.get();
  info_.upstream_host_text = host_->address_text();
  PoolFailure failure;
  upstream_ = cluster_->ConnectTcp(*host_, upstream::RoutingPriority::kDefault, *this, failure);
  if (upstream_ != nullptr) return;
  if (failure == PoolFailure::kOverflow) return GiveUp(ResponseFlag::kUpstreamOverflow);
  OnAttemptFailed();
}

void TcpSession::OnAttemptFailed() {
  info_.flags.Set(ResponseFlag::kUpstreamConnectionFailure);
  // Many attempts that fail at once are not to keep the others waiting.
  services().loop.NextTurn(connect_task_);
}

upstream::HostRef TcpSession::PickHost() {
  constexpr int kTries = 3;
  const upstream::HostRef failed = host_;
  upstream::HostRef host = cluster_->PickHost();
  for (int i = 1; i < kTries && host && host.get() == failed.get(); ++i) host = cluster_->PickHost();
  return host;
}

void TcpSession::GiveUp(ResponseFlag flag) {
  info_.flags.Set(flag);
  CloseNow();
}

void TcpSession::OnUpstreamConnectFailed(PoolFailure, std::string_view details) {
  KeepFailureReason(details);
  DropUpstream();
  OnAttemptFailed();
}

void TcpSession::KeepFailureReason(std::string_view reason) {
  failure_reason_ = reason;
  info_.upstream_failure_reason = failure_reason_;
}

void TcpSession::OnUpstreamConnected() {
  state_ = State::kOpen;
  info_.upstream_local = upstream_->connection().local();
  info_.upstream_connection_id = upstream_->connection_id();
  info_.upstream_security = net::MakeSecurityRef(upstream_->connection().shared_security());
  info_.upstream_begin = services().loop.now() - info_.start;
  last_moved_ = services().loop.now();
  if (proxy_.config().log_on_connected) WriteLogs();
  ArmDeadlines();
  if (!downstream_->has_transport() && !upstream_->connection().has_transport()) {
    downstream_->LeaveInKernel(net::Connection::kAllInput);
    upstream_->connection().LeaveInKernel(net::Connection::kAllInput);
  }
  downstream_->ResumeReading();
}

void TcpSession::OnData(buffer::Buffer& data, bool end) {
  if (state_ != State::kOpen) {
    data.Clear();
    return;
  }
  last_moved_ = services().loop.now();
  net::Connection& to = upstream_->connection();
  if (!data.empty()) {
    to.write_buffer().MoveFrom(data);
    to.FlushSoon();
  }
  CountBytes();
  if (!end) return;
  downstream_ended_ = true;
  if (upstream_ended_) {
    CloseBoth();
  } else {
    to.ShutdownWriteAfterFlush();
  }
}

void TcpSession::OnUpstreamData(buffer::Buffer& data, bool end) {
  if (state_ != State::kOpen) {
    data.Clear();
    return;
  }
  last_moved_ = services().loop.now();
  if (!data.empty()) {
    downstream_->write_buffer().MoveFrom(data);
    downstream_->FlushSoon();
  }
  CountBytes();
  if (!end) return;
  upstream_ended_ = true;
  if (downstream_ended_) {
    CloseBoth();
  } else {
    downstream_->ShutdownWriteAfterFlush();
  }
}

void TcpSession::OnWriteBufferHigh() {
  if (state_ != State::kOpen) return;
  cluster_->traffic().upstream_flow_control_paused_reading_total.Inc();
  upstream_->connection().PauseReading();
}

void TcpSession::OnWriteBufferLow() {
  last_moved_ = services().loop.now();
  CountBytes();
  if (state_ != State::kOpen) return;
  cluster_->traffic().upstream_flow_control_resumed_reading_total.Inc();
  upstream_->connection().ResumeReading();
}

void TcpSession::OnUpstreamWriteBufferHigh() {
  if (state_ != State::kOpen) return;
  proxy_.stats().downstream_flow_control_paused_reading_total.Inc();
  downstream_->PauseReading();
}

void TcpSession::OnUpstreamWriteBufferLow() {
  last_moved_ = services().loop.now();
  if (state_ != State::kOpen) return;
  proxy_.stats().downstream_flow_control_resumed_reading_total.Inc();
  downstream_->ResumeReading();
}

void TcpSession::CloseBoth() {
  state_ = State::kFlushing;
  FlushUpstream(/*reset=*/false);
  FlushDownstream(/*reset=*/false);
  FinishIfBothGone();
}

void TcpSession::OnClosed(net::CloseReason) {
  connection_info_.transport_failure = downstream_->transport_failure();
  if (state_ == State::kFlushing) return FinishIfBothGone();
  // What ends without this side's asking was reset, or never became a connection; a FIN is data's end.
  info_.flags.Set(ResponseFlag::kDownstreamConnectionTermination);
  if (state_ == State::kOpen) {
    state_ = State::kFlushing;
    // A message whose end was passed on is whole, whatever befell its sender since.
    FlushUpstream(/*reset=*/!downstream_ended_);
  } else {
    DropUpstream();
  }
  FinishIfBothGone();
}

void TcpSession::OnUpstreamClosed(net::CloseReason reason) {
  const bool was_open = std::exchange(state_, State::kFlushing) == State::kOpen;
  const bool reset = reason == net::CloseReason::kRemoteReset;
  if (was_open) KeepFailureReason(upstream_->connection().transport_failure());
  DropUpstream();
  if (was_open) {
    if (reset) info_.flags.Set(ResponseFlag::kUpstreamConnectionTermination);
    FlushDownstream(reset && !upstream_ended_);
  }
  FinishIfBothGone();
}

void TcpSession::FlushUpstream(bool reset) {
  net::Connection& connection = upstream_->connection();
  if (connection.unsent() == 0) {
    if (reset) connection.Abort();
    return DropUpstream();
  }
  flushing_upstream_ = true;
  proxy_.stats().upstream_flush_total.Inc();
  proxy_.stats().upstream_flush_active.Inc();
  if (reset) {
    connection.ResetAfterFlush();
  } else {
    connection.CloseAfterFlush(Duration::zero());
  }
}

void TcpSession::FlushDownstream(bool reset) {
  if (downstream_->unsent() == 0) {
    reset ? downstream_->Abort() : downstream_->Close();
  } else if (reset) {
    downstream_->ResetAfterFlush();
  } else {
    downstream_->CloseAfterFlush(Duration::zero());
  }
}

void TcpSession::DropUpstream() {
  if (upstream_ == nullptr) return;
  if (std::exchange(flushing_upstream_, false)) proxy_.stats().upstream_flush_active.Dec();
  upstream_->Close();
  services().loop.DeferDelete(std::move(upstream_));
}

void TcpSession::FinishIfBothGone() {
  if (upstream_ == nullptr && downstream_->closed()) Finish();
}

void TcpSession::CloseNow() {
  if (state_ == State::kOver) return;
  downstream_->Close();
  DropUpstream();
  Finish();
}

void TcpSession::OnDeadline() {
  const MonotonicTime now = services().loop.now();
  if (duration_deadline_ <= now) {
    proxy_.stats().max_downstream_connection_duration.Inc();
    return GiveUp(ResponseFlag::kDurationTimeout);
  }
  if (IdleDeadline() <= now && !SlowlyWriting()) {
    proxy_.stats().idle_timeout.Inc();
    info_.connection_termination_details = "tcp_session_idle_timeout";
    return CloseNow();
  }
  if (log_deadline_ <= now) {
    log_deadline_ = now + proxy_.config().log_interval;
    CountBytes();
    WriteLogs();
  }
  ArmDeadlines();
}

MonotonicTime TcpSession::IdleDeadline() const {
  const Duration idle = proxy_.config().idle_timeout;
  if (idle == Duration::zero() || state_ == State::kConnecting) {
    return MonotonicTime::max();
  }
  return last_moved_ + idle;
}

bool TcpSession::SlowlyWriting() {
  const bool pending =
      downstream_->unsent() > 0 || (upstream_ != nullptr && upstream_->connection().unsent() > 0);
  const uint64_t written =
      downstream_->bytes_written() + (upstream_ != nullptr ? upstream_->connection().bytes_written() : 0);
  if (!pending || written == written_before_) return false;
  written_before_ = written;
  last_moved_ = services().loop.now();
  return true;
}

void TcpSession::ArmDeadlines() {
  const MonotonicTime next = std::min({IdleDeadline(), duration_deadline_, log_deadline_});
  if (next != MonotonicTime::max()) timer_.ArmAt(next);
}

void TcpSession::CountBytes() {
  TcpProxyStats& stats = proxy_.stats();
  stats.downstream_cx_rx_bytes_total.Add(downstream_->bytes_read() - info_.bytes_received);
  stats.downstream_cx_tx_bytes_total.Add(downstream_->bytes_written() - info_.bytes_sent);
  info_.bytes_received = downstream_->bytes_read();
  info_.bytes_sent = downstream_->bytes_written();
  const auto buffered = static_cast<int64_t>(downstream_->write_buffer().length());
  if (buffered == counted_buffered_) return;
  stats.downstream_cx_tx_bytes_buffered.Add(buffered - counted_buffered_);
  counted_buffered_ = buffered;
}

void TcpSession::WriteLogs() {
  info_.end = services().loop.now() - info_.start;
  for (const auto& log : proxy_.logs()) services().log.Write(*log, info_);
}

void TcpSession::Finish() {
  if (state_ == State::kOver) return;
  state_ = State::kOver;
  connect_task_.Cancel();
  timer_.Disarm();
  CountBytes();
  WriteLogs();
  ListNode<TcpSession>::Unlink();
  proxy_.OnSessionOver();
  services().loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
  owner_.OnConnectionClosed(info_);
}

}  // namespace nuncio::extensions
