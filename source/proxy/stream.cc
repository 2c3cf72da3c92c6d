#include "source/proxy/stream.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/http/h1/errors.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/local_answer.h"
#include "source/proxy/request_preparation.h"
#include "source/proxy/timeouts.h"
#include "source/proxy/upgrade.h"
#include "source/upstream/worker_clusters.h"

namespace nuncio::proxy {

using access_log::ResponseFlag;
using http::HeaderId;

Stream::Stream(DownstreamConnection& connection, http::ResponseSender& sender)
    : connection_(connection),
      sender_(&sender),
      arena_(connection.manager().services().arena_blocks),
      format_input_(info_),
      upstream_(*this, connection.manager().services().slices) {
  WorkerServices& services = this->services();
  info_.start = services.loop.now();
  info_.start_system = services.loop.SystemNow();
  info_.connection = &connection.info();
  info_.local_address = &connection;
  info_.stream_id = ++services.last_id;
  telemetry::DownstreamHttpStats& stats = connection.manager().stats();
  stats.downstream_rq_total.Inc();
  (connection.http2() ? stats.downstream_rq_http2_total : stats.downstream_rq_http1_total).Inc();
  stats.downstream_rq_active.Inc();
  if (const Duration limit = config().request_headers_timeout; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kRequestHead, info_.start + limit);
  }
  if (const Duration limit = config().request_timeout; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kRequest, info_.start + limit);
  }
}

Stream::~Stream() {
  if (chain_ != nullptr) chain_->~HttpFilterChain();
}

WorkerServices& Stream::services() { return connection_.manager().services(); }
const ConnectionManagerConfig& Stream::config() const { return connection_.manager().config(); }
telemetry::RouterStats& Stream::router_stats() { return connection_.manager().router_stats(); }
Duration Stream::Elapsed() const { return connection_.manager().services().loop.now() - info_.start; }

void Stream::SetDeadline(StreamDeadlines::Kind kind, MonotonicTime at) {
  deadlines_.Set(kind, at);
  connection_.OnDeadlineMoved(*this, at);
}

void Stream::OnRequestHead(http::RequestHead& head, bool end_stream) {
  head_ = &head;
  info_.request = &head;
  info_.original_path = head.path;
  deadlines_.Clear(StreamDeadlines::kRequestHead);
  expects_continue_ = EqualsIgnoreCase(head.headers.Value(HeaderId::kExpect), "100-continue");
  if (end_stream) RequestEnded();
  StartTimers();

  const RequestOrigin origin{connection_.info(),           connection_,
                             connection_.scheme(),         connection_.client_certificate(),
                             services().node.service_node, services().node.service_cluster};
  const PreparedRequest prepared = PrepareRequest(config(), origin, services().random, head);
  info_.remote_ip = prepared.remote_ip;
  internal_ = prepared.internal;
  if (prepared.dropped_headers > 0 || prepared.underscore_refused) [[unlikely]] CountUnderscores(prepared);
  switch (prepared.verdict) {
    case PreparedRequest::Verdict::kForward:
      break;
    case PreparedRequest::Verdict::kReject: {
      telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
      if (prepared.details == kPathNormalizationFailed) stats.downstream_rq_failed_path_normalization.Inc();
      SendLocalReply({.status = prepared.status, .details = prepared.details, .body = prepared.body});
      return;
    }
    case PreparedRequest::Verdict::kRedirectToNormalizedPath:
      connection_.manager().stats().downstream_rq_redirected_with_normalized_path.Inc();
      Redirect(307, kPathNormalizationFailed,
               arena_.Concat(head.scheme, "://", arena_.Concat(head.authority, head.path)));
      return;
  }
  DecideRoute();
  MakeFilterChain();
  if (chain_ != nullptr) {
    chain_->request().OnHead(head, end_stream);
  } else {
    OnFilteredRequestHead(head, end_stream);
  }
}

void Stream::CountUnderscores(const PreparedRequest& prepared) {
  const auto count = [&prepared](auto& stats) {
    stats.dropped_headers_with_underscores.Add(prepared.dropped_headers);
    if (prepared.underscore_refused) stats.requests_rejected_with_underscores_in_headers.Inc();
  };
  if (connection_.http2()) {
    count(connection_.manager().downstream_http2_stats());
  } else {
    count(connection_.manager().http1_stats());
  }
}

void Stream::StartTimers() {
  const MonotonicTime now = services().loop.now();
  if (const Duration limit = config().max_stream_duration; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kMaxDuration, now + limit);
  }
  if (const Duration limit = config().stream_idle_timeout; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kIdle, now + limit);
  }
}

void Stream::DecideRoute() {
  const RouteCell& cell = connection_.manager().routes();
  if (!cell.table) return;
  table_ = cell.table;
  if (!internal_) RemoveInternalOnlyHeaders(table_->internal_only_headers(), head_->headers);
  decision_ = route::Decide(*table_, *head_, services().random.Next());
  if (decision_.virtual_host != nullptr) info_.virtual_host_name = decision_.virtual_host->name();
  if (decision_.route != nullptr) {
    info_.route_name = decision_.route->name;
    info_.route_metadata = decision_.route->metadata.get();
  }
}

void Stream::MakeFilterChain() {
  const std::vector<filter::HttpFilterEntry>& entries = config().filters;
  for (size_t i = 0; i < entries.size(); ++i) {
    const filter::FilterChoice choice = filter::ChooseFilter(entries[i], decision_);
    if (!choice.enabled) continue;
    if (chain_ == nullptr) {
      void* const place = arena_.Allocate(sizeof(filter::HttpFilterChain), alignof(filter::HttpFilterChain));
      chain_ = new (place) filter::HttpFilterChain(*this, arena_, services().slices, entries.size() - i,
                                                   connection_.buffer_limit());
    }
    chain_->Add(*connection_.manager().filters()[i], choice.settings);
  }
}

void Stream::OnFilteredRequestHead(http::RequestHead& /*head*/, bool end_stream) {
  if (!table_) {
    router_stats().no_route.Inc();
    SendLocalReply({.status = 404,
                    .details = "route_configuration_not_found",
                    .body = "no route configuration yet",
                    .flag = ResponseFlag::kNoRouteFound});
    return;
  }
  if (head_->is_tunnel() && !AdmitTunnel()) [[unlikely]] return;
  switch (decision_.kind) {
    case route::Decision::Kind::kNoVirtualHost:
    case route::Decision::Kind::kNoRoute:
      router_stats().no_route.Inc();
      SendLocalReply({.status = 404,
                      .details = "route_not_found",
                      .body = "no route matches this request",
                      .flag = ResponseFlag::kNoRouteFound});
      return;
    case route::Decision::Kind::kRequireTls:
      if (head_->authority.empty()) {
        SendLocalReply({.status = 400, .details = "missing_host_header", .body = "the request names no host"});
        return;
      }
      [[fallthrough]];
    case route::Decision::Kind::kRedirect: {
      router_stats().rq_redirect.Inc();
      const auto location = route::RedirectLocation(decision_, *head_);
      if (!location.has_value()) {
        SendLocalReply(
            {.status = 500, .details = "rewritten_path_too_long", .body = "redirect location too long"});
        return;
      }
      Redirect(decision_.route == nullptr ? 301 : decision_.route->redirect()->status, "direct_response", *location);
      return;
    }
    case route::Decision::Kind::kDirectResponse:
      router_stats().rq_direct_response.Inc();
      SendLocalReply({.status = decision_.route->direct_response()->status,
                      .details = "direct_response",
                      .body = decision_.route->direct_response()->body});
      return;
    case route::Decision::Kind::kForward:
      Forward(end_stream);
      return;
  }
}

bool Stream::AdmitTunnel() {
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  const TunnelVerdict verdict = DecideTunnel(config(), decision_, *head_);
  if (verdict != TunnelVerdict::kRefuse) {
    terminate_connect_ = verdict == TunnelVerdict::kTerminate;
    upgrade_counted_ = true;
    stats.downstream_cx_upgrades_total.Inc();
    stats.downstream_cx_upgrades_active.Inc();
    // Neither half of a tunnel ends soon: the times of a request are no use to it.
    deadlines_.Clear(StreamDeadlines::kRequest);
    return true;
  }
  if (head_->method == http::Method::kConnect) {
    stats.downstream_rq_connect_refused.Inc();
    SendLocalReply({.status = 405, .details = "connect_not_allowed", .body = "CONNECT not allowed"});
  } else {
    // RFC 9110 7.8: it may be ignored; but its client would wait for a protocol that it does not get, so it is told.
    stats.downstream_rq_upgrade_refused.Inc();
    SendLocalReply({.status = 403, .details = "upgrade_failed", .body = "upgrade not allowed"});
  }
  return false;
}

void Stream::OnTunnelAccepted() {
  tunnel_ = true;
  route_timeout_ = Duration::zero();
  deadlines_.Clear(StreamDeadlines::kRoute);
}

void Stream::Forward(bool end_stream) {
  router_stats().rq_total.Inc();
  info_.upstream_cluster = decision_.cluster;
  upstream::WorkerClusterRef cluster = services().clusters.Find(decision_.cluster);
  if (!cluster) {
    router_stats().no_cluster.Inc();
    SendLocalReply({.status = decision_.forward->cluster_not_found_status,
                    .details = "cluster_not_found",
                    .body = "cluster not found",
                    .flag = ResponseFlag::kNoClusterFound});
    return;
  }
  info_.upstream_cluster_metadata = cluster->config().metadata.get();
  const RouteTimeouts timeouts = ComputeTimeouts(config(), *decision_.forward, head_->headers);
  if (!timeouts.valid_headers) {
    SendLocalReply({.status = 400,
                    .details = "request_headers_failed_strict_check",
                    .body = "invalid x-envoy- header",
                    .flag = ResponseFlag::kInvalidEnvoyRequestHeaders});
    return;
  }
  if (!route::RewriteRequest(decision_, format_input_, !config().router.suppress_envoy_headers, *head_)) {
    SendLocalReply({.status = 500, .details = "rewritten_path_too_long", .body = "rewritten path too long"});
    return;
  }
  timeouts.WriteHeaders(config(), head_->headers);
  const MonotonicTime now = services().loop.now();
  if (timeouts.idle.has_value()) {
    deadlines_.Clear(StreamDeadlines::kIdle);
    if (*timeouts.idle > Duration::zero()) SetDeadline(StreamDeadlines::kIdle, now + *timeouts.idle);
  }
  if (timeouts.max_duration.has_value()) {
    deadlines_.Clear(StreamDeadlines::kMaxDuration);
    if (*timeouts.max_duration > Duration::zero()) {
      SetDeadline(StreamDeadlines::kMaxDuration, info_.start + *timeouts.max_duration);
    }
  }
  if (const Duration limit = cluster->config().http.max_stream_duration; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kMaxDuration, std::min(deadlines_.at(StreamDeadlines::kMaxDuration), now + limit));
  }
  idle_timeout_ = timeouts.idle.value_or(config().stream_idle_timeout);
  route_timeout_ = timeouts.route;
  if ((request_complete_ || head_->is_tunnel()) && route_timeout_ > Duration::zero()) {
    SetDeadline(StreamDeadlines::kRoute, now + route_timeout_);
  }
  if (expects_continue_ && !config().proxy_100_continue) {
    head_->headers.Remove(HeaderId::kExpect);
    if (head_->protocol != http::Protocol::kHttp10) {
      http::ResponseHead go_on(arena_);
      go_on.status = 100;
      sender_->SendInformational(go_on);
    }
  }
  forwarding_ = true;
  upstream_.Start(std::move(cluster), *head_, end_stream, terminate_connect_);
}

void Stream::RequestEnded() {
  request_complete_ = true;
  info_.request_end = Elapsed();
  deadlines_.Clear(StreamDeadlines::kRequest);
  if (route_timeout_ > Duration::zero()) SetDeadline(StreamDeadlines::kRoute, services().loop.now() + route_timeout_);
}

void Stream::TouchIdle() {
  if (idle_timeout_ > Duration::zero()) SetDeadline(StreamDeadlines::kIdle, services().loop.now() + idle_timeout_);
}

void Stream::OnData(buffer::Buffer& data, bool end_stream) {
  info_.bytes_received += data.length();
  if (end_stream) RequestEnded();
  if (over_) {
    data.Clear();
    return;
  }
  TouchIdle();
  if (chain_ != nullptr) {
    chain_->request().OnData(data, end_stream);
  } else {
    OnFilteredRequestData(data, end_stream);
  }
}

void Stream::OnFilteredRequestData(buffer::Buffer& data, bool end_stream) {
  if (forwarding_) upstream_.SendData(data, end_stream);
  data.Clear();
  if (end_stream) EndTunnel();
}

void Stream::OnTrailers(http::HeaderMap& trailers) {
  RequestEnded();
  if (over_) return;
  if (chain_ != nullptr) {
    chain_->request().OnTrailers(trailers);
  } else {
    OnFilteredRequestTrailers(trailers);
  }
}

void Stream::OnFilteredRequestTrailers(http::HeaderMap& trailers) {
  if (forwarding_) upstream_.SendTrailers(trailers);
  EndTunnel();
}

void Stream::EndTunnel() {
  if (tunnel_ && response_complete_) Finish();
}

void Stream::OnDecodeError(const http::DecodeError& error) {
  if (over_) return;
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  if (!connection_.http2()) stats.downstream_cx_protocol_error.Inc();
  if (error.status == 431 || error.status == 414) {
    if (error.details.ends_with("too_many_headers") || error.details.ends_with("too_many_trailers")) {
      stats.downstream_rq_too_many_headers.Inc();
    } else {
      stats.downstream_rq_headers_too_large.Inc();
    }
  } else if (error.details == http::h1::kHttp2Preface.details) {
    stats.downstream_rq_http2_preface_refused.Inc();
  } else {
    stats.downstream_rq_invalid_framing.Inc();
  }
  info_.flags.Set(ResponseFlag::kDownstreamProtocolError);
  // Nothing more comes that could be read: the exchange ends here whatever is said of it.
  Fail(error.status, error.details, error.status == 431 ? "request headers too large or too many" : "malformed request",
       ResponseFlag::kDownstreamProtocolError);
}

void Stream::OnReset(http::StreamReset reset, std::string_view details) {
  if (over_) return;
  const bool at_fault = reset == http::StreamReset::kProtocolError || reset == http::StreamReset::kLimit;
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  (at_fault ? stats.downstream_rq_invalid_framing : stats.downstream_rq_rx_reset).Inc();
  if (info_.response_code == 0 || !response_complete_) {
    info_.flags.Set(at_fault ? ResponseFlag::kDownstreamProtocolError
                             : ResponseFlag::kDownstreamConnectionTermination);
    if (!details.empty()) {
      info_.response_code_details = details;
    } else if (info_.response_code_details.empty()) {
      info_.response_code_details = "downstream_remote_disconnect";
    }
  }
  upstream_.Cancel();
  Finish();
}

void Stream::OnSendBufferHigh() {
  client_is_slow_ = true;
  upstream_.PauseReading(true);
}

void Stream::OnSendBufferLow() {
  client_is_slow_ = false;
  upstream_.PauseReading(filters_are_slow_);
}

void Stream::PauseResponse(bool pause) {
  filters_are_slow_ = pause;
  upstream_.PauseReading(pause || client_is_slow_);
}

void Stream::PauseDownstream(bool pause) {
  if (!over_) sender_->PauseReading(pause);
}

void Stream::OnDeadline(MonotonicTime now) {
  if (over_) return;
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  if (deadlines_.Due(StreamDeadlines::kRequestHead, now)) {
    stats.downstream_rq_header_timeout.Inc();
    Fail(408, "request_header_timeout", "request header timeout", ResponseFlag::kDurationTimeout);
  } else if (deadlines_.Due(StreamDeadlines::kRequest, now)) {
    stats.downstream_rq_timeout.Inc();
    Fail(408, "request_overall_timeout", "request timeout", ResponseFlag::kDurationTimeout);
  } else if (deadlines_.Due(StreamDeadlines::kMaxDuration, now)) {
    stats.downstream_rq_max_duration_reached.Inc();
    if (forwarding_) upstream_.OnMaxDuration();
    SendLocalReply({.status = request_complete_ ? 504u : 408u,
                    .details = "max_duration_timeout",
                    .body = "stream duration limit reached",
                    .flag = forwarding_ ? ResponseFlag::kUpstreamMaxStreamDurationReached
                                        : ResponseFlag::kDurationTimeout,
                    .grpc_status = http::grpc::StatusCode::kDeadlineExceeded});
  } else if (deadlines_.Due(StreamDeadlines::kRoute, now)) {
    upstream_.OnTimeout();
    Fail(504, response_begun_ ? "upstream_response_timeout" : "response_timeout", "upstream request timeout",
         ResponseFlag::kUpstreamRequestTimeout);
  } else if (deadlines_.Due(StreamDeadlines::kIdle, now)) {
    stats.downstream_rq_idle_timeout.Inc();
    Fail(request_complete_ ? 504 : 408, "stream_idle_timeout", "stream timeout", ResponseFlag::kStreamIdleTimeout);
  }
}

void Stream::SendInformational(http::ResponseHead& head) {
  if (over_ || response_begun_ || head_->protocol == http::Protocol::kHttp10) return;
  TouchIdle();
  if (chain_ != nullptr) {
    chain_->OnInformational(head);
  } else {
    OnFilteredInformational(head);
  }
}

void Stream::OnFilteredInformational(http::ResponseHead& head) { sender_->SendInformational(head); }

void Stream::SendResponseHead(http::ResponseHead& head, bool end_stream) {
  if (over_) return;
  TouchIdle();
  RewriteResponseHead(head);
  if (chain_ != nullptr) {
    chain_->response().OnHead(head, end_stream);
  } else {
    OnFilteredResponseHead(head, end_stream);
  }
}

void Stream::OnFilteredResponseHead(http::ResponseHead& head, bool end_stream) {
  response_begun_ = true;
  info_.response = &head;
  info_.response_code = head.status;
  if (info_.response_code_details.empty()) info_.response_code_details = "via_upstream";
  info_.downstream_begin = Elapsed();
  if (head_ != nullptr && head_->is_tunnel() && AcceptsTunnel(*head_, head.status)) [[unlikely]] OnTunnelAccepted();
  FinishResponseHead(head);
  CountResponse(head.status);
  connection_.BeforeResponseHead();
  sender_->SendHead(head, end_stream);
  if (end_stream) {
    ResponseEnded();
  } else if (connection_.sends_from_kernel() && (chain_ == nullptr || !chain_->response().WantsBody())) {
    upstream_.LeaveBodyInKernel();
  }
}

void Stream::SendResponseData(buffer::Buffer& data, bool end_stream) {
  if (over_) return;
  TouchIdle();
  if (chain_ != nullptr) {
    chain_->response().OnData(data, end_stream);
  } else {
    OnFilteredResponseData(data, end_stream);
  }
}

void Stream::OnFilteredResponseData(buffer::Buffer& data, bool end_stream) {
  info_.bytes_sent += data.length();
  sender_->SendData(data, end_stream);
  if (end_stream) ResponseEnded();
}

void Stream::SendResponseTrailers(http::HeaderMap& trailers) {
  if (over_) return;
  if (chain_ != nullptr) {
    chain_->response().OnTrailers(trailers);
  } else {
    OnFilteredResponseTrailers(trailers);
  }
}

void Stream::OnFilteredResponseTrailers(http::HeaderMap& trailers) {
  info_.response_trailers = &trailers;
  sender_->SendTrailers(trailers);
  ResponseEnded();
}

void Stream::RewriteResponseHead(http::ResponseHead& head) {
  if (decision_.route == nullptr) return;
  route::RewriteResponse(decision_, format_input_, head.headers);
  if (decision_.virtual_host->include_attempt_count_in_response() && info_.attempts > 0) {
    head.headers.SetReference(HeaderId::kXEnvoyAttemptCount, arena_.Number(info_.attempts));
  }
}

void Stream::FinishResponseHead(http::ResponseHead& head) {
  http::HeaderMap& headers = head.headers;
  const ConnectionManagerConfig& config = this->config();
  switch (config.server_header) {
    case ConnectionManagerConfig::ServerHeader::kOverwrite:
      headers.SetReference(HeaderId::kServer, config.server_name);
      break;
    case ConnectionManagerConfig::ServerHeader::kAppendIfAbsent:
      if (!headers.Has(HeaderId::kServer)) headers.SetReference(HeaderId::kServer, config.server_name);
      break;
    case ConnectionManagerConfig::ServerHeader::kPassThrough:
      break;
  }
  // RFC 9110 6.6.1: a recipient with a clock adds the date that the origin left out.
  if (!headers.Has(HeaderId::kDate)) {
    headers.SetReference(HeaderId::kDate, arena_.Copy(services().date.At(services().loop.SystemNow())));
  }
  if (!config.via.empty()) {
    std::string_view via;
    headers.SetReference(HeaderId::kVia,
                         headers.Joined("via", &via) ? arena_.Concat(via, ", ", config.via) : config.via);
  }
  if (config.always_set_request_id_in_response && head_ != nullptr && head_->headers.Has(HeaderId::kXRequestId)) {
    headers.SetReference(HeaderId::kXRequestId, head_->headers.Value(HeaderId::kXRequestId));
  }
}

void Stream::CountResponse(uint32_t status) {
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  stats.downstream_rq_completed.Inc();
  switch (status / 100) {
    case 1: stats.downstream_rq_1xx.Inc(); break;
    case 2: stats.downstream_rq_2xx.Inc(); break;
    case 3: stats.downstream_rq_3xx.Inc(); break;
    case 4: stats.downstream_rq_4xx.Inc(); break;
    default: stats.downstream_rq_5xx.Inc(); break;
  }
}

void Stream::Fail(uint32_t status, std::string_view details, std::string_view body, ResponseFlag flag) {
  SendLocalReply({.status = status, .details = details, .body = body, .flag = flag});
}

void Stream::OnRequestTooLarge() {
  connection_.manager().stats().downstream_rq_too_large.Inc();
  SendLocalReply({.status = 413, .details = "request_payload_too_large", .body = "Payload Too Large"});
}

void Stream::OnResponseTooLarge() {
  router_stats().rs_too_large.Inc();
  SendLocalReply({.status = 500, .details = "response_payload_too_large", .body = "Internal Server Error"});
}

void Stream::SendLocalReply(const filter::LocalReply& reply) {
  if (over_) return;
  if (reply.flag.has_value()) info_.flags.Set(*reply.flag);
  upstream_.Cancel();
  if (!response_begun_) {
    SendAnswer(reply, /*may_be_grpc=*/true);
    return;
  }
  // The status is out; only the missing end can tell the client.
  info_.response_code_details = reply.details;
  connection_.manager().stats().downstream_rq_tx_reset.Inc();
  http::ResponseSender* sender = sender_;
  Finish();
  sender->Reset(terminate_connect_ ? http::StreamReset::kConnectError : http::StreamReset::kLocal);
}

void Stream::Redirect(uint32_t status, std::string_view details, std::string_view location) {
  const std::pair<std::string_view, std::string_view> header("location", location);
  SendAnswer({.status = status, .details = details, .headers = {&header, 1}}, /*may_be_grpc=*/false);
}

void Stream::SendAnswer(const filter::LocalReply& reply, bool may_be_grpc) {
  info_.response_code_details = reply.details;
  const LocalAnswer answer = MakeLocalAnswer(reply, may_be_grpc, head_, arena_);
  if (info_.flags.Has(ResponseFlag::kUpstreamOverflow) && !config().router.suppress_envoy_headers) {
    answer.head->headers.AddReference(HeaderId::kXEnvoyOverloaded, "x-envoy-overloaded", "true");
  }
  if (!request_complete_) connection_.manager().stats().downstream_rq_response_before_rq_complete.Inc();
  RewriteResponseHead(*answer.head);
  bool filtered = false;
  if (chain_ != nullptr) {
    chain_->request().Close();
    filtered = !chain_->response().begun();
    if (!filtered) chain_->response().Close();
  }
  const bool ends = answer.body.empty();
  if (filtered) {
    chain_->response().OnHead(*answer.head, ends);
  } else {
    OnFilteredResponseHead(*answer.head, ends);
  }
  if (ends || over_) return;
  buffer::Buffer data(services().slices);
  data.Append(answer.body);
  if (filtered) {
    chain_->response().OnData(data, true);
  } else {
    OnFilteredResponseData(data, true);
  }
}

void Stream::ResponseEnded() {
  response_complete_ = true;
  // A tunnel's other half goes on; the client may send what it has.
  if (tunnel_ && !request_complete_) [[unlikely]] return;
  Finish();
}

void Stream::Finish() {
  if (over_) return;
  over_ = true;
  if (chain_ != nullptr) chain_->End();
  info_.end = Elapsed();
  if (info_.response_end == access_log::StreamInfo::kNever) info_.response_end = info_.end;
  deadlines_.ClearAll();
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  stats.downstream_rq_active.Dec();
  if (upgrade_counted_) stats.downstream_cx_upgrades_active.Dec();
  stats.downstream_rq_time.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(info_.end).count()));
  for (const auto& log : connection_.manager().logs()) services().log.Write(*log, info_);
  upstream_.Cancel();
  connection_.OnStreamFinished(*this);
}

}  // namespace nuncio::proxy
