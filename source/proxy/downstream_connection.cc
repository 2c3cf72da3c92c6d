#include "source/proxy/downstream_connection.h"

#include <algorithm>
#include <utility>

#include "source/http/h1/server_codec.h"
#include "source/proxy/stream.h"

namespace nuncio::proxy {
namespace {

// A connection that is to end is closed between requests when it was silent this long.
constexpr Duration kQuietBeforeClose = std::chrono::seconds(1);

}  // namespace

DownstreamConnection::DownstreamConnection(HttpConnectionManager& manager, const filter::AcceptedConnection& accepted,
                                           std::unique_ptr<net::TransportSocket> transport,
                                           filter::ConnectionOwner& owner)
    : manager_(manager),
      owner_(owner),
      opened_(manager.services().loop.now()),
      opened_system_(manager.services().loop.SystemNow()),
      reap_task_(Delegate<void()>::Bind<&DownstreamConnection::ReapStreams>(this)),
      release_task_(Delegate<void()>::Bind<&DownstreamConnection::ReleaseRequests>(this)),
      timer_(manager.services().loop, Delegate<void()>::Bind<&DownstreamConnection::OnDeadline>(this)) {
  WorkerServices& services = manager.services();
  info_.id = ++services.last_id;
  info_.peer = accepted.peer.Unmapped();
  info_.peer_text = info_.peer.ToString();
  info_.peer_ip_text = info_.peer.IpText();
  info_.listener_name = accepted.listener_name;
  info_.filter_chain_name = accepted.filter_chain_name;
  net::ConnectionLimits limits;
  limits.buffer_limit = accepted.buffer_limit;
  socket_ = std::make_unique<net::Connection>(services.loop, services.slices, *this, accepted.fd, accepted.peer, limits,
                                              std::move(transport));
  if (accepted.local.length() > 0) socket_->set_local(accepted.local);
  auto codec = std::make_unique<http::h1::H1ServerCodec>(socket_->write_buffer(), *this, manager.config().http1);
  if (accepted.buffer_limit > 0) codec->set_output_limit(accepted.buffer_limit);
  codec_ = std::move(codec);
  telemetry::DownstreamHttpStats& stats = manager.stats();
  stats.downstream_cx_total.Inc();
  stats.downstream_cx_active.Inc();
  stats.downstream_cx_http1_total.Inc();
  stats.downstream_cx_http1_active.Inc();
}

DownstreamConnection::~DownstreamConnection() = default;

void DownstreamConnection::Start() {
  if (!socket_->Start()) {
    Finished(/*remote=*/false);
    return;
  }
  if (const Duration max = manager_.config().max_connection_duration; max > Duration::zero()) {
    duration_deadline_ = opened_ + max;
    timer_.ArmAt(duration_deadline_);
  }
  ArmIdle();
  if (manager_.draining()) ending_ = Ending::kDrain;
}

void DownstreamConnection::StartDraining(Duration after) {
  if (ending_ != Ending::kNone || over_) return;
  if (after == Duration::zero()) {
    Drain();
    return;
  }
  drain_deadline_ = manager_.services().loop.now() + after;
  OnDeadlineMoved(drain_deadline_);
}

void DownstreamConnection::Drain() {
  drain_deadline_ = MonotonicTime::max();
  ending_ = Ending::kDrain;
  CloseIfQuiet();
}

void DownstreamConnection::CloseIfQuiet() {
  quiet_deadline_ = MonotonicTime::max();
  if (socket_->closing() || codec_->active_streams() > 0 || !socket_->read_buffer().empty()) return;
  // A client that was busy a moment ago has likely sent its next request already: closing now would lose it, answering it
  // with `connection: close` does not.
  const MonotonicTime quiet_at = idle_since_ + std::min(kQuietBeforeClose, manager_.config().drain_timeout);
  if (quiet_at > manager_.services().loop.now()) {
    quiet_deadline_ = quiet_at;
    OnDeadlineMoved(quiet_at);
    return;
  }
  if (ending_ == Ending::kDrain) manager_.stats().downstream_cx_drain_close.Inc();
  // The client may be sending right now; a lingering close spares it a RST.
  CloseAfterFlush(manager_.config().delayed_close_timeout);
}

void DownstreamConnection::CloseAfterFlush(Duration linger) {
  if (socket_->closed() || socket_->closing()) return;
  socket_->CloseAfterFlush(linger);
  const Duration limit = manager_.config().delayed_close_timeout;
  if (limit == Duration::zero() || socket_->write_buffer().empty()) return;
  flushed_before_ = socket_->bytes_written();
  flush_deadline_ = manager_.services().loop.now() + limit;
  OnDeadlineMoved(flush_deadline_);
}

void DownstreamConnection::CheckFlush() {
  flush_deadline_ = MonotonicTime::max();
  // The linger that follows has a timer of its own.
  if (socket_->write_buffer().empty()) return;
  if (socket_->bytes_written() == flushed_before_) {
    manager_.stats().downstream_cx_delayed_close_timeout.Inc();
    CloseNow();
    return;
  }
  flushed_before_ = socket_->bytes_written();
  flush_deadline_ = manager_.services().loop.now() + manager_.config().delayed_close_timeout;
}

void DownstreamConnection::HoldRequests() {
  held_ = true;
  socket_->PauseReading();
  // By then what is written was offered to the kernel. Where it did not take enough, OnWriteBufferLow releases.
  manager_.services().loop.NextTurn(release_task_);
}

void DownstreamConnection::ReleaseRequests() {
  if (!held_ || socket_->closed() || socket_->above_high_mark()) return;
  held_ = false;
  socket_->ResumeReading();
  socket_->RedeliverSoon();
}

void DownstreamConnection::CloseNow() {
  if (over_) return;
  socket_->Close();
  codec_->OnConnectionClosed();
  Finished(/*remote=*/false);
}

void DownstreamConnection::OnData(buffer::Buffer& data, bool end) {
  CountBytes();
  if (end) peer_ended_ = true;
  if (!data.empty() && !codec_->Dispatch(data)) {
    // The codec reads no more. What it has to say is on its way, or nothing is.
    data.Clear();
  }
  if (!data.empty() && !held_ && codec_->output_is_full()) HoldRequests();
  if (end && !over_ && !socket_->closed()) codec_->OnEndOfInput();
  ReapStreams();
  if (end && !over_ && !socket_->closed() && codec_->active_streams() == 0) {
    CloseAfterFlush(Duration::zero());
  }
}

void DownstreamConnection::OnClosed(net::CloseReason reason) {
  codec_->OnConnectionClosed();
  Finished(peer_ended_ || reason == net::CloseReason::kRemoteReset);
}

void DownstreamConnection::OnWriteBufferHigh() {
  manager_.stats().downstream_flow_control_paused_reading_total.Inc();
  codec_->OnSendBufferHigh();
}

void DownstreamConnection::OnWriteBufferLow() {
  manager_.stats().downstream_flow_control_resumed_reading_total.Inc();
  // A long answer is counted as it goes.
  CountBytes();
  codec_->OnSendBufferLow();
  ReleaseRequests();
}

void DownstreamConnection::OnPauseReading(bool pause) {
  if (pause == paused_ || socket_->closed()) return;
  paused_ = pause;
  if (pause) {
    socket_->PauseReading();
  } else {
    socket_->ResumeReading();
    // A pipelined request may lie in the buffer already; no event of the kernel would tell of it.
    if (!socket_->read_buffer().empty()) socket_->RedeliverSoon();
  }
}

http::RequestReceiver& DownstreamConnection::OnNewStream(http::ResponseSender& sender) {
  idle_deadline_ = MonotonicTime::max();
  ++requests_;
  const ConnectionManagerConfig& config = manager_.config();
  if (config.max_requests_per_connection > 0 && requests_ >= config.max_requests_per_connection &&
      ending_ == Ending::kNone) {
    ending_ = Ending::kMaxRequests;
    manager_.stats().downstream_cx_max_requests_reached.Inc();
  }
  Stream* stream = manager_.services().streams.New(*this, sender);
  streams_.PushBack(*stream);
  return *stream;
}

void DownstreamConnection::OnCloseAfterFlush() {
  if (ending_ == Ending::kDrain) manager_.stats().downstream_cx_drain_close.Inc();
  // Without bytes of the client unread a plain close cannot turn into a RST.
  bool clean = socket_->read_buffer().empty();
  for (IntrusiveList<Stream>* list : {&streams_, &finished_}) {
    for (Stream* stream = list->front(); stream != nullptr; stream = list->Next(*stream)) {
      if (!stream->request_complete()) clean = false;
    }
  }
  CloseAfterFlush(clean ? Duration::zero() : manager_.config().delayed_close_timeout);
}

void DownstreamConnection::OnAbort() {
  socket_->Abort();
  codec_->OnConnectionClosed();
  Finished(/*remote=*/false);
}

void DownstreamConnection::BeforeResponseHead() {
  if (ending_ == Ending::kNone && manager_.health_failing()) ending_ = Ending::kDrain;
  if (ending_ != Ending::kNone) codec_->Drain();
}

void DownstreamConnection::OnStreamFinished(Stream& stream) {
  stream.Unlink();
  finished_.PushBack(stream);
  manager_.services().loop.AfterEvent(reap_task_);
}

void DownstreamConnection::CountBytes() {
  telemetry::DownstreamHttpStats& stats = manager_.stats();
  stats.downstream_cx_rx_bytes_total.Add(socket_->bytes_read() - bytes_read_counted_);
  stats.downstream_cx_tx_bytes_total.Add(socket_->bytes_written() - bytes_written_counted_);
  bytes_read_counted_ = socket_->bytes_read();
  bytes_written_counted_ = socket_->bytes_written();
}

void DownstreamConnection::ReapStreams() {
  reap_task_.Cancel();
  if (finished_.empty()) return;
  while (Stream* stream = finished_.PopFront()) manager_.services().streams.Delete(stream);
  if (!streams_.empty() || over_ || socket_->closing()) return;
  ArmIdle();
  // An answer whose head was out when the end was decided could not announce it.
  const bool announce_only = ending_ == Ending::kMaxDuration && manager_.config().safe_max_connection_duration;
  if (ending_ != Ending::kNone && !announce_only) CloseIfQuiet();
}

void DownstreamConnection::ArmIdle() {
  idle_since_ = manager_.services().loop.now();
  if (const Duration idle = manager_.config().idle_timeout; idle > Duration::zero()) {
    idle_deadline_ = manager_.services().loop.now() + idle;
    OnDeadlineMoved(idle_deadline_);
  }
}

void DownstreamConnection::OnDeadlineMoved(MonotonicTime deadline) {
  // Later ones are found when the timer comes: it looks at all of them then.
  if (!timer_.armed() || deadline < timer_.deadline()) timer_.ArmAt(deadline);
}

void DownstreamConnection::OnDeadline() {
  const MonotonicTime now = manager_.services().loop.now();
  for (Stream* stream = streams_.front(); stream != nullptr;) {
    Stream* next = streams_.Next(*stream);
    if (stream->next_deadline() <= now) stream->OnDeadline(now);
    stream = next;
  }
  if (over_) return;
  if (idle_deadline_ <= now && streams_.empty()) {
    idle_deadline_ = MonotonicTime::max();
    manager_.stats().downstream_cx_idle_timeout.Inc();
    CloseAfterFlush(manager_.config().delayed_close_timeout);
  }
  if (duration_deadline_ <= now) {
    duration_deadline_ = MonotonicTime::max();
    manager_.stats().downstream_cx_max_duration_reached.Inc();
    if (ending_ == Ending::kNone) ending_ = Ending::kMaxDuration;
    if (!manager_.config().safe_max_connection_duration) CloseIfQuiet();
  }
  if (drain_deadline_ <= now) Drain();
  if (quiet_deadline_ <= now) CloseIfQuiet();
  if (flush_deadline_ <= now) CheckFlush();
  if (over_) return;
  MonotonicTime next =
      std::min({idle_deadline_, duration_deadline_, drain_deadline_, quiet_deadline_, flush_deadline_});
  for (Stream* stream = streams_.front(); stream != nullptr; stream = streams_.Next(*stream)) {
    next = std::min(next, stream->next_deadline());
  }
  if (next != MonotonicTime::max()) timer_.ArmAt(next);
}

void DownstreamConnection::Finished(bool remote) {
  if (over_) return;
  over_ = true;
  timer_.Disarm();
  telemetry::DownstreamHttpStats& stats = manager_.stats();
  const bool active = !streams_.empty();
  stats.downstream_cx_destroy.Inc();
  if (active) stats.downstream_cx_destroy_active_rq.Inc();
  if (remote) {
    stats.downstream_cx_destroy_remote.Inc();
    if (active) stats.downstream_cx_destroy_remote_active_rq.Inc();
  } else {
    stats.downstream_cx_destroy_local.Inc();
    if (active) stats.downstream_cx_destroy_local_active_rq.Inc();
  }
  while (Stream* stream = streams_.front()) stream->OnReset(http::StreamReset::kConnectionClosed, {});
  ReapStreams();
  const Duration lifetime = manager_.services().loop.now() - opened_;
  stats.downstream_cx_length_ms.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lifetime).count()));
  CountBytes();
  stats.downstream_cx_active.Dec();
  stats.downstream_cx_http1_active.Dec();
  ListNode<DownstreamConnection>::Unlink();
  --manager_.connections_;
  manager_.services().loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
  access_log::StreamInfo closed;
  closed.start_system = opened_system_;
  closed.start = opened_;
  closed.end = lifetime;
  closed.connection = &info_;
  closed.local_address = this;
  closed.bytes_received = socket_->bytes_read();
  closed.bytes_sent = socket_->bytes_written();
  owner_.OnConnectionClosed(closed);
}

}  // namespace nuncio::proxy
