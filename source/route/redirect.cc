#include "source/route/redirect.h"

namespace nuncio::route {
namespace {

// The host of the request, without its port where the location gets another one, or where the port was the default of
// the scheme that is being left.
std::string_view RequestHost(const http::RequestHead& request, std::string_view new_scheme, bool new_port) {
  const std::string_view host = request.authority;
  size_t port_at = host.rfind(':');
  if (host.starts_with('[')) {
    port_at = host.rfind("]:");
    if (port_at != std::string_view::npos) ++port_at;
  }
  if (port_at == std::string_view::npos) return host;
  if (new_port) return host.substr(0, port_at);
  const std::string_view forwarded = request.headers.Value(http::HeaderId::kXForwardedProto);
  const std::string_view old_scheme = forwarded.empty() ? request.scheme : forwarded;
  const std::string_view port = host.substr(port_at);
  if (new_scheme != old_scheme &&
      ((old_scheme == "https" && port == ":443") || (old_scheme == "http" && port == ":80"))) {
    return host.substr(0, port_at);
  }
  return host;
}

}  // namespace

std::optional<std::string_view> RedirectAction::Location(const http::RequestHead& request, size_t matched) const {
  Arena& arena = request.headers.arena();
  std::string_view target = request.path;
  bool own_query = false;
  if (!path.empty()) {
    own_query = path.find('?') != std::string::npos;
    const std::string_view query = target.substr(WithoutQuery(target).size());
    target = own_query ? std::string_view(path) : arena.Concat(path, query);
  } else if (path_rewrite.has_value()) {
    const std::optional<std::string_view> rewritten = path_rewrite->Apply(target, matched, arena);
    if (!rewritten.has_value()) return std::nullopt;
    target = *rewritten;
  }
  if (strip_query && !own_query) target = target.substr(0, target.find('?'));
  // Without its slash a path would lengthen the host: `foo.com` and `.evil.com`.
  const std::string_view slash = target.starts_with('/') ? "" : "/";

  const std::string_view new_scheme = scheme.empty() ? request.scheme : std::string_view(scheme);
  const std::string_view new_host = host.empty() ? RequestHost(request, new_scheme, !port.empty()) : host;
  if (new_host.empty()) {
    // A client that names no host gets a relative reference, which must not begin with two slashes (RFC 3986 4.2).
    return arena.Concat(target.starts_with("//") ? "/." : slash, target);
  }
  return arena.Concat(arena.Concat(new_scheme, "://", new_host), port, arena.Concat(slash, target));
}

}  // namespace nuncio::route
