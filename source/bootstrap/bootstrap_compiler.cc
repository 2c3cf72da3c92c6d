#include "source/bootstrap/bootstrap_compiler.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/regex_engines/v3/google_re2.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "source/access_log/config.h"
#include "source/base/strings.h"
#include "source/base/version.h"
#include "source/config/config_source_reader.h"
#include "source/config/converters.h"
#include "source/config/typed_config.h"
#include "source/config/yaml_loader.h"
#include "source/listener/listener_compiler.h"
#include "source/matcher/config.h"
#include "source/route/cluster_check.h"
#include "source/tls/context_compiler.h"
#include "source/upstream/cluster_compiler.h"

namespace nuncio::bootstrap {
namespace {

using config::Faults;
using envoy::config::bootstrap::v3::Bootstrap;

std::shared_ptr<const std::string> BytesOf(const google::protobuf::Message& message) {
  return std::make_shared<const std::string>(message.SerializeAsString());
}

void FillNode(const Options& options, envoy::config::core::v3::Node& node) {
  if (!options.service_node.empty()) node.set_id(options.service_node);
  if (!options.service_cluster.empty()) node.set_cluster(options.service_cluster);
  if (!options.service_zone.empty()) node.mutable_locality()->set_zone(options.service_zone);
  // Control planes tell proxies apart by these.
  node.set_user_agent_name("nuncio");
  node.set_user_agent_version(std::string(kVersion));
}

void ReadStatic(const Bootstrap& message, BootstrapConfig& out, Faults& faults) {
  Faults::Scope scope(faults, "static_resources");
  std::set<std::string> names;
  for (int i = 0; i < message.static_resources().clusters_size(); ++i) {
    Faults::Scope each(faults, "clusters", static_cast<size_t>(i));
    const auto& cluster = message.static_resources().clusters(i);
    if (!names.insert(cluster.name()).second) {
      faults.Add("name", StrCat("a second cluster named ", config::Quote(cluster.name())));
    }
    if (auto compiled = upstream::CompileCluster(cluster, config::DataSourceAccess::kRead, faults);
        compiled != nullptr) {
      out.clusters.push_back({std::move(compiled), BytesOf(cluster)});
    }
  }
  names.clear();
  for (int i = 0; i < message.static_resources().secrets_size(); ++i) {
    Faults::Scope each(faults, "secrets", static_cast<size_t>(i));
    const auto& secret = message.static_resources().secrets(i);
    if (!names.insert(secret.name()).second) {
      faults.Add("name", StrCat("a second secret named ", config::Quote(secret.name())));
    }
    if (auto compiled = tls::CompileSecret(secret, config::DataSourceAccess::kRead, faults); compiled != nullptr) {
      out.secrets.push_back({std::move(compiled), BytesOf(secret)});
    }
  }
  names.clear();
  for (int i = 0; i < message.static_resources().listeners_size(); ++i) {
    Faults::Scope each(faults, "listeners", static_cast<size_t>(i));
    const auto& listener = message.static_resources().listeners(i);
    auto compiled = listener::CompileListener(listener, config::DataSourceAccess::kRead, faults);
    if (compiled == nullptr) continue;
    if (!names.insert(compiled->name).second) {
      faults.Add("name", StrCat("a second listener named ", config::Quote(compiled->name)));
    }
    out.listeners.push_back({std::move(compiled), BytesOf(listener)});
  }
}

// Routes of static listeners name clusters that are there: Envoy's default, which catches misspelt names at start. With
// discovery of clusters the names may come later.
void CheckRouteClusters(const BootstrapConfig& config, bool dynamic_clusters, Faults& faults) {
  const auto known = [&](std::string_view name) {
    for (const auto& cluster : config.clusters) {
      if (cluster.config->name == name) return true;
    }
    return false;
  };
  const auto check = [&](const listener::FilterChainConfig& chain) {
    if (chain.http == nullptr) return;
    const auto& table = chain.http->manager->route_table;
    if (table == nullptr || !table->validate_clusters().value_or(!dynamic_clusters)) return;
    route::FindUnknownClusters(*table, known, [&](std::string_view cluster, const std::string& where) {
      faults.Add(StrCat("filters[", chain.terminal_index(), "].typed_config.route_config.", where),
                 StrCat("no cluster is named ", config::Quote(cluster)));
    });
  };
  Faults::Scope scope(faults, "static_resources");
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    Faults::Scope listener(faults, "listeners", i);
    for (size_t c = 0; c < config.listeners[i].config->chains.size(); ++c) {
      Faults::Scope chain(faults, "filter_chains", c);
      check(*config.listeners[i].config->chains[c]);
    }
    if (config.listeners[i].config->default_chain != nullptr) {
      Faults::Scope chain(faults, "default_filter_chain");
      check(*config.listeners[i].config->default_chain);
    }
  }
}

bool AsksForSecrets(const upstream::ClusterConfig& cluster) {
  for (const auto& socket : cluster.sockets) {
    if (socket.tls == nullptr) continue;
    for (const tls::SecretUse* use : socket.tls->uses()) {
      if (use->source.has_value() && !std::holds_alternative<config::FileSource>(use->source->kind)) return true;
    }
  }
  return false;
}

// Clusters that the start of discovery needs, and the shared stream where it is asked for.
class SourceChecker {
 public:
  SourceChecker(const BootstrapConfig& config, Faults& faults) : config_(config), faults_(faults) {}

  // `grpc_path` leads from the current path to the gRPC service.
  void CheckTarget(const config::GrpcSource& source, std::string_view grpc_path) {
    const std::string& name = source.target.cluster;
    if (name.empty()) return;  // A fault already.
    const auto field = StrCat(grpc_path, "grpc_services[0].envoy_grpc.cluster_name");
    for (const auto& cluster : config_.clusters) {
      if (cluster.config->name != name) continue;
      if (cluster.config->eds != nullptr &&
          !std::holds_alternative<config::FileSource>(cluster.config->eds->source.kind)) {
        faults_.Add(field, StrCat(config::Quote(name),
                                  " gets its endpoints by discovery itself, from a control plane that "
                                  "could then never be reached"));
      }
      if (AsksForSecrets(*cluster.config)) {
        faults_.Add(field, StrCat(config::Quote(name),
                                  " gets secrets of its TLS from a control plane, which could then "
                                  "never be reached; a file can hold them"));
      }
      return;
    }
    faults_.Add(field, StrCat("no cluster of static_resources is named ", config::Quote(name)));
  }

  void Check(const config::ConfigSource& source) {
    if (const auto* grpc = std::get_if<config::GrpcSource>(&source.kind)) {
      CheckTarget(*grpc, "api_config_source.");
    } else if (std::holds_alternative<config::AdsSource>(source.kind) && !config_.ads.has_value()) {
      faults_.Add("ads", "needs dynamic_resources.ads_config, which is not set");
    }
  }

  // The secrets that a transport socket names, and the context that they make where all are known; `socket` is its
  // place. Null: plain TCP.
  template <typename Config>
  void CheckTls(const std::shared_ptr<const Config>& tls, std::string_view socket) {
    if (tls == nullptr) return;
    Faults::Scope scope(faults_, StrCat(socket, ".typed_config"));
    tls::ContextSecrets secrets;
    bool complete = true;
    for (const tls::SecretUse* use : tls->uses()) {
      secrets.push_back(use->inlined != nullptr ? use->inlined : FindSecret(*use));
      complete = complete && secrets.back() != nullptr;
    }
    if (complete && tls->ready == nullptr) tls::CheckContext(*tls, secrets, faults_);
  }

 private:
  // Null where it is discovered, or with a fault.
  std::shared_ptr<const tls::Secret> FindSecret(const tls::SecretUse& use) {
    Faults::Scope scope(faults_, use.path());
    if (use.source.has_value()) {
      Faults::Scope source(faults_, "sds_config");
      Check(*use.source);
      return nullptr;
    }
    for (const auto& secret : config_.secrets) {
      if (secret.config->name != use.name) continue;
      if (secret.config->kind() == use.kind) return secret.config;
      faults_.Add("name", StrCat("the secret ", config::Quote(use.name), " is a ", tls::NameOf(secret.config->kind()),
                                 ", no ", tls::NameOf(use.kind)));
      return nullptr;
    }
    faults_.Add("name", StrCat("no secret of static_resources is named ", config::Quote(use.name),
                               "; one by discovery needs sds_config"));
    return nullptr;
  }

  const BootstrapConfig& config_;
  Faults& faults_;
};

// Without faults in the rest: messages and what they compiled to stand at the same places.
void CheckSources(const BootstrapConfig& config, Faults& faults) {
  SourceChecker checker(config, faults);
  if (config.ads.has_value() || config.lds.has_value() || config.cds.has_value()) {
    Faults::Scope dynamic(faults, "dynamic_resources");
    if (config.ads.has_value()) {
      Faults::Scope each(faults, "ads_config");
      checker.CheckTarget(*config.ads, "");
    }
    if (config.lds.has_value()) {
      Faults::Scope each(faults, "lds_config");
      checker.Check(*config.lds);
    }
    if (config.cds.has_value()) {
      Faults::Scope each(faults, "cds_config");
      checker.Check(*config.cds);
    }
  }
  Faults::Scope scope(faults, "static_resources");
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    Faults::Scope each(faults, "clusters", i);
    const auto& sockets = config.clusters[i].config->sockets;
    for (size_t s = 0; s < sockets.size(); ++s) {
      checker.CheckTls(sockets[s].tls,
                       s == 0 ? "transport_socket" : StrCat("transport_socket_matches[", s - 1, "].transport_socket"));
    }
    if (config.clusters[i].config->eds == nullptr) continue;
    Faults::Scope eds(faults, "eds_cluster_config.eds_config");
    checker.Check(config.clusters[i].config->eds->source);
  }
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    Faults::Scope each(faults, "listeners", i);
    const auto check = [&](const listener::FilterChainConfig& chain) {
      checker.CheckTls(chain.tls, "transport_socket");
      if (chain.http == nullptr || !chain.http->rds.has_value()) return;
      Faults::Scope rds(faults, StrCat("filters[", chain.terminal_index(), "].typed_config.rds.config_source"));
      checker.Check(*chain.http->rds);
    };
    for (size_t c = 0; c < config.listeners[i].config->chains.size(); ++c) {
      Faults::Scope chain(faults, "filter_chains", c);
      check(*config.listeners[i].config->chains[c]);
    }
    if (config.listeners[i].config->default_chain != nullptr) {
      Faults::Scope chain(faults, "default_filter_chain");
      check(*config.listeners[i].config->default_chain);
    }
  }
}

// Whether something is asked of a control plane.
bool AsksControlPlane(const BootstrapConfig& config) {
  const auto asks = [](const config::ConfigSource& source) {
    return !std::holds_alternative<config::FileSource>(source.kind);
  };
  if (config.ads.has_value() || (config.lds.has_value() && asks(*config.lds)) ||
      (config.cds.has_value() && asks(*config.cds))) {
    return true;
  }
  const auto secrets_ask = [&](const tls::TlsConfig* tls) {
    if (tls == nullptr) return false;
    const auto uses = tls->uses();
    return std::any_of(uses.begin(), uses.end(),
                       [&](const tls::SecretUse* use) { return use->source.has_value() && asks(*use->source); });
  };
  for (const auto& cluster : config.clusters) {
    if (cluster.config->eds != nullptr && asks(cluster.config->eds->source)) return true;
    for (const auto& socket : cluster.config->sockets) {
      if (secrets_ask(socket.tls.get())) return true;
    }
  }
  const auto chain_asks = [&](const listener::FilterChainConfig& chain) {
    if (secrets_ask(chain.tls.get())) return true;
    return chain.http != nullptr && chain.http->rds.has_value() && asks(*chain.http->rds);
  };
  for (const auto& each : config.listeners) {
    for (const auto& chain : each.config->chains) {
      if (chain_asks(*chain)) return true;
    }
    if (each.config->default_chain != nullptr && chain_asks(*each.config->default_chain)) return true;
  }
  return false;
}

// SO_REUSEPORT would let two listeners share an address, and connections go to either.
void CheckAddresses(const BootstrapConfig& config, Faults& faults) {
  std::map<std::string, std::string> taken;  // Whose the address is.
  if (config.admin.has_value() && config.admin->address.address.port() != 0) {
    taken.emplace(config.admin->address.address.ToString(), "the admin interface");
  }
  Faults::Scope scope(faults, "static_resources");
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const listener::ListenerConfig& each = *config.listeners[i].config;
    if (!each.bind_to_port) continue;
    Faults::Scope listener(faults, "listeners", i);
    for (size_t a = 0; a < each.addresses.size(); ++a) {
      const net::Address& address = each.addresses[a].address;
      // A port of 0 is chosen by the kernel, each time another.
      if (address.is_ip() && address.port() == 0) continue;
      const auto [at, is_new] = taken.emplace(address.ToString(), StrCat("listener ", config::Quote(each.name)));
      if (is_new) continue;
      faults.Add(a == 0 ? "address" : StrCat("additional_addresses[", a - 1, "].address"),
                 StrCat(address.ToString(), " is that of ", at->second, " already"));
    }
  }
}

void ReadDynamic(const Bootstrap& message, BootstrapConfig& out, Faults& faults) {
  const auto& dynamic = message.dynamic_resources();
  Faults::Scope scope(faults, "dynamic_resources");
  if (dynamic.has_ads_config()) {
    Faults::Scope each(faults, "ads_config");
    out.ads = config::ReadApiConfigSource(dynamic.ads_config(), faults);
  }
  if (dynamic.has_lds_config()) {
    Faults::Scope each(faults, "lds_config");
    out.lds = config::ReadConfigSource(dynamic.lds_config(), faults);
  }
  if (dynamic.has_cds_config()) {
    Faults::Scope each(faults, "cds_config");
    out.cds = config::ReadConfigSource(dynamic.cds_config(), faults);
  }
}

void ReadAdmin(const envoy::config::bootstrap::v3::Admin& message, BootstrapConfig& out, Faults& faults) {
  Faults::Scope scope(faults, "admin");
  AdminConfig admin;
  if (message.has_address()) {
    Faults::Scope address(faults, "address");
    admin.address.address = listener::ReadAddress(message.address(), &admin.address, faults);
  } else {
    faults.Add("address", "required: where the admin interface listens");
  }
  admin.address.reuse_port = false;
  admin.address.socket_options = listener::ReadSocketOptions(message.socket_options(), faults);
  admin.ignore_global_limit = message.ignore_global_conn_limit();
  auto logs = message.access_log();
  if (!message.access_log_path().empty()) {
    envoy::extensions::access_loggers::file::v3::FileAccessLog file;
    file.set_path(message.access_log_path());
    auto* log = logs.Add();
    log->set_name("envoy.access_loggers.file");
    log->mutable_typed_config()->PackFrom(file);
  }
  admin.access_logs = access_log::CompileAccessLogs(logs, "access_log", config::DataSourceAccess::kRead, faults);
  if (message.allow_paths_size() > 0) {
    std::vector<matcher::StringMatcher> paths;
    for (int i = 0; i < message.allow_paths_size(); ++i) {
      Faults::Scope each(faults, "allow_paths", static_cast<size_t>(i));
      if (auto path = matcher::CompileStringMatcher(message.allow_paths(i), faults)) paths.push_back(*std::move(path));
    }
    admin.allow_paths.emplace(std::move(paths));
  }
  out.admin = std::move(admin);
}

void ReadStats(const envoy::config::metrics::v3::StatsConfig& message, BootstrapConfig& out, Faults& faults) {
  Faults::Scope scope(faults, "stats_config");
  std::vector<telemetry::TagRules::Rule> rules;
  for (const auto& tag : message.stats_tags()) {
    telemetry::TagRules::Rule rule;
    rule.tag = tag.tag_name();
    if (tag.has_regex()) rule.regex = tag.regex();
    if (tag.has_fixed_value()) rule.fixed_value = tag.fixed_value();
    rules.push_back(std::move(rule));
  }
  auto compiled = telemetry::TagRules::Create(
      std::move(rules), !message.has_use_all_default_tags() || message.use_all_default_tags().value());
  if (compiled.ok()) {
    out.tag_rules = *std::move(compiled);
  } else {
    // "stats_tags[2].regex: what is wrong": the path below this message first.
    const std::string_view text = ToStd(compiled.status().message());
    const size_t colon = text.find(": ");
    if (colon == std::string_view::npos) {
      faults.Add(text);
    } else {
      faults.Add(text.substr(0, colon), text.substr(colon + 2));
    }
  }
  if (!message.has_stats_matcher()) return;
  Faults::Scope matcher_scope(faults, "stats_matcher");
  StatsFilter filter;
  filter.reject_all = message.stats_matcher().reject_all();
  if (message.stats_matcher().has_exclusion_list()) {
    Faults::Scope list(faults, "exclusion_list");
    filter.patterns = matcher::CompileStringMatcherList(message.stats_matcher().exclusion_list(), faults);
  } else if (message.stats_matcher().has_inclusion_list()) {
    Faults::Scope list(faults, "inclusion_list");
    filter.exclusive = false;
    filter.patterns = matcher::CompileStringMatcherList(message.stats_matcher().inclusion_list(), faults);
  }
  out.stats_filter = std::move(filter);
}

void ReadOverload(const envoy::config::overload::v3::OverloadManager& message, BootstrapConfig& out, Faults& faults) {
  using envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig;
  Faults::Scope scope(faults, "overload_manager");
  for (int i = 0; i < message.resource_monitors_size(); ++i) {
    const auto& monitor = message.resource_monitors(i);
    Faults::Scope each(faults, "resource_monitors", static_cast<size_t>(i));
    Faults::Scope typed(faults, "typed_config");
    if (!config::Holds<DownstreamConnectionsConfig>(monitor.typed_config())) {
      faults.Add(
          StrCat("resource monitor ", config::Quote(monitor.name()), " of type ",
                 config::Quote(monitor.typed_config().type_url()),
                 " is not part of this build; known: envoy.resource_monitors.global_downstream_max_connections"));
      continue;
    }
    DownstreamConnectionsConfig limit;
    if (config::UnpackAndCheck(monitor.typed_config(), &limit, faults)) {
      out.max_downstream_connections = static_cast<uint64_t>(limit.max_active_downstream_connections());
    }
  }
}

void ReadRest(const Bootstrap& message, BootstrapConfig& out, Faults& faults) {
  if (message.cluster_manager().has_upstream_bind_config()) {
    Faults::Scope manager(faults, "cluster_manager");
    Faults::Scope bind(faults, "upstream_bind_config");
    out.upstream_bind = std::make_shared<const upstream::BindOptions>(
        upstream::CompileBindConfig(message.cluster_manager().upstream_bind_config(), faults));
  }
  out.stats_flush_interval = config::DurationField(message.has_stats_flush_interval(), message.stats_flush_interval(),
                                                   "stats_flush_interval", out.stats_flush_interval, faults);
  if (message.has_typed_dns_resolver_config()) {
    Faults::Scope scope(faults, "typed_dns_resolver_config");
    if (auto dns = upstream::CompileDnsResolver(message.typed_dns_resolver_config(), faults)) out.dns = *std::move(dns);
  }
  if (message.has_default_regex_engine()) {
    Faults::Scope scope(faults, "default_regex_engine");
    Faults::Scope typed(faults, "typed_config");
    envoy::extensions::regex_engines::v3::GoogleRE2 re2;
    config::UnpackAndCheck(message.default_regex_engine().typed_config(), &re2, faults);
  }
  if (message.has_application_log_config()) {
    Faults::Scope scope(faults, "application_log_config");
    Faults::Scope format(faults, "log_format");
    const auto& log_format = message.application_log_config().log_format();
    if (log_format.has_json_format()) {
      faults.Add("json_format", "the proxy's own log is written as text; use text_format");
    } else {
      out.log_format = log_format.text_format();
    }
  }
}

}  // namespace

std::string BootstrapName(const Options& options) {
  if (options.config_path.empty()) return "--config-yaml";
  return options.config_yaml.empty() ? options.config_path : StrCat(options.config_path, " with --config-yaml");
}

absl::StatusOr<LoadedBootstrap> LoadBootstrap(const Options& options) {
  const config::UnknownFieldsPolicy policy{options.allow_unknown_static_fields
                                               ? config::UnknownFieldsPolicy::Action::kWarn
                                               : config::UnknownFieldsPolicy::Action::kReject,
                                           false};
  LoadedBootstrap out;
  std::string errors;
  const auto take = [&](const Faults& faults, const std::string& where) {
    if (!faults.empty()) StrAppend(errors, errors.empty() ? "" : "\n", faults.ToString(where));
    for (const config::Fault& warning : faults.warnings()) {
      // As Faults puts it: "where:12:3: path: reason" with a place in the text.
      out.warnings.push_back(StrCat(where, warning.line > 0 ? ":" : ": ", warning.ToString()));
    }
  };
  if (!options.config_path.empty()) {
    Faults faults(policy);
    config::LoadFile(options.config_path, out.message, faults);
    take(faults, options.config_path);
  }
  if (!options.config_yaml.empty()) {
    Faults faults(policy);
    config::MergeText(options.config_yaml, config::TextFormat::kAuto, out.message, faults);
    take(faults, "--config-yaml");
  }
  if (!errors.empty()) return InvalidArgument(errors);
  FillNode(options, *out.message.mutable_node());
  for (const auto& [name, value] : options.stats_tags) {
    auto* tag = out.message.mutable_stats_config()->add_stats_tags();
    tag->set_tag_name(name);
    tag->set_fixed_value(value);
  }
  return out;
}

std::shared_ptr<const BootstrapConfig> CompileBootstrap(const Bootstrap& message, Faults& faults) {
  const size_t faults_before = faults.count();
  auto out = std::make_shared<BootstrapConfig>();
  out->node_id = message.node().id();
  out->node_cluster = message.node().cluster();
  out->node_bytes = BytesOf(message.node());
  out->bytes = BytesOf(message);
  Bootstrap checked = message;
  if (!config::CheckMessage(checked, faults)) return nullptr;
  ReadStatic(message, *out, faults);
  if (message.has_dynamic_resources()) ReadDynamic(message, *out, faults);
  if (message.has_admin()) ReadAdmin(message.admin(), *out, faults);
  if (message.has_stats_config()) ReadStats(message.stats_config(), *out, faults);
  if (message.has_overload_manager()) ReadOverload(message.overload_manager(), *out, faults);
  ReadRest(message, *out, faults);
  if (faults.count() == faults_before) {
    CheckAddresses(*out, faults);
    CheckSources(*out, faults);
    CheckRouteClusters(*out, out->cds.has_value(), faults);
  }
  if ((out->node_id.empty() || out->node_cluster.empty()) && AsksControlPlane(*out)) {
    faults.Add("node",
               "id and cluster are required with a control plane, which knows the proxy by them (or --service-node "
               "and --service-cluster)");
  }
  if (faults.count() != faults_before) return nullptr;
  return out;
}

}  // namespace nuncio::bootstrap
