#include "source/tls/secret/secret_registry.h"

#include "source/base/strings.h"
#include "source/telemetry/secret_stats.h"

namespace nuncio::tls {

bool SecretRegistry::AddStatic(std::shared_ptr<const Secret> secret, std::shared_ptr<const std::string> bytes) {
  const std::string name = secret->name;
  if (statics_.contains(name)) return false;
  auto live = std::make_shared<LiveSecret>(services_, StrCat("secret ", config::Quote(name)),
                                           services_.stats.GetScope(telemetry::SecretScopeName(name)),
                                           std::move(secret));
  live->Watch();
  statics_.emplace(name, Static{std::move(live), std::move(bytes)});
  return true;
}

std::shared_ptr<LiveSecret> SecretRegistry::Acquire(const SecretUse& use, const std::string& label,
                                                    const telemetry::ScopePtr& scope) {
  if (use.inlined != nullptr) {
    auto live = std::make_shared<LiveSecret>(services_, StrCat(label, ": ", use.field), scope, use.inlined);
    live->Watch();
    return live;
  }
  if (!use.source.has_value()) {
    const auto found = statics_.find(use.name);
    return found == statics_.end() ? nullptr : found->second.secret;
  }
  const auto [begin, end] = discovered_.equal_range(use.name);
  for (auto at = begin; at != end; ++at) {
    if (at->second.first != *use.source) continue;
    if (auto alive = at->second.second.lock(); alive != nullptr && alive->kind() == use.kind) return alive;
  }
  auto live = std::make_shared<LiveSecret>(services_, use.name, use.kind,
                                           services_.stats.GetScope(telemetry::SecretScopeName(use.name)));
  live->Start(*use.source);
  discovered_.emplace(use.name, std::make_pair(*use.source, std::weak_ptr<LiveSecret>(live)));
  sweep_.OnAdded(discovered_, [](const auto& entry) { return entry.second.second.expired(); });
  return live;
}

std::vector<std::shared_ptr<LiveSecret>> SecretRegistry::discovered() const {
  std::vector<std::shared_ptr<LiveSecret>> out;
  for (const auto& [name, entry] : discovered_) {
    if (auto alive = entry.second.lock(); alive != nullptr) out.push_back(std::move(alive));
  }
  return out;
}

}  // namespace nuncio::tls
