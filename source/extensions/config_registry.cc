#include "source/extensions/config_registry.h"

#include <iterator>
#include <string>
#include <utility>

#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/extensions/listener/original_dst/config.h"
#include "source/extensions/listener/tls_inspector/config.h"
#include "source/extensions/listener/tls_inspector/filter_config.h"
#include "source/extensions/network/http_connection_manager/config.h"
#include "source/extensions/network/sni_cluster/config.h"
#include "source/extensions/network/tcp_proxy/config.h"
#include "source/extensions/type_names.h"

namespace nuncio::extensions {
namespace {

using config::DataSourceAccess;
using config::Faults;
using google::protobuf::Any;

struct NetworkFactory {
  // Of the message, and the extension's own.
  std::string_view type;
  std::string_view name;
  // One of the two.
  std::shared_ptr<filter::NetworkFilterConfig> (*filter)(const Any&, Faults&);
  std::shared_ptr<filter::TerminalFilterConfig> (*terminal)(const Any&, DataSourceAccess, Faults&);
};

constexpr NetworkFactory kNetwork[] = {
    {kHttpConnectionManager, "envoy.filters.network.http_connection_manager", nullptr, CompileHttpConnectionManager},
    {kSniCluster, "envoy.filters.network.sni_cluster", CompileSniCluster, nullptr},
    {kTcpProxy, "envoy.filters.network.tcp_proxy", nullptr, CompileTcpProxy},
};

struct ListenerFactory {
  std::string_view type;
  std::string_view name;
  std::shared_ptr<filter::ListenerFilterConfig> (*compile)(const Any&, Faults&);
};

constexpr ListenerFactory kListener[] = {
    {kOriginalDst, "envoy.filters.listener.original_dst", CompileOriginalDst},
    {kTlsInspector, "envoy.filters.listener.tls_inspector", CompileTlsInspector},
};

template <typename Factories>
auto Find(const Factories& factories, const Any& any) -> decltype(std::begin(factories)) {
  for (const auto& factory : factories) {
    if (config::TypeName(any.type_url()) == factory.type) return &factory;
  }
  return nullptr;
}

template <typename Factories>
void AddUnknown(const Factories& factories, std::string_view kind, std::string_view name, const Any& any,
                Faults& faults) {
  std::string known;
  for (const auto& factory : factories) StrAppend(known, known.empty() ? "" : ", ", factory.name);
  faults.Add(StrCat(kind, " filter ", config::Quote(name), " of type ", config::Quote(any.type_url(), 200),
                    " is not part of this build; known: ", known));
}

}  // namespace

CompiledNetworkFilter CompileNetworkFilter(const Any& any, std::string_view name, DataSourceAccess data_sources,
                                           Faults& faults) {
  CompiledNetworkFilter out;
  const NetworkFactory* factory = Find(kNetwork, any);
  if (factory == nullptr) {
    AddUnknown(kNetwork, "network", name, any, faults);
  } else if (factory->terminal != nullptr) {
    auto terminal = factory->terminal(any, data_sources, faults);
    if (terminal != nullptr) terminal->type = factory->type;
    out.terminal = std::move(terminal);
  } else {
    auto compiled = factory->filter(any, faults);
    if (compiled != nullptr) compiled->type = factory->type;
    out.filter = std::move(compiled);
  }
  return out;
}

std::shared_ptr<const filter::ListenerFilterConfig> CompileListenerFilter(const Any& any, std::string_view name,
                                                                          Faults& faults) {
  const ListenerFactory* factory = Find(kListener, any);
  if (factory == nullptr) {
    AddUnknown(kListener, "listener", name, any, faults);
    return nullptr;
  }
  auto compiled = factory->compile(any, faults);
  if (compiled != nullptr) compiled->type = factory->type;
  return compiled;
}

std::shared_ptr<const filter::ListenerFilterConfig> DefaultTlsInspector() {
  auto out = std::make_shared<TlsInspectorConfig>();
  out->type = kTlsInspector;
  return out;
}

}  // namespace nuncio::extensions
