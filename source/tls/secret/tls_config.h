#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/config/config_source.h"
#include "source/tls/context_config.h"
#include "source/tls/secret/secret.h"

// TLS contexts as configured: what they are to be like, and the secrets that they need. Immutable; made by
// CompileDownstreamTls and CompileUpstreamTls (context_compiler.h), brought to life by ContextRegistry.
namespace nuncio::tls {

class ClientContext;
class ServerContext;

// A secret that a context needs.
struct SecretUse {
  // Its place in CommonTlsContext, or below DownstreamTlsContext: "tls_certificates[0]".
  std::string field;
  SecretKind kind;
  // Set where it stands in the configuration itself.
  std::shared_ptr<const Secret> inlined;
  // Else its name, and where it comes from; unset: from the bootstrap.
  std::string name;
  std::optional<config::ConfigSource> source;

  // Its place in the message of the context.
  std::string path() const;
  // In the names of gauges: its name, or the last part of its place.
  std::string_view stat_name() const;
};

struct TlsConfig {
  std::vector<SecretUse> certificates;
  std::optional<SecretUse> validation;
  // Of `combined_validation_context`: what holds unless `validation` says otherwise. Stands in the configuration.
  std::optional<SecretUse> default_validation;
  // Towards clients only.
  std::optional<SecretUse> ticket_keys;
  // Empty: no key log.
  std::string key_log_path;
  // Of the message.
  uint64_t hash = 0;

  // All of them, in an order that ContextSecrets shares.
  std::vector<const SecretUse*> uses() const;
};

// What `uses` has become, one by one. None is null, each of its use's kind.
using ContextSecrets = std::vector<std::shared_ptr<const Secret>>;

// TLS towards clients.
struct DownstreamTlsConfig : TlsConfig {
  using Context = ServerContext;
  // Without secrets.
  ServerContextConfig base;
  // Where all secrets stand in the configuration and there is no key log: the context, made when the configuration was
  // checked.
  std::shared_ptr<const ServerContext> ready;
};

// TLS towards servers.
struct UpstreamTlsConfig : TlsConfig {
  using Context = ClientContext;
  ClientContextConfig base;
  std::shared_ptr<const ClientContext> ready;
  // The host's name, where it has one, goes in place of `base.sni`.
  bool auto_host_sni = false;
};

// Makes the context. `sink`: for the key log; null without. Errors begin with a place in CommonTlsContext.
absl::StatusOr<std::shared_ptr<const ServerContext>> BuildContext(const DownstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink);
absl::StatusOr<std::shared_ptr<const ClientContext>> BuildContext(const UpstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink);

}  // namespace nuncio::tls
