#include "source/extensions/network/tcp_proxy/config.h"

#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/access_log/config.h"
#include "source/config/converters.h"
#include "source/config/typed_config.h"
#include "source/extensions/network/tcp_proxy/filter_config.h"

namespace nuncio::extensions {
namespace {

using config::DurationField;
using envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

void ReadClusters(const TcpProxy& message, TcpProxyConfig& out, config::Faults& faults) {
  if (message.has_cluster()) {
    if (message.cluster().empty()) faults.Add("cluster", "required: where to forward to (is empty)");
    out.clusters.push_back({message.cluster(), 1});
    return;
  }
  uint64_t sum = 0;
  for (const auto& cluster : message.weighted_clusters().clusters()) {
    sum += cluster.weight();
    out.clusters.push_back({cluster.name(), sum});
  }
  if (sum > UINT32_MAX) faults.Add("weighted_clusters.clusters", "the sum of the weights must fit 32 bits");
}

void ReadLongestLife(const TcpProxy& message, TcpProxyConfig& out, config::Faults& faults) {
  out.max_connection_duration =
      DurationField(message.has_max_downstream_connection_duration(), message.max_downstream_connection_duration(),
                    "max_downstream_connection_duration", Duration::zero(), faults);
  if (!message.has_max_downstream_connection_duration_jitter_percentage()) return;
  config::Faults::Scope scope(faults, "max_downstream_connection_duration_jitter_percentage");
  if (!message.has_max_downstream_connection_duration()) {
    faults.Add("needs max_downstream_connection_duration, of which it is a share");
  }
  const config::Fraction share =
      config::ToFraction(message.max_downstream_connection_duration_jitter_percentage(), faults);
  out.max_duration_jitter = out.max_connection_duration / share.denominator * share.numerator;
}

}  // namespace

std::shared_ptr<filter::TerminalFilterConfig> CompileTcpProxy(const google::protobuf::Any& any,
                                                              config::DataSourceAccess data_sources,
                                                              config::Faults& faults) {
  const size_t faults_before = faults.count();
  TcpProxy message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  auto out = std::make_shared<TcpProxyConfig>();
  out->stat_prefix = message.stat_prefix();
  ReadClusters(message, *out, faults);
  out->idle_timeout = DurationField(message.has_idle_timeout(), message.idle_timeout(), "idle_timeout",
                                    out->idle_timeout, faults);
  ReadLongestLife(message, *out, faults);
  if (message.has_max_connect_attempts()) out->max_connect_attempts = message.max_connect_attempts().value();
  const auto& log = message.access_log_options();
  out->log_interval = DurationField(log.has_access_log_flush_interval(), log.access_log_flush_interval(),
                                    "access_log_options.access_log_flush_interval", Duration::zero(), faults);
  out->log_on_connected = log.flush_access_log_on_connected();
  out->log_on_start = log.flush_access_log_on_start();
  out->access_logs = access_log::CompileAccessLogs(message.access_log(), "access_log", data_sources, faults);
  if (faults.count() != faults_before) return nullptr;
  return out;
}

}  // namespace nuncio::extensions
