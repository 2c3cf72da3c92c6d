#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/access_log/access_log_config.h"
#include "source/base/clock.h"
#include "source/filter/http_filter_factory.h"
#include "source/http/h1/options.h"
#include "source/http/h2/h2_options.h"
#include "source/http/path.h"
#include "source/net/address.h"
#include "source/proxy/client_certificate_header.h"
#include "source/route/route_table.h"

namespace nuncio::proxy {

// What the router adds to the connection manager's own settings.
struct RouterConfig {
  // Statistics of the cluster by status, and of its times.
  bool dynamic_stats = true;
  bool suppress_envoy_headers = false;
  bool respect_expected_rq_timeout = false;
  // Lower-case names of x-envoy-* request headers whose malformed value is answered with 400.
  std::vector<std::string> strict_check_headers;
};

// A compiled HttpConnectionManager. Immutable; any thread. Durations: zero means no limit.
struct ConnectionManagerConfig {
  enum class ServerHeader : uint8_t { kOverwrite, kAppendIfAbsent, kPassThrough };
  enum class Underscores : uint8_t { kAllow, kReject, kDrop };
  enum class StripPort : uint8_t { kNone, kMatching, kAny };

  // What is spoken with clients. kAuto: as ALPN says, else as their first bytes look.
  enum class Codec : uint8_t { kAuto, kHttp1, kHttp2 };

  std::string stat_prefix;
  Codec codec = Codec::kAuto;

  // Exactly one of the two says where routes come from.
  std::shared_ptr<const route::RouteTable> route_table;
  std::string rds_route_name;

  http::h1::H1Options http1;
  http::h2::H2Options http2;
  // "websocket", "CONNECT": what may follow HTTP on a stream unless the route says otherwise.
  std::vector<route::UpgradeRule> upgrades;
  Underscores underscores = Underscores::kAllow;

  // Limits in time.
  Duration idle_timeout = std::chrono::hours(1);
  Duration max_connection_duration{};
  // Past max_connection_duration only announce the close on the next answer, and never close in between.
  bool safe_max_connection_duration = false;
  Duration max_stream_duration{};
  uint32_t max_requests_per_connection = 0;  // 0: no limit.
  Duration request_headers_timeout = std::chrono::seconds(10);
  Duration request_timeout{};
  Duration stream_idle_timeout = std::chrono::minutes(5);
  Duration delayed_close_timeout = std::chrono::seconds(1);
  Duration drain_timeout = std::chrono::seconds(5);

  // Who the client is.
  bool use_remote_address = false;
  uint32_t xff_trusted_hops = 0;
  bool skip_xff_append = false;
  bool append_x_forwarded_port = false;
  bool unix_sockets_internal = false;
  std::vector<net::CidrRange> internal_ranges;

  // What becomes of a request's x-forwarded-client-cert. Where the client presented no certificate, all but
  // kAlwaysForwardOnly remove it.
  enum class ForwardClientCert : uint8_t { kSanitize, kForwardOnly, kAppendForward, kSanitizeSet, kAlwaysForwardOnly };
  ForwardClientCert forward_client_cert = ForwardClientCert::kSanitize;
  // Of what is added.
  ClientCertificateDetails client_certificate_details;
  bool adds_client_certificate() const {
    return forward_client_cert == ForwardClientCert::kAppendForward ||
           forward_client_cert == ForwardClientCert::kSanitizeSet;
  }

  // Request and answer heads.
  std::string server_name = "envoy";
  ServerHeader server_header = ServerHeader::kOverwrite;
  std::string via;
  bool generate_request_id = true;
  bool preserve_external_request_id = false;
  bool always_set_request_id_in_response = false;
  bool proxy_100_continue = false;
  bool add_user_agent = false;
  // Empty: as received.
  std::string scheme_overwrite;
  // As the upstream's transport is.
  bool scheme_matches_upstream = false;
  StripPort strip_port = StripPort::kNone;
  bool strip_trailing_host_dot = false;

  http::PathNormalization path;

  // Without the router, which is the last of them.
  std::vector<filter::HttpFilterEntry> filters;
  RouterConfig router;
  std::vector<std::shared_ptr<const access_log::AccessLogConfig>> access_logs;
};

}  // namespace nuncio::proxy
