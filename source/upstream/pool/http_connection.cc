#include "source/upstream/pool/http_connection.h"

#include <utility>

#include "source/upstream/pool/host_pool.h"
#include "source/upstream/pool/http1_session.h"
#include "source/upstream/pool/http2_session.h"

namespace nuncio::upstream {

HttpConnection::HttpConnection(HostPool& pool, std::shared_ptr<PoolShared> shared_in)
    : UpstreamConnection(std::move(shared_in), pool.host()),
      pool_(pool),
      settle_task_(Delegate<void()>::Bind<&HttpConnection::Settle>(this)) {
  if (pool_.kind().protocol.has_value()) CountProtocol(*pool_.kind().protocol);
  info_.host = host().get();
  info_.connection_id = shared().supplies.NextConnectionId();
}

HttpConnection::~HttpConnection() = default;

void HttpConnection::Connect() {
  const HostPool::Kind& kind = pool_.kind();
  HandshakeWish wish;
  wish.socket = kind.socket;
  wish.server_name = kind.server_name;
  wish.alpn = !kind.protocol.has_value()                   ? HandshakeWish::Alpn::kBoth
              : *kind.protocol == http::Protocol::kHttp2 ? HandshakeWish::Alpn::kHttp2
                                                           : HandshakeWish::Alpn::kHttp1;
  UpstreamConnection::Connect(wish);
}

std::string_view HttpConnection::Objection() {
  // Where the configuration offers protocols of its own, the host may choose one that the cluster does not speak.
  const net::SecurityInfo* security = net()->security();
  if (security == nullptr || !pool_.kind().protocol.has_value()) return {};
  const bool http2 = *pool_.kind().protocol == http::Protocol::kHttp2;
  if (http2 && !security->alpn().empty() && security->alpn() != "h2") {
    return "TLS_error: the host chose another protocol by ALPN than h2, which the cluster speaks";
  }
  if (!http2 && security->alpn() == "h2") return "TLS_error: the host chose h2 by ALPN and the cluster speaks http/1.1";
  return {};
}

void HttpConnection::OnReady() {
  const std::optional<http::Protocol> fixed = pool_.kind().protocol;
  const http::Protocol protocol = fixed.value_or(ChosenProtocol());
  if (!fixed.has_value()) CountProtocol(protocol);
  session_ = MakeSession(protocol);
  info_.local = net()->local();
  info_.protocol = codec().protocol();
  info_.security = net::MakeSecurityRef(net()->shared_security());
  if (shared().config->http.max_connection_duration > Duration::zero()) {
    max_duration_timer_.emplace(loop(), Delegate<void()>::Bind<&HttpConnection::OnMaxDuration>(this));
    max_duration_timer_->Arm(shared().config->http.max_connection_duration);
  }
  state_ = State::kReady;
  ArmIdleTimer();
  fresh_ = true;
  pool_.OnConnected(*this);
  fresh_ = false;
  if (state_ == State::kReady && requests_ == 0) session_->OnConnectedUnused();
}

http::Protocol HttpConnection::ChosenProtocol() {
  const net::SecurityInfo* security = net()->security();
  return security != nullptr && security->alpn() == "h2" ? http::Protocol::kHttp2 : http::Protocol::kHttp11;
}

void HttpConnection::CountProtocol(http::Protocol protocol) {
  (protocol == http::Protocol::kHttp2 ? traffic().upstream_cx_http2_total : traffic().upstream_cx_http1_total).Inc();
}

std::unique_ptr<CodecSession> HttpConnection::MakeSession(http::Protocol protocol) {
  http::ClientConnectionEvents& events = *this;
  if (protocol != http::Protocol::kHttp2) return std::make_unique<Http1Session>(*net(), events, shared());
  const auto on_dead = Delegate<void()>::Bind<&HttpConnection::OnDead>(this);
  return std::make_unique<Http2Session>(*net(), events, shared(), pool_.told_streams(), on_dead);
}

void HttpConnection::ArmIdleTimer() {
  if (streams_ == 0 && shared().config->http.idle_timeout > Duration::zero()) {
    timer().Arm(shared().config->http.idle_timeout);
  }
}

void HttpConnection::OpenStream(http::ResponseReceiver& receiver, StreamRequester& requester) {
  if (streams_ == 0) timer().Disarm();
  session_->BeforeStream();
  // A connection that stayed alone for a while, even if never used, may be one that the host is about to close.
  info_.reused = streams_ == 0 && !fresh_;
  ++streams_;
  ++requests_;
  traffic().upstream_rq_active.Inc();
  host_stats().rq_total.Inc();
  host_stats().rq_active.Inc();
  http::RequestSender& sender = codec().NewStream(receiver);
  const uint32_t max_requests = shared().config->http.max_requests_per_connection;
  if (max_requests != 0 && requests_ >= max_requests) {
    traffic().upstream_cx_max_requests.Inc();
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  } else if (!codec().can_open_stream()) {
    state_ = State::kBusy;
    pool_.OnBusy(*this);
  }
  requester.OnStreamReady(sender, info_);
}

void HttpConnection::OnStreamClosed() {
  if (streams_ == 0) return;
  --streams_;
  traffic().upstream_rq_active.Dec();
  host_stats().rq_active.Dec();
  pool_.OnStreamEnded();
  SettleSoon();
}

void HttpConnection::SettleSoon() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  // What the peer sent with the end of an answer must be seen before the connection is given to anybody; and a
  // requester is not called from within another one's call.
  if (dispatching_) {
    settle_wanted_ = true;
  } else {
    loop().AfterEvent(settle_task_);
  }
}

void HttpConnection::Settle() {
  settle_wanted_ = false;
  if (state_ == State::kClosing || state_ == State::kClosed || state_ == State::kConnecting) return;
  const bool leftover = !net()->read_buffer().empty() || net()->peer_ending();
  if (state_ != State::kDraining && !session_->Reusable(leftover)) {
    session_->CountNotReusable();
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  }
  if (state_ == State::kDraining) {
    if (streams_ == 0) CloseUnused();
    return;
  }
  ArmIdleTimer();
  const bool was_ready = state_ == State::kReady;
  if (!codec().can_open_stream()) {
    state_ = State::kBusy;
    if (was_ready) pool_.OnBusy(*this);
    return;
  }
  state_ = State::kReady;
  pool_.OnReady(*this, was_ready);
}

void HttpConnection::Drain() {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (state_ == State::kConnecting || streams_ == 0) {
    CloseUnused();
    return;
  }
  if (state_ == State::kDraining) return;
  state_ = State::kDraining;
  pool_.OnBusy(*this);
}

void HttpConnection::CloseUnused() {
  if (session_ == nullptr || !session_->SayGoodbye()) {
    Close(Side::kLocal);
  } else {
    CloseAfterFlush();
  }
}

void HttpConnection::CloseAfterFlush() {
  state_ = State::kClosing;
  session_->OnClosing();
  pool_.OnBusy(*this);
  // A peer that does not read must not keep the connection.
  timer().Arm(shared().config->connect_timeout);
  net()->CloseAfterFlush(Duration::zero());
}

void HttpConnection::CloseWith(Side side, bool cut_off) {
  if (state_ == State::kClosed) return;
  CountBytes();
  if (session_ != nullptr && session_->MustAbort()) net()->Abort();
  if (net() != nullptr) net()->Close();
  Finish(side, cut_off);
  pool_.OnConnectionClosed();
}

void HttpConnection::Finish(Side side, bool cut_off) {
  state_ = State::kClosed;
  if (max_duration_timer_.has_value()) max_duration_timer_->Disarm();
  settle_task_.Cancel();
  if (session_ != nullptr) session_->OnClosing();
  CountEnd(side, cut_off);
  // Out of the pool first: who hears of a reset may ask for another stream at once.
  pool_.Forget(*this);
  if (session_ != nullptr) codec().OnConnectionClosed();
  while (streams_ > 0) OnStreamClosed();
}

void HttpConnection::OnConnectFailed(PoolFailure failure, std::string_view details) {
  Finish(failure == PoolFailure::kConnectTimeout ? Side::kLocal : Side::kRemote, false);
  pool_.OnConnectFailed(failure, details);
}

void HttpConnection::OnData(buffer::Buffer& data, bool end) {
  if (state_ == State::kClosing) {
    data.Clear();
    return;
  }
  session_->OnBytes();
  if (streams_ == 0 && (end || !session_->AllowsInputWhileIdle())) {
    if (!data.empty()) session_->CountForbiddenInput();
    Close(Side::kRemote);
    return;
  }
  const bool had_streams = streams_ > 0;
  dispatching_ = true;
  const bool good = data.empty() || codec().Dispatch(data);
  if (good && end && state_ != State::kClosed) codec().OnEndOfInput();
  dispatching_ = false;
  if (state_ == State::kClosed) return;
  CountBytes();
  if (!good && session_->InputWasFaulty()) {
    OnFaultyInput(had_streams);
  } else if (end && streams_ == 0 && codec().protocol() != http::Protocol::kHttp2 && session_->SayGoodbye()) {
    CloseAfterFlush();
  } else if (end && !codec().half_open()) {
    CloseWith(Side::kRemote, had_streams && session_->ExchangeCutOff());
  } else if (settle_wanted_ || !good) {
    Settle();
  }
}

void HttpConnection::OnFaultyInput(bool had_streams) {
  traffic().upstream_cx_protocol_error.Inc();
  session_->CountProtocolError();
  // HTTP/2 says why (RFC 9113 5.4.1); of an HTTP/1 request nothing more is to be sent.
  if (codec().protocol() == http::Protocol::kHttp2 && streams_ == 0) {
    CloseAfterFlush();
  } else {
    CloseWith(Side::kLocal, had_streams);
  }
}

void HttpConnection::OnLost(net::CloseReason reason) {
  info_.transport_failure = net()->transport_failure();
  Finish(reason == net::CloseReason::kRemoteReset ? Side::kRemote : Side::kLocal, streams_ > 0);
  pool_.OnConnectionClosed();
}

void HttpConnection::OnWriteBufferHigh() {
  UpstreamConnection::OnWriteBufferHigh();
  codec().OnSendBufferHigh();
}

void HttpConnection::OnWriteBufferLow() {
  UpstreamConnection::OnWriteBufferLow();
  codec().OnSendBufferLow();
}

void HttpConnection::OnPauseReading(bool pause) {
  if (pause == reading_paused_) return;
  reading_paused_ = pause;
  if (pause) {
    traffic().upstream_flow_control_paused_reading_total.Inc();
    net()->PauseReading();
  } else {
    traffic().upstream_flow_control_resumed_reading_total.Inc();
    net()->ResumeReading();
  }
}

void HttpConnection::OnMaxStreams(uint32_t streams) {
  pool_.OnMaxStreams(*this, streams);
  SettleSoon();
}

void HttpConnection::OnGoAway() {
  traffic().upstream_cx_close_notify.Inc();
  if (state_ == State::kReady || state_ == State::kBusy) {
    state_ = State::kDraining;
    pool_.OnBusy(*this);
  }
  SettleSoon();
}

void HttpConnection::OnTimer() {
  if (state_ == State::kClosing) {
    Close(Side::kLocal);
  } else if (streams_ == 0) {
    traffic().upstream_cx_idle_timeout.Inc();
    CloseUnused();
  }
}

void HttpConnection::OnMaxDuration() {
  traffic().upstream_cx_max_duration_reached.Inc();
  Drain();
}

}  // namespace nuncio::upstream
