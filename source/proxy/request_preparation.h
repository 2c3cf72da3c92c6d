#pragma once

#include <cstdint>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/base/random.h"
#include "source/http/message.h"
#include "source/net/address.h"
#include "source/proxy/connection_manager_config.h"

// What is done to a request head between codec and route: trust is settled here, and nowhere else.
namespace nuncio::proxy {

// What the preparation needs to know of the connection.
struct RequestOrigin {
  const access_log::ConnectionInfo& connection;
  access_log::LocalAddressSource& local_address;
  // "http" or "https": of the transport.
  std::string_view transport_scheme;
  // What x-forwarded-client-cert says of the client's certificate, where the configuration adds that.
  std::string_view client_certificate;
  std::string_view service_node;
  std::string_view service_cluster;
};

// Response code details of requests refused or redirected for their path.
inline constexpr std::string_view kPathNormalizationFailed = "path_normalization_failed";

struct PreparedRequest {
  enum class Verdict : uint8_t { kForward, kReject, kRedirectToNormalizedPath };
  Verdict verdict = Verdict::kForward;
  // For kReject.
  uint32_t status = 0;
  std::string_view details;
  std::string_view body;
  // The client's address as far as it can be trusted, in the request's arena or the connection's texts.
  std::string_view remote_ip;
  bool internal = false;
  // Fields dropped for an underscore in their name; or the request is refused for one.
  size_t dropped_headers = 0;
  bool underscore_refused = false;
};

// Changes `head` in place. Allocates from its arena only.
PreparedRequest PrepareRequest(const ConnectionManagerConfig& config, const RequestOrigin& origin, Random& random,
                               http::RequestHead& head);

// Fields that only internal clients may set: removed from external requests once the route table is known.
void RemoveInternalOnlyHeaders(const std::vector<route::HeaderName>& names, http::HeaderMap& headers);

// The nth address from the end of an x-forwarded-for value, 0 the last; empty where there are fewer or it is no
// address.
std::string_view XffAddressFromEnd(std::string_view xff, uint32_t n);

}  // namespace nuncio::proxy
