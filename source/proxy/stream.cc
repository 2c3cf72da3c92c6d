#include "source/proxy/stream.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/http/h1/errors.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/request_preparation.h"
#include "source/proxy/timeouts.h"
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
  stats.downstream_rq_http1_total.Inc();
  stats.downstream_rq_active.Inc();
  if (const Duration limit = config().request_headers_timeout; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kRequestHead, info_.start + limit);
  }
  if (const Duration limit = config().request_timeout; limit > Duration::zero()) {
    SetDeadline(StreamDeadlines::kRequest, info_.start + limit);
  }
}

Stream::~Stream() = default;

WorkerServices& Stream::services() { return connection_.manager().services(); }
const ConnectionManagerConfig& Stream::config() const { return connection_.manager().config(); }
Duration Stream::Elapsed() const { return connection_.manager().services().loop.now() - info_.start; }

void Stream::SetDeadline(StreamDeadlines::Kind kind, MonotonicTime at) {
  deadlines_.Set(kind, at);
  connection_.OnDeadlineMoved(at);
}

void Stream::OnRequestHead(http::RequestHead& head, bool end_stream) {
  head_ = &head;
  info_.request = &head;
  info_.original_path = head.path;
  deadlines_.Clear(StreamDeadlines::kRequestHead);
  expects_continue_ = EqualsIgnoreCase(head.headers.Value(HeaderId::kExpect), "100-continue");
  if (end_stream) RequestEnded();
  StartTimers();

  const RequestOrigin origin{connection_.info(), connection_, "http", services().node.service_node,
                             services().node.service_cluster};
  const PreparedRequest prepared = PrepareRequest(config(), origin, services().random, head);
  info_.remote_ip = prepared.remote_ip;
  internal_ = prepared.internal;
  if (prepared.dropped_headers > 0) {
    connection_.manager().http1_stats().dropped_headers_with_underscores.Add(prepared.dropped_headers);
  }
  if (prepared.underscore_refused) {
    connection_.manager().http1_stats().requests_rejected_with_underscores_in_headers.Inc();
  }
  switch (prepared.verdict) {
    case PreparedRequest::Verdict::kForward:
      break;
    case PreparedRequest::Verdict::kReject: {
      telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
      if (prepared.status == 405) stats.downstream_rq_connect_refused.Inc();
      if (prepared.status == 403) stats.downstream_rq_upgrade_refused.Inc();
      if (prepared.details == kPathNormalizationFailed) stats.downstream_rq_failed_path_normalization.Inc();
      SendLocalReply(prepared.status, prepared.details, prepared.body);
      return;
    }
    case PreparedRequest::Verdict::kRedirectToNormalizedPath:
      connection_.manager().stats().downstream_rq_redirected_with_normalized_path.Inc();
      info_.response_code_details = kPathNormalizationFailed;
      SendShortAnswer(307, "", arena_.Concat(head.scheme, "://", arena_.Concat(head.authority, head.path)));
      return;
  }
  Route(end_stream);
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

void Stream::Route(bool end_stream) {
  RouteCell& cell = connection_.manager().routes();
  telemetry::RouterStats& router_stats = connection_.manager().router_stats();
  if (!cell.table) {
    router_stats.no_route.Inc();
    info_.flags.Set(ResponseFlag::kNoRouteFound);
    SendLocalReply(404, "route_configuration_not_found", "no route configuration yet");
    return;
  }
  table_ = cell.table;
  if (!internal_) RemoveInternalOnlyHeaders(table_->internal_only_headers(), head_->headers);
  decision_ = route::Decide(*table_, *head_, services().random.Next());
  if (decision_.virtual_host != nullptr) info_.virtual_host_name = decision_.virtual_host->name();
  if (decision_.route != nullptr) {
    info_.route_name = decision_.route->name;
    info_.route_metadata = decision_.route->metadata.get();
  }
  switch (decision_.kind) {
    case route::Decision::Kind::kNoVirtualHost:
    case route::Decision::Kind::kNoRoute:
      router_stats.no_route.Inc();
      info_.flags.Set(ResponseFlag::kNoRouteFound);
      SendLocalReply(404, "route_not_found", "no route matches this request");
      return;
    case route::Decision::Kind::kRedirect: {
      router_stats.rq_redirect.Inc();
      const auto location = route::RedirectLocation(decision_, *head_);
      if (!location.has_value()) {
        SendLocalReply(500, "rewritten_path_too_long", "redirect location too long");
        return;
      }
      info_.response_code_details = "direct_response";
      SendShortAnswer(decision_.route->redirect()->status, "", *location);
      return;
    }
    case route::Decision::Kind::kDirectResponse:
      router_stats.rq_direct_response.Inc();
      info_.response_code_details = "direct_response";
      SendShortAnswer(decision_.route->direct_response()->status, decision_.route->direct_response()->body, "");
      return;
    case route::Decision::Kind::kForward:
      Forward(end_stream);
      return;
  }
}

void Stream::Forward(bool end_stream) {
  telemetry::RouterStats& router_stats = connection_.manager().router_stats();
  router_stats.rq_total.Inc();
  info_.upstream_cluster = decision_.cluster;
  upstream::WorkerClusterRef cluster = services().clusters.Find(decision_.cluster);
  if (!cluster) {
    router_stats.no_cluster.Inc();
    info_.flags.Set(ResponseFlag::kNoClusterFound);
    SendLocalReply(decision_.forward->cluster_not_found_status, "cluster_not_found", "cluster not found");
    return;
  }
  info_.upstream_cluster_metadata = cluster->config().metadata.get();
  const RouteTimeouts timeouts = ComputeTimeouts(config(), *decision_.forward, head_->headers);
  if (!timeouts.valid_headers) {
    info_.flags.Set(ResponseFlag::kInvalidEnvoyRequestHeaders);
    SendLocalReply(400, "request_headers_failed_strict_check", "invalid x-envoy- header");
    return;
  }
  if (!route::RewriteRequest(decision_, format_input_, !config().router.suppress_envoy_headers, *head_)) {
    SendLocalReply(500, "rewritten_path_too_long", "rewritten path too long");
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
  if (request_complete_ && route_timeout_ > Duration::zero()) SetDeadline(StreamDeadlines::kRoute, now + route_timeout_);
  if (expects_continue_ && !config().proxy_100_continue) {
    head_->headers.Remove(HeaderId::kExpect);
    if (head_->protocol != http::Protocol::kHttp10) {
      http::ResponseHead go_on(arena_);
      go_on.status = 100;
      sender_->SendInformational(go_on);
    }
  }
  forwarding_ = true;
  upstream_.Start(std::move(cluster), *head_, end_stream);
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
  if (over_ || !forwarding_) {
    data.Clear();
    return;
  }
  TouchIdle();
  upstream_.SendData(data, end_stream);
}

void Stream::OnTrailers(http::HeaderMap& trailers) {
  RequestEnded();
  if (over_ || !forwarding_) return;
  upstream_.SendTrailers(trailers);
}

void Stream::OnDecodeError(const http::DecodeError& error) {
  if (over_) return;
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  stats.downstream_cx_protocol_error.Inc();
  if (error.status == 431 || error.status == 414) {
    if (error.details == http::h1::kTooManyHeaders.details || error.details == http::h1::kTooManyTrailers.details) {
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

void Stream::OnReset(http::StreamReset /*reset*/, std::string_view details) {
  if (over_) return;
  connection_.manager().stats().downstream_rq_rx_reset.Inc();
  if (info_.response_code == 0 || !response_complete_) {
    info_.flags.Set(ResponseFlag::kDownstreamConnectionTermination);
    if (!details.empty()) {
      info_.response_code_details = details;
    } else if (info_.response_code_details.empty()) {
      info_.response_code_details = "downstream_remote_disconnect";
    }
  }
  upstream_.Cancel();
  Finish();
}

void Stream::OnSendBufferHigh() { upstream_.PauseReading(true); }
void Stream::OnSendBufferLow() { upstream_.PauseReading(false); }

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
    Fail(request_complete_ ? 504 : 408, "max_duration_timeout", "stream duration limit reached",
         forwarding_ ? ResponseFlag::kUpstreamMaxStreamDurationReached : ResponseFlag::kDurationTimeout);
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
  sender_->SendInformational(head);
}

void Stream::SendResponseHead(http::ResponseHead& head, bool end_stream) {
  if (over_) return;
  TouchIdle();
  response_begun_ = true;
  info_.response = &head;
  info_.response_code = head.status;
  if (info_.response_code_details.empty()) info_.response_code_details = "via_upstream";
  info_.downstream_begin = Elapsed();
  FinishResponseHead(head);
  CountResponse(head.status);
  connection_.BeforeResponseHead();
  sender_->SendHead(head, end_stream);
  if (end_stream) ResponseEnded();
}

void Stream::SendResponseData(buffer::Buffer& data, bool end_stream) {
  if (over_) return;
  TouchIdle();
  info_.bytes_sent += data.length();
  sender_->SendData(data, end_stream);
  if (end_stream) ResponseEnded();
}

void Stream::SendResponseTrailers(http::HeaderMap& trailers) {
  if (over_) return;
  info_.response_trailers = &trailers;
  sender_->SendTrailers(trailers);
  ResponseEnded();
}

void Stream::FinishResponseHead(http::ResponseHead& head) {
  http::HeaderMap& headers = head.headers;
  const ConnectionManagerConfig& config = this->config();
  if (decision_.route != nullptr) {
    route::RewriteResponse(decision_, format_input_, headers);
    if (decision_.virtual_host->include_attempt_count_in_response() && info_.attempts > 0) {
      headers.SetReference(HeaderId::kXEnvoyAttemptCount, arena_.Number(info_.attempts));
    }
  }
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
  if (over_) return;
  info_.flags.Set(flag);
  upstream_.Cancel();
  if (!response_begun_) {
    SendLocalReply(status, details, body);
    return;
  }
  // The status is out; only the missing end can tell the client.
  info_.response_code_details = details;
  connection_.manager().stats().downstream_rq_tx_reset.Inc();
  http::ResponseSender* sender = sender_;
  Finish();
  sender->Reset(http::StreamReset::kLocal);
}

void Stream::SendLocalReply(uint32_t status, std::string_view details, std::string_view body) {
  info_.response_code_details = details;
  SendShortAnswer(status, body, "");
}

void Stream::SendShortAnswer(uint32_t status, std::string_view body, std::string_view location) {
  auto* head = new (arena_.Allocate(sizeof(http::ResponseHead), alignof(http::ResponseHead))) http::ResponseHead(arena_);
  head->status = status;
  if (!location.empty()) {
    head->headers.AddReference(HeaderId::kLocation, "location", location);
  }
  head->headers.AddReference(HeaderId::kContentLength, "content-length", arena_.Number(body.size()));
  if (!body.empty()) head->headers.AddReference(HeaderId::kContentType, "content-type", "text/plain");
  if (info_.flags.Has(ResponseFlag::kUpstreamOverflow) && !config().router.suppress_envoy_headers) {
    head->headers.AddReference(HeaderId::kXEnvoyOverloaded, "x-envoy-overloaded", "true");
  }
  const bool no_body = body.empty() || (head_ != nullptr && head_->method == http::Method::kHead);
  if (!request_complete_) connection_.manager().stats().downstream_rq_response_before_rq_complete.Inc();
  SendResponseHead(*head, no_body);
  if (no_body || over_) return;
  buffer::Buffer data(services().slices);
  data.Append(body);
  SendResponseData(data, true);
}

void Stream::ResponseEnded() {
  response_complete_ = true;
  Finish();
}

void Stream::Finish() {
  if (over_) return;
  over_ = true;
  info_.end = Elapsed();
  if (info_.response_end == access_log::StreamInfo::kNever) info_.response_end = info_.end;
  deadlines_.ClearAll();
  telemetry::DownstreamHttpStats& stats = connection_.manager().stats();
  stats.downstream_rq_active.Dec();
  stats.downstream_rq_time.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(info_.end).count()));
  for (const auto& log : connection_.manager().logs()) services().log.Write(*log, info_);
  upstream_.Cancel();
  connection_.OnStreamFinished(*this);
}

}  // namespace nuncio::proxy
