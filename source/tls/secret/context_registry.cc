#include "source/tls/secret/context_registry.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/telemetry/scope_name.h"

namespace nuncio::tls {

ContextRegistry::ContextRegistry(SecretServices services) : services_(std::move(services)), secrets_(services_) {}

bool ContextRegistry::CheckUse(const SecretUse& use, const std::shared_ptr<LiveSecret>& secret,
                               config::Faults& faults) {
  if (secret != nullptr && secret->kind() == use.kind) return true;
  config::Faults::Scope scope(faults, use.path());
  if (secret == nullptr) {
    faults.Add("name", StrCat("no secret of static_resources is named ", config::Quote(use.name),
                              "; one by discovery needs sds_config"));
  } else {
    faults.Add("name", StrCat("the secret ", config::Quote(use.name), " is a ", NameOf(secret->kind()), ", no ",
                              NameOf(use.kind)));
  }
  return false;
}

template <typename Config>
std::shared_ptr<LiveContext<Config>> ContextRegistry::Acquire(Known<LiveContext<Config>>& known,
                                                              const std::shared_ptr<const Config>& config,
                                                              std::string label, telemetry::ScopeName owner,
                                                              std::string_view factory, config::Faults& faults) {
  const auto key = std::make_pair(owner.text(), config->hash);
  if (const auto found = known.live.find(key); found != known.live.end()) {
    if (auto alive = found->second.lock(); alive != nullptr) return alive;
  }
  std::shared_ptr<KeyLogSink> sink;
  if (!config->key_log_path.empty()) {
    if (services_.open_key_log) sink = services_.open_key_log(config->key_log_path);
    if (sink == nullptr) {
      faults.Add("common_tls_context.key_log.path",
                 StrCat(config::Quote(config->key_log_path, config::kMaxPathLength), " cannot be written"));
      return nullptr;
    }
  }
  auto live = std::make_shared<LiveContext<Config>>(services_, threads_, label, std::move(owner), factory, config);
  std::vector<std::shared_ptr<LiveSecret>> secrets;
  for (const SecretUse* use : config->uses()) {
    secrets.push_back(secrets_.Acquire(*use, label, live->scope()));
    if (!CheckUse(*use, secrets.back(), faults)) return nullptr;
  }
  live->Start(std::move(secrets), std::move(sink));
  known.Put(key, live);
  return live;
}

std::shared_ptr<LiveServerContext> ContextRegistry::AcquireServer(
    const std::shared_ptr<const DownstreamTlsConfig>& config, const std::string& listener,
    const std::string& stat_prefix, config::Faults& faults) {
  return Acquire(servers_, config, StrCat("listener ", listener), telemetry::ListenerScopeName(stat_prefix),
                 "server_ssl_socket_factory", faults);
}

std::shared_ptr<LiveClientContext> ContextRegistry::AcquireClient(
    const std::shared_ptr<const UpstreamTlsConfig>& config, const std::string& cluster, const std::string& stat_name,
    config::Faults& faults) {
  return Acquire(clients_, config, StrCat("cluster ", cluster), telemetry::ClusterScopeName(stat_name),
                 "client_ssl_socket_factory", faults);
}

std::vector<std::shared_ptr<const LiveContextBase>> ContextRegistry::All() const {
  std::vector<std::shared_ptr<const LiveContextBase>> out;
  const auto add = [&out](const auto& known) {
    for (const auto& [key, weak] : known.live) {
      if (auto alive = weak.lock(); alive != nullptr) out.push_back(std::move(alive));
    }
  };
  add(servers_);
  add(clients_);
  return out;
}

std::optional<Duration> ContextRegistry::First(
    const std::function<std::optional<SystemTime>(const Secret&)>& time_of) const {
  std::optional<SystemTime> first;
  for (const auto& context : All()) {
    for (const auto& secret : context->secrets()) {
      if (const auto time = time_of(*secret)) first = std::min(first.value_or(*time), *time);
    }
  }
  if (!first.has_value()) return std::nullopt;
  return std::max(Duration(), *first - services_.loop.clock().System());
}

std::optional<int64_t> ContextRegistry::DaysUntilFirstExpiry() const {
  const auto first = First([](const Secret& secret) -> std::optional<SystemTime> {
    if (secret.kind() != SecretKind::kValidation || secret.certificates.empty()) return secret.expires();
    // Bundles of many roots hold some that expired long ago.
    return secret.certificates.front()->not_after;
  });
  if (!first.has_value()) return std::nullopt;
  return std::chrono::floor<std::chrono::days>(*first).count();
}

std::optional<int64_t> ContextRegistry::SecondsUntilFirstOcspExpiry() const {
  const auto first = First([](const Secret& secret) {
    return secret.ocsp.has_value() ? secret.ocsp->next_update : std::optional<SystemTime>();
  });
  if (!first.has_value()) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*first).count();
}

}  // namespace nuncio::tls
