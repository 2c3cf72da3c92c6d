#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/access_log/response_flags.h"
#include "source/base/clock.h"
#include "source/http/message.h"
#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/net/security_info.h"

namespace nuncio::upstream {
class Host;
}

namespace nuncio::access_log {

// What does not change over the life of a downstream connection. Texts are made once per connection.
struct ConnectionInfo {
  uint64_t id = 0;
  // The client: the other end, or what a proxy before this one says of it.
  net::Address peer;
  std::string peer_text;     // "10.0.0.1:4711"
  std::string peer_ip_text;  // "10.0.0.1"
  // The other end itself.
  net::Address direct_peer;
  // Null for plaintext, and before the end of the handshake; the connection's.
  const net::SecurityInfo* security = nullptr;
  // Why its handshake or what came after it failed; empty where nothing did.
  std::string_view transport_failure;
  // Of the ClientHello, where a listener filter read it.
  std::string requested_server_name;
  std::string ja3;
  std::string ja4;
  // Asked of the kernel only when a log wants it; see StreamInfo::local_address.
  std::string_view filter_chain_name;
  std::string_view listener_name;
  const matcher::Metadata* listener_metadata = nullptr;
  const matcher::Metadata* filter_chain_metadata = nullptr;
};

// Gives the local address of the downstream connection when somebody asks.
class LocalAddressSource {
 public:
  virtual const net::Address& LocalAddress() = 0;

 protected:
  ~LocalAddressSource() = default;
};

// What is known of a stream, or of a connection without HTTP, for logs and value templates. Filled while it lives, read
// at its end. Views point into the stream's arena or into configuration that the stream holds. One worker's.
struct StreamInfo {
  // Moments as times since `start`; negative: has not happened.
  static constexpr Duration kNever{-1};

  SystemTime start_system{};
  MonotonicTime start{};
  Duration request_end = kNever;         // Last byte of the request came.
  Duration upstream_begin = kNever;      // The head was handed to the upstream connection.
  Duration upstream_request_end = kNever;
  Duration response_begin = kNever;      // First byte of the answer from upstream.
  Duration response_end = kNever;        // Its last.
  Duration downstream_begin = kNever;    // First byte handed to the client's connection.
  Duration end = kNever;

  const ConnectionInfo* connection = nullptr;
  LocalAddressSource* local_address = nullptr;
  // The client as x-forwarded-for and the trusted hops tell it; empty: the connection's peer.
  std::string_view remote_ip;

  // Null for what is not HTTP, or never came.
  const http::RequestHead* request = nullptr;
  const http::ResponseHead* response = nullptr;
  const http::HeaderMap* response_trailers = nullptr;
  // The answer's `grpc-status` where a filter took it out of the trailers; else empty.
  std::string_view moved_grpc_status;
  std::string_view original_path;
  uint32_t response_code = 0;
  // Stable snake_case, as Envoy's.
  std::string_view response_code_details;
  std::string_view connection_termination_details;
  ResponseFlags flags;

  // Bytes of bodies, and of bodies with their framing and heads as far as this side saw them.
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;

  std::string_view route_name;
  std::string_view virtual_host_name;
  const matcher::Metadata* route_metadata = nullptr;
  std::string_view upstream_cluster;
  const matcher::Metadata* upstream_cluster_metadata = nullptr;
  // Pinned by the cluster the stream holds.
  const upstream::Host* upstream_host = nullptr;
  // "10.0.0.2:80"; in the stream's arena.
  std::string_view upstream_host_text;
  net::Address upstream_local;
  uint64_t upstream_connection_id = 0;
  // Null for plaintext.
  net::SecurityRef upstream_security;
  std::string_view upstream_failure_reason;
  uint32_t attempts = 0;
  uint64_t stream_id = 0;
};

}  // namespace nuncio::access_log
