#include "source/control/server/http_endpoint.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "source/base/strings.h"

namespace nuncio::control {
namespace {

constexpr unsigned kMaxConnections = 64;
constexpr unsigned kIdleSeconds = 10;

struct ParsedAddress {
  std::string host;
  bool v6 = false;
  sockaddr_storage storage{};
};

std::optional<ParsedAddress> Parse(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint16_t> port = ParseDecimal<uint16_t>(address.substr(colon + 1));
  if (!port.has_value()) return std::nullopt;
  ParsedAddress parsed;
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    parsed.v6 = true;
  }
  parsed.host = host;
  if (parsed.v6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(*port);
    if (inet_pton(AF_INET6, parsed.host.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(*port);
    if (inet_pton(AF_INET, parsed.host.c_str(), &v4->sin_addr) != 1) return std::nullopt;
  }
  return parsed;
}

MHD_Result Respond(MHD_Connection* connection, const HttpEndpoint::Answer& answer) {
  MHD_Response* response =
      MHD_create_response_from_buffer(answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  if (answer.status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  const MHD_Result result = MHD_queue_response(connection, answer.status, response);
  MHD_destroy_response(response);
  return result;
}

MHD_Result OnRequest(void* endpoint, MHD_Connection* connection, const char* url, const char* method, const char*,
                     const char*, size_t*, void**) {
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
    return Respond(connection, {.status = MHD_HTTP_METHOD_NOT_ALLOWED, .body = "only GET and HEAD\n"});
  }
  return Respond(connection, static_cast<const HttpEndpoint*>(endpoint)->handler()(url));
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Open(const std::string& address, Handler handler) {
  const std::optional<ParsedAddress> parsed = Parse(address);
  if (!parsed.has_value()) {
    return InvalidArgument(StrCat("--http-listen=", address, ": must be IP:PORT, such as 127.0.0.1:18001"));
  }
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(handler)));
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
  if (parsed->v6) flags |= MHD_USE_IPv6;
  errno = 0;
  endpoint->daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, OnRequest, endpoint.get(), MHD_OPTION_SOCK_ADDR,
                                       &parsed->storage, MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
                                       MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
  if (endpoint->daemon_ == nullptr) return ErrnoStatus(errno, StrCat("--http-listen=", address, ": cannot listen"));
  const MHD_DaemonInfo* info = MHD_get_daemon_info(endpoint->daemon_, MHD_DAEMON_INFO_BIND_PORT);
  const std::string host = parsed->v6 ? StrCat("[", parsed->host, "]") : parsed->host;
  endpoint->address_ = StrCat(host, ":", info == nullptr ? 0 : info->port);
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

}  // namespace nuncio::control
