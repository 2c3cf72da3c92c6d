#include "source/upstream/pool/tls_sockets.h"

#include <string>
#include <utility>

#include "source/base/strings.h"
#include "source/tls/secret/tls_config.h"
#include "source/upstream/server_name.h"

namespace nuncio::upstream {
namespace {

std::vector<std::string> Protocols(HandshakeWish::Alpn alpn) {
  switch (alpn) {
    case HandshakeWish::Alpn::kHttp1:
      return {"http/1.1"};
    case HandshakeWish::Alpn::kHttp2:
      return {"h2"};
    case HandshakeWish::Alpn::kBoth:
      return {"h2", "http/1.1"};
    case HandshakeWish::Alpn::kNothing:
      break;
  }
  return {};
}

}  // namespace

TlsSockets::TlsSockets(std::shared_ptr<const ClusterConfig> config, ThreadTlsCells cells, const ClusterScopes& scopes,
                       telemetry::StatsSlot slot)
    : config_(std::move(config)),
      cells_(std::move(cells)),
      scopes_(scopes),
      slot_(slot),
      sessions_(cells_.size()) {
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (cells_[i] == nullptr) continue;
    sessions_[i] = std::make_shared<tls::ClientSessions>();
    if (!stats_.has_value()) stats_.emplace(scopes_.cluster, slot_);
  }
}

TlsSockets::Made TlsSockets::Make(const HandshakeWish& wish, const Host& host, const net::Address& to) {
  if (wish.socket >= cells_.size() || cells_[wish.socket] == nullptr) return {};
  const std::shared_ptr<const tls::ClientContext>& context = cells_[wish.socket]->context;
  if (context == nullptr) {
    scopes_.client_ssl_factory->Get<telemetry::SslSocketFactoryStats>(slot_).upstream_context_secrets_not_ready.Inc();
    return {nullptr, true};
  }
  tls::ClientContext::SocketOptions options = Options(wish, host, to);
  options.stats = &*stats_;
  return {context->NewSocket(std::move(options)), false};
}

tls::ClientContext::SocketOptions TlsSockets::Options(const HandshakeWish& wish, const Host& host,
                                                      const net::Address& to) const {
  const tls::UpstreamTlsConfig& tls = *config_->sockets[wish.socket].tls;
  tls::ClientContext::SocketOptions options;
  if (tls.auto_host_sni) options.sni = host.hostname();
  if (!wish.server_name.empty()) {
    const UpstreamTlsNames& names = *config_->tls_names;
    if (names.auto_sni && !IsAddress(wish.server_name)) options.sni = wish.server_name;
    if (names.auto_san_validation) options.subject_alt_names.emplace_back(wish.server_name);
  }
  if (tls.base.common.alpn.empty()) options.alpn = Protocols(wish.alpn);
  options.sessions = sessions_[wish.socket];
  options.host = host.address_text();
  if (!wish.server_name.empty()) StrAppend(options.host, " ", wish.server_name);
  options.remote = to;
  return options;
}

}  // namespace nuncio::upstream
