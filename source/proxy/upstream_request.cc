#include "source/proxy/upstream_request.h"

#include <utility>

#include "source/http/grpc/status.h"
#include "source/http/hop_by_hop.h"
#include "source/proxy/connection_manager_config.h"
#include "source/proxy/stream.h"
#include "source/proxy/upgrade.h"
#include "source/upstream/host.h"
#include "source/upstream/server_name.h"

namespace nuncio::proxy {

using access_log::ResponseFlag;
using http::HeaderId;
using http::StreamReset;

UpstreamRequest::~UpstreamRequest() { Cancel(); }

Arena& UpstreamRequest::arena() { return stream_.arena(); }

void UpstreamRequest::Start(upstream::WorkerClusterRef cluster, http::RequestHead& head, bool end_stream,
                            bool terminate) {
  cluster_ = std::move(cluster);
  head_ = &head;
  if (head.is_tunnel()) [[unlikely]] tunnel_ = Tunnel::kAsked;
  terminate_ = terminate;
  head_ends_ = request_ended_ = end_stream;
  server_name_ = upstream::ServerNameFor(cluster_->config(), head);
  Attempt(/*fresh_connection=*/false);
}

void UpstreamRequest::Attempt(bool fresh_connection) {
  state_ = State::kWaiting;
  keep_body_ = false;
  connection_ = nullptr;
  ++stream_.info().attempts;
  host_ = cluster_->PickHost();
  if (!host_) {
    cluster_->traffic().upstream_cx_none_healthy.Inc();
    CountStatus(503);
    FailStream(503, "no_healthy_upstream", "no healthy upstream", ResponseFlag::kNoHealthyUpstream);
    return;
  }
  const route::Decision& decision = stream_.decision();
  if (decision.forward->auto_host_rewrite() && !host_->hostname().empty()) {
    const std::string_view name = stream_.arena().Copy(host_->hostname());
    if (stream_.info().attempts == 1) {
      route::RewriteHost(decision, name, *head_);
    } else {
      // `x-forwarded-host` tells what the client asked for, not where an earlier attempt went.
      head_->authority = name;
    }
  }
  if (decision.virtual_host->include_request_attempt_count()) {
    head_->headers.SetReference(HeaderId::kXEnvoyAttemptCount, stream_.arena().Number(stream_.info().attempts));
  }
  stream_.info().upstream_host = host_.get();
  stream_.info().upstream_host_text = stream_.arena().Copy(host_->address_text());
  if (terminate_) [[unlikely]] {
    ConnectTunnel();
    return;
  }
  upstream::StreamWish wish;
  wish.priority = Priority();
  wish.fresh_connection = fresh_connection;
  wish.client_protocol = head_->protocol;
  wish.server_name = server_name_;
  cluster_->NewStream(*host_, wish, *this, *this, pending_);
}

void UpstreamRequest::OnStreamReady(http::RequestSender& sender, const upstream::StreamConnection& connection) {
  connection_ = &connection;
  reused_ = connection.reused;
  access_log::StreamInfo& info = stream_.info();
  info.upstream_local = connection.local;
  info.upstream_connection_id = connection.connection_id;
  info.upstream_security = connection.security;
  if (stream_.config().scheme_matches_upstream) head_->scheme = connection.security ? "https" : "http";
  BeginSending(sender);
  cluster_->traffic().upstream_rq_total.Inc();
  if (tunnel_ != Tunnel::kNone && connection.protocol != http::Protocol::kHttp2) [[unlikely]] {
    CompleteWebSocketRequest(*head_, stream_.services().random);
  }
  sender_->SendHead(*head_, head_ends_);
  if (sender_ == nullptr) return;
  // The client's side may have filled up while the request waited for its connection; resuming will be told of once.
  if (upstream_paused_) sender_->PauseReading(true);
  if (request_ended_ && tunnel_ == Tunnel::kNone) info.upstream_request_end = info.upstream_begin;
  if (head_ends_ || tunnel_ != Tunnel::kNone) return;
  keep_body_ = connection.protocol == http::Protocol::kHttp2 && info.attempts < kMaxAttempts;
  // First, because what is sent now may fill the host's side, which pauses again.
  PauseDownstream(false);
  const bool ends = request_ended_ && held_trailers_ == nullptr;
  if (!held_body_.empty() || ends) SendHeld(ends);
  if (held_trailers_ != nullptr && sender_ != nullptr) sender_->SendTrailers(*held_trailers_);
}

void UpstreamRequest::SendHeld(bool ends) {
  body_given_ = true;
  keep_body_ = keep_body_ && held_body_.length() <= kMaxKeptBody;
  if (!keep_body_) {
    sender_->SendData(held_body_, ends);
    return;
  }
  buffer::Buffer copy(stream_.services().slices);
  held_body_.ForEachRun([&](std::string_view run) { copy.Append(run); });
  sender_->SendData(copy, ends);
}

void UpstreamRequest::KeepCopy(const buffer::Buffer& data) {
  if (held_body_.length() + data.length() > kMaxKeptBody) {
    keep_body_ = false;
    held_body_.Clear();
    return;
  }
  data.ForEachRun([&](std::string_view run) { held_body_.Append(run); });
}

void UpstreamRequest::BeginSending(http::RequestSender& sender) {
  sender_ = &sender;
  state_ = State::kSending;
  stream_.info().upstream_begin = stream_.Elapsed();
  attempt_began_ = stream_.services().loop.now();
}

void UpstreamRequest::ConnectTunnel() {
  upstream::PoolFailure failure{};
  connecting_tunnel_ =
      TcpTunnel::Connect(stream_.services().loop, cluster_, *host_, Priority(), *this, *this, failure);
  if (connecting_tunnel_ == nullptr) OnStreamFailed(failure, {}, *host_);
}

void UpstreamRequest::OnTunnelReady(TcpTunnel& tunnel) {
  connecting_tunnel_ = nullptr;
  stream_.info().upstream_local = tunnel.connection().local();
  stream_.info().upstream_connection_id = tunnel.connection_id();
  stream_.info().upstream_security = net::MakeSecurityRef(tunnel.connection().shared_security());
  BeginSending(tunnel);
  if (upstream_paused_) sender_->PauseReading(true);
  tunnel.Accept();
}

void UpstreamRequest::OnTunnelFailed(upstream::PoolFailure failure, std::string_view details) {
  connecting_tunnel_ = nullptr;
  OnStreamFailed(failure, details, *host_);
}

void UpstreamRequest::OnStreamFailed(upstream::PoolFailure failure, std::string_view details,
                                     const upstream::Host& host) {
  stream_.info().upstream_failure_reason = stream_.arena().Copy(details);
  // The host left the cluster while the request waited for a connection: nothing was sent, so any other host will do.
  if (failure == upstream::PoolFailure::kTermination && stream_.info().attempts == 1) {
    Attempt(/*fresh_connection=*/false);
    return;
  }
  // What was not answered counts as a 503 of the cluster, as its users see one.
  CountStatus(503);
  host.stats(stream_.services().slot).rq_error.Inc();
  switch (failure) {
    case upstream::PoolFailure::kOverflow:
      FailStream(503, "upstream_reset_before_response_started{overflow}",
                 "upstream connect error or disconnect/reset before headers. reset reason: overflow",
                 ResponseFlag::kUpstreamOverflow);
      return;
    case upstream::PoolFailure::kConnectFailure:
      FailStream(503, "upstream_reset_before_response_started{connection_failure}",
                 "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
                 ResponseFlag::kUpstreamConnectionFailure);
      return;
    case upstream::PoolFailure::kConnectTimeout:
      FailStream(503, "upstream_reset_before_response_started{connection_timeout}",
                 "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
                 ResponseFlag::kUpstreamConnectionFailure);
      return;
    case upstream::PoolFailure::kTermination:
      FailStream(503, "upstream_reset_before_response_started{connection_termination}",
                 "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
                 ResponseFlag::kUpstreamConnectionTermination);
      return;
  }
}

void UpstreamRequest::SendData(buffer::Buffer& data, bool end_stream) {
  if (state_ == State::kDone) return;
  if (end_stream) request_ended_ = true;
  if (sender_ != nullptr && tunnel_ != Tunnel::kAsked) {
    body_given_ = true;
    if (keep_body_) KeepCopy(data);
    sender_->SendData(data, end_stream);
    if (!end_stream) return;
    stream_.info().upstream_request_end = stream_.Elapsed();
    if (tunnel_ == Tunnel::kHalfClosed && sender_ != nullptr) Ended();
    return;
  }
  held_body_.MoveFrom(data);
  if (held_body_.length() > cluster_->config().per_connection_buffer_limit_bytes) PauseDownstream(true);
}

void UpstreamRequest::SendTrailers(http::HeaderMap& trailers) {
  if (state_ == State::kDone) return;
  request_ended_ = true;
  if (tunnel_ != Tunnel::kNone) [[unlikely]] {
    buffer::Buffer none(stream_.services().slices);
    SendData(none, true);
  } else if (sender_ != nullptr) {
    body_given_ = true;
    if (keep_body_) held_trailers_ = &trailers;
    stream_.info().upstream_request_end = stream_.Elapsed();
    sender_->SendTrailers(trailers);
  } else {
    held_trailers_ = &trailers;
  }
}

void UpstreamRequest::PauseReading(bool pause) {
  if (pause == upstream_paused_) return;
  upstream_paused_ = pause;
  if (sender_ != nullptr) sender_->PauseReading(pause);
}

void UpstreamRequest::PauseDownstream(bool pause) {
  if (pause == downstream_paused_ || stream_.over()) return;
  downstream_paused_ = pause;
  stream_.PauseDownstream(pause);
}

void UpstreamRequest::OnSendBufferHigh() {
  cluster_->traffic().upstream_flow_control_backed_up_total.Inc();
  PauseDownstream(true);
}

void UpstreamRequest::OnSendBufferLow() {
  cluster_->traffic().upstream_flow_control_drained_total.Inc();
  PauseDownstream(false);
}

void UpstreamRequest::OnInformational(http::ResponseHead& head) {
  if (head.status == 100 && !stream_.expects_continue()) return;
  // Answered by the proxy itself already.
  if (head.status == 100 && !stream_.config().proxy_100_continue) return;
  http::StripHopByHop(head.headers);
  stream_.SendInformational(head);
}

void UpstreamRequest::OnResponseHead(http::ResponseHead& head, bool end_stream) {
  state_ = State::kReceiving;
  if (keep_body_) {
    keep_body_ = false;
    held_body_.Clear();
  }
  access_log::StreamInfo& info = stream_.info();
  info.response_begin = stream_.Elapsed();
  telemetry::ClusterTrafficStats& traffic = cluster_->traffic();
  CountStatus(static_cast<int>(head.status));
  if (info.attempts > 1) traffic.upstream_rq_retry_success.Inc();
  CountHead(head, end_stream);
  if (tunnel_ == Tunnel::kAsked) [[unlikely]] AcceptTunnel(head);
  if (tunnel_ == Tunnel::kNone && !head_->upgrade.empty() && head_->protocol == http::Protocol::kHttp2 &&
      head.status / 100 == 2) [[unlikely]] {
    // RFC 8441 5: to the client it would say that the tunnel stands.
    stream_.Fail(502, "upgrade_failed", "the upstream did not switch protocols", ResponseFlag::kUpstreamProtocolError);
    return;
  }
  const std::string_view upgrade = tunnel_ == Tunnel::kOpen ? head.headers.Value(HeaderId::kUpgrade) : "";
  http::StripHopByHop(head.headers);
  if (!upgrade.empty()) [[unlikely]] head.headers.SetReference(HeaderId::kUpgrade, upgrade);
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(stream_.services().loop.now() - attempt_began_).count();
  if (!stream_.config().router.suppress_envoy_headers) {
    head.headers.SetReference(HeaderId::kXEnvoyUpstreamServiceTime,
                              stream_.arena().Number(static_cast<uint64_t>(took)));
  }
  if (tunnel_ == Tunnel::kOpen) [[unlikely]] {
    OpenTunnel();
    if (state_ == State::kDone) return;
  }
  if (end_stream) EndAnswer();
  stream_.SendResponseHead(head, end_stream);
}

void UpstreamRequest::OnData(buffer::Buffer& data, bool end_stream) {
  if (end_stream) EndAnswer();
  stream_.SendResponseData(data, end_stream);
}

void UpstreamRequest::CountHead(const http::ResponseHead& head, bool end_stream) {
  grpc_pending_ = head.status < 500 && http::grpc::IsGrpcContentType(head_->headers.Value(HeaderId::kContentType));
  if (!grpc_pending_) {
    CountForHost(head.status < 500);
  } else if (end_stream) {
    CountTrailers(head.headers);
  }
}

void UpstreamRequest::CountTrailers(const http::HeaderMap& trailers) {
  if (!std::exchange(grpc_pending_, false)) return;
  const http::HeaderField* status = trailers.Find(HeaderId::kGrpcStatus);
  CountForHost(status != nullptr && !http::grpc::IsServerFault(http::grpc::ParseStatusCode(status->value)));
}

void UpstreamRequest::CountForHost(bool success) {
  auto& stats = host_->stats(stream_.services().slot);
  (success ? stats.rq_success : stats.rq_error).Inc();
}

void UpstreamRequest::AcceptTunnel(http::ResponseHead& head) {
  if (proxy::AcceptsTunnel(*head_, head.status)) {
    tunnel_ = Tunnel::kOpen;
    CompleteWebSocketAnswer(*head_, head.headers);
    return;
  }
  // Refused: an ordinary answer to a request without a body.
  tunnel_ = Tunnel::kNone;
  held_body_.Clear();
}

void UpstreamRequest::OpenTunnel() {
  if (!held_body_.empty() || request_ended_) {
    body_given_ = true;
    sender_->SendData(held_body_, request_ended_);
  }
  PauseDownstream(false);
}

void UpstreamRequest::EndAnswer() {
  if (tunnel_ == Tunnel::kOpen && !request_ended_) [[unlikely]] {
    tunnel_ = Tunnel::kHalfClosed;
    stream_.info().response_end = stream_.Elapsed();
  } else {
    Ended();
  }
}

void UpstreamRequest::OnTrailers(http::HeaderMap& trailers) {
  CountTrailers(trailers);
  EndAnswer();
  stream_.SendResponseTrailers(trailers);
}

void UpstreamRequest::Ended() {
  access_log::StreamInfo& info = stream_.info();
  info.response_end = stream_.Elapsed();
  if (stream_.config().router.dynamic_stats) {
    cluster_->traffic().upstream_rq_time.Record(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(stream_.services().loop.now() - attempt_began_).count()));
  }
  ReturnRetry();
  state_ = State::kDone;
  sender_ = nullptr;
}

upstream::RoutingPriority UpstreamRequest::Priority() const {
  return static_cast<upstream::RoutingPriority>(stream_.decision().forward->priority);
}

void UpstreamRequest::ReturnRetry() {
  if (std::exchange(retrying_, false)) cluster_->ReturnRetry(Priority());
}

void UpstreamRequest::CountStatus(int status) {
  cluster_->traffic().upstream_rq_completed.Inc();
  if (stream_.config().router.dynamic_stats) cluster_->traffic().upstream_rq.Inc(status);
}

bool UpstreamRequest::MayRepeat(StreamReset reset, std::string_view details) const {
  if (state_ != State::kSending) return false;
  // RFC 9113 8.7: a refused stream was not processed, whatever its method. A host that reloads may refuse it on a
  // connection that was there and on one that its old process still took.
  const bool refused = reset == StreamReset::kRemoteRefused;
  // A connection that waited in the pool may have been closed by the host while the request was on its way.
  const bool lost = reset == StreamReset::kConnectionClosed && details == http::kConnectionTermination && reused_ &&
                    http::IsIdempotent(head_->method);
  if (!refused && !lost) return false;
  if (stream_.info().attempts >= (refused ? kMaxAttempts : kMaxAttemptsWhenLost)) {
    cluster_->traffic().upstream_rq_retry_limit_exceeded.Inc();
    return false;
  }
  // The request is needed whole: none of its body may have gone into a connection that is lost, unless it was kept.
  if (body_given_ && !(refused && keep_body_)) {
    stream_.router_stats().rq_retry_skipped_request_not_complete.Inc();
    return false;
  }
  return true;
}

void UpstreamRequest::OnReset(StreamReset reset, std::string_view details) {
  sender_ = nullptr;
  telemetry::ClusterTrafficStats& traffic = cluster_->traffic();
  if (reset == StreamReset::kRemote || reset == StreamReset::kRemoteRefused) traffic.upstream_rq_rx_reset.Inc();
  if (MayRepeat(reset, details)) {
    ReturnRetry();
    // What the host did not begin is no load to it: many streams at once that a GOAWAY refuses all go on elsewhere.
    const bool refused = reset == StreamReset::kRemoteRefused;
    if (refused || cluster_->TakeRetry(Priority())) {
      retrying_ = !refused;
      traffic.upstream_rq_retry.Inc();
      // What died on a connection that had lain idle may meet the same on the next one of the pool.
      Attempt(/*fresh_connection=*/reset == StreamReset::kConnectionClosed);
      return;
    }
    traffic.upstream_rq_retry_overflow.Inc();
  }
  host_->stats(stream_.services().slot).rq_error.Inc();
  if (state_ == State::kReceiving) {
    stream_.router_stats().rq_reset_after_downstream_response_started.Inc();
  } else {
    CountStatus(reset == StreamReset::kProtocolError ? 502 : 503);
  }
  if (reset == StreamReset::kConnectionClosed && connection_ != nullptr) {
    stream_.info().upstream_failure_reason = stream_.arena().Copy(connection_->transport_failure);
  }
  switch (reset) {
    case StreamReset::kProtocolError:
    case StreamReset::kLimit:
      FailStream(502, details.empty() ? "upstream_reset_before_response_started{protocol_error}" : details,
                 "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
                 ResponseFlag::kUpstreamProtocolError);
      return;
    case StreamReset::kRemote:
    case StreamReset::kRemoteRefused:
      FailStream(503, "upstream_reset_before_response_started{remote_reset}",
                 "upstream connect error or disconnect/reset before headers. reset reason: remote reset",
                 ResponseFlag::kUpstreamRemoteReset);
      return;
    case StreamReset::kLocal:
    case StreamReset::kConnectError:
      FailStream(503, "upstream_reset_before_response_started{local_reset}",
                 "upstream connect error or disconnect/reset before headers. reset reason: local reset",
                 ResponseFlag::kLocalReset);
      return;
    case StreamReset::kConnectionClosed:
      FailStream(503, "upstream_reset_before_response_started{connection_termination}",
                 "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
                 ResponseFlag::kUpstreamConnectionTermination);
      return;
  }
}

void UpstreamRequest::FailStream(uint32_t status, std::string_view details, std::string_view body, ResponseFlag flag) {
  const bool begun = state_ == State::kReceiving;
  state_ = State::kDone;
  sender_ = nullptr;
  ReturnRetry();
  stream_.Fail(status, begun ? "upstream_reset_after_response_started" : details, body, flag);
}

void UpstreamRequest::OnTimeout() {
  if (!active()) return;
  cluster_->traffic().upstream_rq_timeout.Inc();
  if (state_ != State::kReceiving) CountStatus(504);
  if (host_) host_->stats(stream_.services().slot).rq_timeout.Inc();
}

void UpstreamRequest::OnMaxDuration() {
  if (active()) cluster_->traffic().upstream_rq_max_duration_reached.Inc();
}

void UpstreamRequest::Cancel() {
  if (!active()) return;
  state_ = State::kDone;
  ReturnRetry();
  pending_.Cancel();
  if (TcpTunnel* tunnel = std::exchange(connecting_tunnel_, nullptr)) tunnel->Reset(StreamReset::kLocal);
  held_body_.Clear();
  if (http::RequestSender* sender = std::exchange(sender_, nullptr); sender != nullptr) {
    cluster_->traffic().upstream_rq_tx_reset.Inc();
    sender->Reset(StreamReset::kLocal);
  }
}

}  // namespace nuncio::proxy
