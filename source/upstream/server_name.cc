#include "source/upstream/server_name.h"

#include <arpa/inet.h>

#include <optional>

#include "source/http/authority.h"

namespace nuncio::upstream {
namespace {

std::string_view FromRequest(const UpstreamTlsNames& names, const http::RequestHead& head) {
  if (!names.override_header.empty()) {
    const http::HeaderField* field = head.headers.Find(names.override_header);
    if (field != nullptr && !field->value.empty()) return field->value;
  }
  return head.authority;
}

}  // namespace

std::string_view ServerNameFor(const ClusterConfig& config, const http::RequestHead& head) {
  const UpstreamTlsNames& names = *config.tls_names;
  if (!names.any()) [[likely]] return {};
  const std::optional<http::Authority> authority = http::ParseAuthority(FromRequest(names, head));
  if (!authority.has_value()) return {};
  const std::string_view host = authority->bare_host();
  return !names.auto_san_validation && IsAddress(host) ? std::string_view() : host;
}

bool IsAddress(std::string_view server_name) {
  if (server_name.find(':') != std::string_view::npos) return true;
  char text[INET_ADDRSTRLEN] = {};
  if (server_name.size() >= sizeof(text)) return false;
  server_name.copy(text, server_name.size());
  in_addr address;
  return inet_pton(AF_INET, text, &address) == 1;
}

}  // namespace nuncio::upstream
