#include "source/proxy/downstream_connection.h"

#include <algorithm>
#include <utility>

#include "source/http/h2/field_rules.h"
#include "source/proxy/parked_connection.h"
#include "source/proxy/stream.h"

namespace nuncio::proxy {
namespace {

// A connection that is to end is closed between requests when it was silent this long.
constexpr Duration kQuietBeforeClose = std::chrono::seconds(1);

// How long the client of an HTTP/2 request that was answered early may take to end it before it is told to stop.
constexpr Duration kEarlyAnswerGrace = std::chrono::milliseconds(100);

// A connection that was silent this long is parked when somebody looks at it. Longer than the pauses of a busy client:
// each time costs two system calls and a record.
constexpr Duration kBusyFor = std::chrono::milliseconds(250);

// RFC 9113 3.4.
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

net::ConnectionLimits Limits(const filter::AcceptedConnection& accepted) {
  net::ConnectionLimits limits;
  limits.buffer_limit = accepted.buffer_limit;
  limits.handshake_timeout = accepted.handshake_timeout;
  limits.handshake_timeouts = accepted.handshake_timeouts;
  return limits;
}

}  // namespace

DownstreamConnection::DownstreamConnection(HttpConnectionManager& manager, const filter::AcceptedConnection& accepted,
                                           std::unique_ptr<net::TransportSocket> transport,
                                           filter::ConnectionOwner& owner, const ConnectionPast& past)
    : manager_(manager),
      owner_(owner),
      buffer_limit_(accepted.buffer_limit),
      opened_(past.opened),
      opened_system_(past.opened_system),
      info_(filter::Describe(accepted, past.id)),
      socket_(manager.services().loop, manager.services().slices, *this, accepted.fd, accepted.peer, Limits(accepted),
              std::move(transport)),
      reap_task_(Delegate<void()>::Bind<&DownstreamConnection::ReapStreams>(this)),
      release_task_(Delegate<void()>::Bind<&DownstreamConnection::ReleaseRequests>(this)),
      abort_task_(Delegate<void()>::Bind<&DownstreamConnection::EndAbort>(this)),
      goaway_task_(Delegate<void()>::Bind<&DownstreamConnection::SendGoAway>(this)),
      timer_(manager.services().loop, Delegate<void()>::Bind<&DownstreamConnection::OnDeadline>(this)),
      idle_since_(past.idle_since),
      requests_(past.requests),
      bytes_read_counted_(past.bytes_read),
      bytes_written_counted_(past.bytes_written) {
  if (accepted.local.length() > 0) socket_.set_local(accepted.local);
  socket_.set_bytes(past.bytes_read, past.bytes_written);
}

DownstreamConnection::~DownstreamConnection() = default;

void* DownstreamConnection::operator new(size_t, SlabPool& pool) { return pool.Take(); }

void DownstreamConnection::operator delete(void* memory, SlabPool&) { SlabPool::Return(memory); }

void DownstreamConnection::operator delete(void* memory) { SlabPool::Return(memory); }

void DownstreamConnection::Start() {
  telemetry::DownstreamHttpStats& stats = manager_.stats();
  stats.downstream_cx_total.Inc();
  stats.downstream_cx_active.Inc();
  if (!socket_.Start()) {
    Finished(/*remote=*/false);
    return;
  }
  SetLifeDeadlines();
  if (manager_.draining()) ending_ = Ending::kDrain;
  // A client may wait for the server's SETTINGS.
  if (!socket_.has_transport() && manager_.config().codec == ConnectionManagerConfig::Codec::kHttp2) {
    MakeHttp2Codec();
  }
}

void DownstreamConnection::Resume(ParkedConnection& parked) {
  // Without a codec the protocol is still to be seen.
  if (parked.past().http1) EmplaceHttp1Codec();
  if (!socket_.StartFrom(parked)) {
    Finished(/*remote=*/false);
    return;
  }
  SetLifeDeadlines();
  if (parked.drain_at() != Deadline::kNone) SetDeadline(Deadline::kDrain, parked.drain_at());
}

ParkedConnection* DownstreamConnection::Park() {
  const MonotonicTime now = manager_.services().loop.now();
  if (now - idle_since_ < kBusyFor || !Quiet()) return nullptr;
  auto parked = std::make_unique<ParkedConnection>(manager_, owner_, info_, buffer_limit_,
                                                   ConnectionPast{.id = info_.id,
                                                                  .opened = opened_,
                                                                  .opened_system = opened_system_,
                                                                  .idle_since = idle_since_,
                                                                  .requests = requests_,
                                                                  .bytes_read = socket_.bytes_read(),
                                                                  .bytes_written = socket_.bytes_written(),
                                                                  .local_known = socket_.local_known(),
                                                                  .http1 = codec_ != nullptr});
  CountBytes();
  const int fd = socket_.fd();
  if (!socket_.HandOver(*parked)) return nullptr;
  parked->Take(fd);
  over_ = true;
  timer_.Disarm();
  ListNode<DownstreamConnection>::Unlink();
  manager_.services().loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
  return parked.release();
}

bool DownstreamConnection::MayPark() const {
  return !socket_.has_transport() && !http2() && ParkedConnection::Keeps(info_);
}

bool DownstreamConnection::Quiet() const {
  return MayPark() && !over_ && !preface_begun_ && !paused_ && !held_ && !peer_ended_ &&
         ending_ == Ending::kNone && streams_.empty() && finished_.empty() && socket_.quiet() &&
         deadlines_.OnlyOfLife();
}

void DownstreamConnection::SetLifeDeadlines() {
  if (const Duration max = manager_.config().max_connection_duration; max > Duration::zero()) {
    SetDeadline(Deadline::kDuration, opened_ + max);
  }
  if (const Duration idle = manager_.config().idle_timeout; idle > Duration::zero()) {
    SetDeadline(Deadline::kIdle, idle_since_ + idle);
  }
}

void DownstreamConnection::StartDraining(Duration after) {
  if (ending_ != Ending::kNone || over_) return;
  if (after == Duration::zero()) {
    Drain();
    return;
  }
  SetDeadline(Deadline::kDrain, manager_.services().loop.now() + after);
}

void DownstreamConnection::Drain() {
  deadlines_.Clear(Deadline::kDrain);
  ending_ = Ending::kDrain;
  CloseIfQuiet();
}

void DownstreamConnection::SendGoAway() {
  if (deadlines_.armed(Deadline::kGoAway) || socket_.closing()) return;
  const Duration grace = manager_.config().drain_timeout;
  if (grace == Duration::zero()) {
    codec_->Drain();
    return;
  }
  codec_->NoticeShutdown();
  SetDeadline(Deadline::kGoAway, manager_.services().loop.now() + grace);
}

void DownstreamConnection::CloseIfQuiet() {
  if (http2()) {
    SendGoAway();
    return;
  }
  deadlines_.Clear(Deadline::kQuiet);
  if (socket_.closing() || active_streams() > 0 || !socket_.read_buffer().empty()) return;
  // A client that was busy a moment ago has likely sent its next request already: closing now would lose it, answering
  // it with `connection: close` does not.
  const MonotonicTime quiet_at = idle_since_ + std::min(kQuietBeforeClose, manager_.config().drain_timeout);
  if (quiet_at > manager_.services().loop.now()) {
    SetDeadline(Deadline::kQuiet, quiet_at);
    return;
  }
  if (ending_ == Ending::kDrain) manager_.stats().downstream_cx_drain_close.Inc();
  // The client may be sending right now; a lingering close spares it a RST.
  CloseAfterFlush(manager_.config().delayed_close_timeout);
}

void DownstreamConnection::CloseAfterFlush(Duration linger) {
  if (socket_.closed() || socket_.closing()) return;
  socket_.CloseAfterFlush(linger);
  const Duration limit = manager_.config().delayed_close_timeout;
  if (limit == Duration::zero() || socket_.unsent() == 0) return;
  unsent_before_ = socket_.unsent();
  SetDeadline(Deadline::kFlush, manager_.services().loop.now() + limit);
}

void DownstreamConnection::CheckFlush() {
  // The linger that follows has a timer of its own.
  if (socket_.unsent() == 0) return;
  if (socket_.unsent() >= unsent_before_) {
    manager_.stats().downstream_cx_delayed_close_timeout.Inc();
    CloseNow();
    return;
  }
  unsent_before_ = socket_.unsent();
  SetDeadline(Deadline::kFlush, manager_.services().loop.now() + manager_.config().delayed_close_timeout);
}

void DownstreamConnection::HoldRequests() {
  held_ = true;
  socket_.PauseReading();
  // By then what is written was offered to the kernel. Where it did not take enough, OnWriteBufferLow releases.
  manager_.services().loop.NextTurn(release_task_);
}

void DownstreamConnection::ReleaseRequests() {
  if (!held_ || socket_.closed() || socket_.above_high_mark()) return;
  held_ = false;
  socket_.ResumeReading();
  socket_.RedeliverSoon();
}

void DownstreamConnection::CloseNow() {
  if (over_) return;
  socket_.Close();
  if (codec_ != nullptr) codec_->OnConnectionClosed();
  Finished(/*remote=*/false);
}

void DownstreamConnection::OnConnected() {
  secure_ = true;
  manager_.stats().downstream_cx_ssl_total.Inc();
  manager_.stats().downstream_cx_ssl_active.Inc();
  const ConnectionManagerConfig::Codec configured = manager_.config().codec;
  info_.security = socket_.security();
  const std::string_view alpn = info_.security == nullptr ? "" : info_.security->alpn();
  if (manager_.config().adds_client_certificate() && info_.security != nullptr) {
    client_certificate_ = ClientCertificateElement(*info_.security, manager_.config().client_certificate_details);
  }
  if (configured == ConnectionManagerConfig::Codec::kHttp2 ||
      (configured == ConnectionManagerConfig::Codec::kAuto && alpn == "h2")) {
    MakeHttp2Codec();
  } else if (!alpn.empty()) {
    MakeHttp1Codec();
  }
}

bool DownstreamConnection::ChooseCodec(buffer::Buffer& data) {
  if (manager_.config().codec == ConnectionManagerConfig::Codec::kAuto) {
    const size_t size = std::min(data.length(), kHttp2Preface.size());
    if (data.Linearize(size) == kHttp2Preface.substr(0, size)) {
      if (size < kHttp2Preface.size()) {
        AwaitPreface();
        return false;
      }
      MakeHttp2Codec();
      ArmIdle();
      return true;
    }
  }
  MakeHttp1Codec();
  return true;
}

void DownstreamConnection::AwaitPreface() {
  const Duration limit = manager_.config().request_headers_timeout;
  if (preface_begun_ || limit == Duration::zero()) return;
  preface_begun_ = true;
  SetDeadline(Deadline::kIdle, manager_.services().loop.now() + limit);
}

void DownstreamConnection::EmplaceHttp1Codec() {
  http1_codec_.emplace(socket_.write_buffer(), *this, manager_.config().http1);
  if (buffer_limit_ > 0) http1_codec_->set_output_limit(buffer_limit_);
  codec_ = &*http1_codec_;
}

void DownstreamConnection::MakeHttp1Codec() {
  EmplaceHttp1Codec();
  manager_.stats().downstream_cx_http1_total.Inc();
  manager_.stats().downstream_cx_http1_active.Inc();
}

void DownstreamConnection::MakeHttp2Codec() {
  const http::h2::H2Options& options = manager_.Http2Options(buffer_limit_);
  http2_codec_ = std::make_unique<http::h2::H2ServerCodec>(socket_.write_buffer(), *this, options,
                                                           manager_.services().http2, manager_.http2_stats(),
                                                           manager_.downstream_http2_stats());
  codec_ = http2_codec_.get();
  manager_.stats().downstream_cx_http2_total.Inc();
  manager_.stats().downstream_cx_http2_active.Inc();
  http2_codec_->Start();
  if (options.keepalive.has_value() && options.keepalive->interval > Duration::zero()) SchedulePing();
  if (ending_ != Ending::kNone) SendGoAway();
}

void DownstreamConnection::OnData(buffer::Buffer& data, bool end) {
  CountBytes();
  manager_.LookSoon();
  if (end) peer_ended_ = true;
  // Whoever talks is there, even if a long frame of data delays the answer to a ping.
  if (deadlines_.armed(Deadline::kPong)) [[unlikely]] AwaitPong();
  if (codec_ == nullptr && (data.empty() || !ChooseCodec(data))) [[unlikely]] {
    if (end) CloseAfterFlush(Duration::zero());
    return;
  }
  if (!data.empty() && !codec_->Dispatch(data)) {
    // The codec reads no more. What it has to say is on its way, or nothing is.
    data.Clear();
    if (!over_) CloseAfterFlush(manager_.config().delayed_close_timeout);
  }
  if (!data.empty() && !held_ && codec_->output_is_full()) HoldRequests();
  if (end && !over_ && !socket_.closed()) codec_->OnEndOfInput();
  ReapStreams();
  if (end && !over_ && !socket_.closed() && codec_->active_streams() == 0) {
    CloseAfterFlush(Duration::zero());
  }
}

void DownstreamConnection::OnClosed(net::CloseReason reason) {
  info_.transport_failure = socket_.transport_failure();
  if (codec_ != nullptr) codec_->OnConnectionClosed();
  Finished(peer_ended_ || reason == net::CloseReason::kRemoteReset);
}

void DownstreamConnection::OnWriteBufferHigh() {
  manager_.stats().downstream_flow_control_paused_reading_total.Inc();
  if (codec_ != nullptr) codec_->OnSendBufferHigh();
}

void DownstreamConnection::OnWriteBufferLow() {
  manager_.stats().downstream_flow_control_resumed_reading_total.Inc();
  // A long answer is counted as it goes.
  CountBytes();
  manager_.LookSoon();
  if (codec_ != nullptr) codec_->OnSendBufferLow();
  ReleaseRequests();
}

void DownstreamConnection::OnPauseReading(bool pause) {
  if (pause == paused_ || socket_.closed()) return;
  paused_ = pause;
  if (pause) {
    socket_.PauseReading();
  } else {
    socket_.ResumeReading();
    // A pipelined request may lie in the buffer already; no event of the kernel would tell of it.
    if (!socket_.read_buffer().empty()) socket_.RedeliverSoon();
  }
}

http::RequestReceiver& DownstreamConnection::OnNewStream(http::ResponseSender& sender) {
  deadlines_.Clear(Deadline::kIdle);
  ++requests_;
  const ConnectionManagerConfig& config = manager_.config();
  if (http2() && !deadlines_.armed(Deadline::kStall) && config.stream_idle_timeout > Duration::zero()) {
    SetDeadline(Deadline::kStall, manager_.services().loop.now() + config.stream_idle_timeout);
  }
  if (config.max_requests_per_connection > 0 && requests_ >= config.max_requests_per_connection &&
      ending_ == Ending::kNone) {
    ending_ = Ending::kMaxRequests;
    manager_.stats().downstream_cx_max_requests_reached.Inc();
    if (http2()) manager_.services().loop.AfterEvent(goaway_task_);
  }
  Stream* stream = manager_.services().streams.New(*this, sender);
  streams_.PushBack(*stream);
  return *stream;
}

void DownstreamConnection::OnCloseAfterFlush() {
  if (ending_ == Ending::kDrain) manager_.stats().downstream_cx_drain_close.Inc();
  // Without bytes of the client unread a plain close cannot turn into a RST.
  bool clean = socket_.read_buffer().empty();
  for (IntrusiveList<Stream>* list : {&streams_, &finished_}) {
    for (Stream* stream = list->front(); stream != nullptr; stream = list->Next(*stream)) {
      if (!stream->request_complete()) clean = false;
    }
  }
  CloseAfterFlush(clean ? Duration::zero() : manager_.config().delayed_close_timeout);
}

void DownstreamConnection::OnAbort() {
  socket_.Abort();
  // A stream, and a filter of it, may be the one who asks for it.
  manager_.services().loop.AfterEvent(abort_task_);
}

void DownstreamConnection::EndAbort() {
  if (over_) return;
  codec_->OnConnectionClosed();
  Finished(/*remote=*/false);
}

void DownstreamConnection::OnConnectionError(http::StreamReset /*reset*/, std::string_view details) {
  manager_.stats().downstream_cx_protocol_error.Inc();
  if (details == http::h2::kPrematureResets) manager_.stats().downstream_rq_too_many_premature_resets.Inc();
  // Said from an answer as well as from input; GOAWAY is written.
  CloseAfterFlush(manager_.config().delayed_close_timeout);
}

void DownstreamConnection::OnPong(uint64_t opaque) {
  if (opaque != pings_ || !deadlines_.armed(Deadline::kPong)) return;
  deadlines_.Clear(Deadline::kPong);
  SchedulePing();
}

void DownstreamConnection::BeforeResponseHead() {
  if (ending_ == Ending::kNone && manager_.health_failing()) ending_ = Ending::kDrain;
  if (ending_ == Ending::kNone) return;
  if (http2()) {
    SendGoAway();
  } else {
    codec_->Drain();
  }
}

void DownstreamConnection::OnStreamFinished(Stream& stream) {
  stream.ListNode<Stream>::Unlink();
  stream_deadlines_.Remove(stream);
  finished_.PushBack(stream);
  if (http2() && !stream.request_complete() && !over_ && !deadlines_.armed(Deadline::kEarly)) {
    SetDeadline(Deadline::kEarly, manager_.services().loop.now() + kEarlyAnswerGrace);
  }
  manager_.services().loop.AfterEvent(reap_task_);
}

void DownstreamConnection::CountBytes() {
  telemetry::DownstreamHttpStats& stats = manager_.stats();
  stats.downstream_cx_rx_bytes_total.Add(socket_.bytes_read() - bytes_read_counted_);
  stats.downstream_cx_tx_bytes_total.Add(socket_.bytes_written() - bytes_written_counted_);
  bytes_read_counted_ = socket_.bytes_read();
  bytes_written_counted_ = socket_.bytes_written();
}

void DownstreamConnection::ReapStreams() {
  reap_task_.Cancel();
  if (finished_.empty()) return;
  manager_.LookSoon();
  while (Stream* stream = finished_.PopFront()) manager_.services().streams.Delete(stream);
  if (!streams_.empty() || over_ || socket_.closing()) return;
  ArmIdle();
  // An answer whose head was out when the end was decided could not announce it.
  const bool announce_only = ending_ == Ending::kMaxDuration && manager_.config().safe_max_connection_duration;
  if (ending_ != Ending::kNone && !announce_only) CloseIfQuiet();
}

void DownstreamConnection::ArmIdle() {
  idle_since_ = manager_.services().loop.now();
  if (const Duration idle = manager_.config().idle_timeout; idle > Duration::zero()) {
    SetDeadline(Deadline::kIdle, idle_since_ + idle);
  }
}

void DownstreamConnection::Arm(MonotonicTime at) {
  // Later ones are found when the timer comes: it looks at what is due then.
  if (!timer_.armed() || at < timer_.deadline()) timer_.ArmAt(at);
}

void DownstreamConnection::SetDeadline(Deadline::Kind kind, MonotonicTime at) {
  deadlines_.Set(kind, at);
  Arm(at);
}

void DownstreamConnection::OnDeadlineMoved(Stream& stream, MonotonicTime deadline) {
  if (!stream.in_heap()) {
    stream_deadlines_.Push(stream, deadline);
  } else if (deadline < stream.heap_key()) {
    stream_deadlines_.Lower(stream, deadline);
  } else {
    return;
  }
  Arm(deadline);
}

void DownstreamConnection::OnStreamDeadlines(MonotonicTime now) {
  // Each of those due now is looked at once, so this ends.
  while (Stream* stream = stream_deadlines_.top()) {
    if (stream->heap_key() > now) return;
    stream_deadlines_.Remove(*stream);
    if (stream->next_deadline() <= now) stream->OnDeadline(now);
    if (over_) return;
    if (!stream->over() && stream->next_deadline() != Deadline::kNone) {
      stream_deadlines_.Push(*stream, std::max(stream->next_deadline(), now + Duration(1)));
    }
  }
}

void DownstreamConnection::OnDeadline() {
  const MonotonicTime now = manager_.services().loop.now();
  OnStreamDeadlines(now);
  if (!over_ && deadlines_.Take(Deadline::kIdle, now) && streams_.empty()) OnIdle();
  if (!over_ && deadlines_.Take(Deadline::kDuration, now)) OnMaxDuration();
  if (!over_ && deadlines_.Take(Deadline::kDrain, now)) Drain();
  if (!over_ && deadlines_.Take(Deadline::kQuiet, now)) CloseIfQuiet();
  if (!over_ && deadlines_.Take(Deadline::kGoAway, now)) codec_->Drain();
  if (!over_ && deadlines_.Take(Deadline::kPong, now)) OnPongMissing();
  if (!over_ && deadlines_.Take(Deadline::kPing, now)) SendPing();
  if (!over_ && deadlines_.Take(Deadline::kEarly, now) && !socket_.closing()) codec_->EndAnswered();
  if (!over_ && deadlines_.Take(Deadline::kStall, now)) OnStall();
  if (!over_ && deadlines_.Take(Deadline::kFlush, now)) CheckFlush();
  if (over_) return;
  MonotonicTime next = deadlines_.next();
  if (!stream_deadlines_.empty()) next = std::min(next, stream_deadlines_.top()->heap_key());
  if (next != Deadline::kNone) timer_.ArmAt(next);
}

void DownstreamConnection::OnIdle() {
  manager_.stats().downstream_cx_idle_timeout.Inc();
  if (http2()) {
    // A request that is on its way is refused by number, and its client knows that it was not served.
    codec_->Drain();
  } else {
    CloseAfterFlush(manager_.config().delayed_close_timeout);
  }
}

void DownstreamConnection::OnMaxDuration() {
  manager_.stats().downstream_cx_max_duration_reached.Inc();
  if (ending_ == Ending::kNone) ending_ = Ending::kMaxDuration;
  if (http2() || !manager_.config().safe_max_connection_duration) CloseIfQuiet();
}

void DownstreamConnection::OnStall() {
  if (socket_.closing()) return;
  http2_codec_->ExpireFlushes();
  if (codec_->active_streams() == 0 || over_) return;
  SetDeadline(Deadline::kStall, manager_.services().loop.now() + manager_.config().stream_idle_timeout);
}

void DownstreamConnection::SchedulePing() {
  const http::h2::KeepaliveOptions& keepalive = *manager_.config().http2.keepalive;
  const double jitter = static_cast<double>(keepalive.interval.count()) * keepalive.interval_jitter / 100;
  Duration interval = keepalive.interval;
  if (jitter >= 1) interval += Duration(manager_.services().random.Below(static_cast<uint64_t>(jitter)));
  SetDeadline(Deadline::kPing, manager_.services().loop.now() + interval);
}

void DownstreamConnection::SendPing() {
  if (socket_.closing()) return;
  http2_codec_->SendPing(++pings_);
  AwaitPong();
}

void DownstreamConnection::AwaitPong() {
  SetDeadline(Deadline::kPong, manager_.services().loop.now() + manager_.config().http2.keepalive->timeout);
}

void DownstreamConnection::OnPongMissing() {
  manager_.http2_stats().keepalive_timeout.Inc();
  CloseNow();
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
  if (secure_) stats.downstream_cx_ssl_active.Dec();
  if (codec_ != nullptr) (http2() ? stats.downstream_cx_http2_active : stats.downstream_cx_http1_active).Dec();
  ListNode<DownstreamConnection>::Unlink();
  --manager_.connections_;
  manager_.LookSoon();
  manager_.services().loop.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
  access_log::StreamInfo closed;
  closed.start_system = opened_system_;
  closed.start = opened_;
  closed.end = lifetime;
  closed.connection = &info_;
  closed.local_address = this;
  closed.bytes_received = socket_.bytes_read();
  closed.bytes_sent = socket_.bytes_written();
  owner_.OnConnectionClosed(closed);
}

}  // namespace nuncio::proxy
