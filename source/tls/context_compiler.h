#pragma once

#include <memory>
#include <string_view>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"
#include "source/tls/secret/tls_config.h"

// From the API's messages to TLS contexts and secrets. Files and variables are read, and all that stands in the
// configuration is tried out: a context that compiles can be made. With DataSourceAccess::kNamesOnly what files hold is
// not looked at. Null if and only if a fault was added. No fault holds bytes of a key.
namespace nuncio::tls {

// Messages in hand: config::CheckMessage has passed them.
std::shared_ptr<const DownstreamTlsConfig> CompileDownstreamTls(
    const envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext& message, config::DataSourceAccess access,
    config::Faults& faults);
std::shared_ptr<const UpstreamTlsConfig> CompileUpstreamTls(
    const envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext& message, config::DataSourceAccess access,
    config::Faults& faults);
std::shared_ptr<const Secret> CompileSecret(const envoy::extensions::transport_sockets::tls::v3::Secret& message,
                                            config::DataSourceAccess access, config::Faults& faults);

// Whether the context can be made of these secrets, which are known. Faults stand at fields of its message.
void CheckContext(const DownstreamTlsConfig& config, const ContextSecrets& secrets, config::Faults& faults);
void CheckContext(const UpstreamTlsConfig& config, const ContextSecrets& secrets, config::Faults& faults);

// A field `transport_socket`, at whose path the faults stand. `tls` is null for plain TCP. False with faults: its type
// is no transport socket that is known here, or what it holds is faulty.
bool CompileDownstreamSocket(const envoy::config::core::v3::TransportSocket& socket, config::DataSourceAccess access,
                             std::shared_ptr<const DownstreamTlsConfig>& tls, config::Faults& faults);
bool CompileUpstreamSocket(const envoy::config::core::v3::TransportSocket& socket, config::DataSourceAccess access,
                           std::shared_ptr<const UpstreamTlsConfig>& tls, config::Faults& faults);

// Secrets as resources of SDS.
class SecretType final : public config::ResourceType {
 public:
  explicit SecretType(config::DataSourceAccess access) : access_(access) {}
  std::string_view type_url() const override {
    return "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
  }
  bool absence_is_removal() const override { return false; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override;

 private:
  const config::DataSourceAccess access_;
};

}  // namespace nuncio::tls
