#include "source/extensions/registry.h"

#include <utility>

#include "source/base/thread_check.h"
#include "source/extensions/listener/original_dst/filter.h"
#include "source/extensions/listener/tls_inspector/filter.h"
#include "source/extensions/network/http_connection_manager/filter.h"
#include "source/extensions/network/sni_cluster/filter.h"
#include "source/extensions/network/tcp_proxy/tcp_proxy.h"
#include "source/extensions/type_names.h"

namespace nuncio::extensions {

std::unique_ptr<filter::TerminalFilter> MakeTerminalFilter(
    const std::shared_ptr<const filter::TerminalFilterConfig>& config, TerminalFilterInputs inputs,
    proxy::WorkerServices& services, ObjectHome& home) {
  if (config->type == kTcpProxy) {
    return std::make_unique<TcpProxy>(std::static_pointer_cast<const TcpProxyConfig>(config), std::move(inputs.logs),
                                      services);
  }
  NUNCIO_ASSERT(config->type == kHttpConnectionManager);
  return MakeHttpConnectionManager(static_cast<const HttpConnectionManagerFilterConfig&>(*config), services,
                                   std::move(inputs.logs), std::move(inputs.routes), home);
}

std::unique_ptr<filter::NetworkFilter> MakeNetworkFilter(
    const std::shared_ptr<const filter::NetworkFilterConfig>& config, proxy::WorkerServices&) {
  NUNCIO_ASSERT(config->type == kSniCluster);
  return std::make_unique<SniCluster>();
}

std::unique_ptr<filter::ListenerFilter> MakeListenerFilter(
    const std::shared_ptr<const filter::ListenerFilterConfig>& config, proxy::WorkerServices& services) {
  if (config->type == kTlsInspector) {
    return std::make_unique<TlsInspector>(config, services.stats, services.slot);
  }
  NUNCIO_ASSERT(config->type == kOriginalDst);
  return std::make_unique<OriginalDst>();
}

}  // namespace nuncio::extensions
