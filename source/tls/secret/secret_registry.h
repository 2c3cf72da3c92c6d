#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/weak_sweep.h"
#include "source/tls/secret/live_secret.h"
#include "source/tls/secret/tls_config.h"

namespace nuncio::tls {

// The secrets in force: those of the bootstrap, and those by discovery, each subscribed to once however many contexts
// use it. Main thread.
class SecretRegistry {
 public:
  explicit SecretRegistry(const SecretServices& services) : services_(services) {}

  // A secret of the bootstrap. False: there is one of that name.
  bool AddStatic(std::shared_ptr<const Secret> secret, std::shared_ptr<const std::string> bytes);

  // What `use` names. One that stands in the configuration is made anew, under `label` and with the statistics of
  // `scope`. Null: the bootstrap has no secret of that name.
  std::shared_ptr<LiveSecret> Acquire(const SecretUse& use, const std::string& label,
                                      const telemetry::ScopePtr& scope);

  struct Static {
    std::shared_ptr<LiveSecret> secret;
    // Wire form of the Secret.
    std::shared_ptr<const std::string> bytes;
  };
  // For /config_dump, by name.
  const std::map<std::string, Static>& statics() const { return statics_; }
  std::vector<std::shared_ptr<LiveSecret>> discovered() const;

 private:
  const SecretServices& services_;
  std::map<std::string, Static> statics_;
  // By name; several sources may serve one name.
  std::multimap<std::string, std::pair<config::ConfigSource, std::weak_ptr<LiveSecret>>> discovered_;
  WeakSweep sweep_;
};

}  // namespace nuncio::tls
