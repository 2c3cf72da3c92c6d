#pragma once

#include <string>

#include "source/access_log/stream_info.h"
#include "source/base/arena.h"

namespace nuncio::access_log {

// A request that was served by the cluster `backend`, with everything known that there is to know.
class SampleStream : public LocalAddressSource {
 public:
  SampleStream() : arena_(pool_), request(arena_), response(arena_), trailers(arena_) {
    connection.id = 42;
    connection.peer = *net::Address::FromIp("10.0.0.1", 4711);
    connection.direct_peer = connection.peer;
    connection.peer_text = "10.0.0.1:4711";
    connection.peer_ip_text = "10.0.0.1";
    connection.filter_chain_name = "main-chain";

    request.method_text = "GET";
    request.method = http::Method::kGet;
    request.path = "/new?x=1";
    request.authority = "example.com";
    request.scheme = "http";
    request.headers.Add("User-Agent", "curl/8.0 \"quoted\"");
    request.headers.Add("x-forwarded-for", "192.0.2.7");
    request.headers.Add("X-Request-Id", "abc-123");
    request.headers.Add("x-many", "one");
    request.headers.Add("x-many", "two");
    response.status = 200;
    response.headers.Add("x-envoy-upstream-service-time", "7");
    response.headers.Add("Content-Type", "text/plain");
    trailers.Add("grpc-status", "5");

    info.start_system = SystemTime(std::chrono::seconds(1767323045) + std::chrono::milliseconds(678));
    info.start = MonotonicTime(std::chrono::hours(1));
    info.request_end = std::chrono::microseconds(1500);
    info.upstream_begin = std::chrono::milliseconds(2);
    info.upstream_request_end = std::chrono::milliseconds(3);
    info.response_begin = std::chrono::milliseconds(10);
    info.response_end = std::chrono::milliseconds(19);
    info.downstream_begin = std::chrono::milliseconds(11);
    info.end = std::chrono::milliseconds(20);
    info.connection = &connection;
    info.local_address = this;
    info.request = &request;
    info.response = &response;
    info.response_trailers = &trailers;
    info.original_path = "/old?x=1";
    info.response_code = 200;
    info.response_code_details = "via_upstream";
    info.bytes_received = 12;
    info.bytes_sent = 3456;
    info.route_name = "home";
    info.virtual_host_name = "all";
    info.upstream_cluster = "backend";
    info.upstream_host_text = "10.0.0.2:80";
    info.upstream_local = *net::Address::FromIp("10.0.0.9", 55555);
    info.upstream_connection_id = 7;
    info.attempts = 1;
    info.stream_id = 99;
  }

  const net::Address& LocalAddress() override { return local_; }

 private:
  ArenaBlockPool pool_;
  Arena arena_;
  net::Address local_ = *net::Address::FromIp("127.0.0.1", 8080);

 public:
  ConnectionInfo connection;
  http::RequestHead request;
  http::ResponseHead response;
  http::HeaderMap trailers;
  StreamInfo info;
};

}  // namespace nuncio::access_log
