#include "source/control/server/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <mutex>

namespace nuncio::control {
namespace {

// gRPC's own credentials that watch files let go of the good certificate before they look at the new one; these are
// asked for each connection, and answer with what was found good.
class TlsCredentials final : public grpc::ServerCredentials {
 public:
  explicit TlsCredentials(const TlsFiles& files) : files_(files) {}

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    grpc_server_credentials* credentials =
        grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
            files_.asks_clients() ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                  : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &Fetch, this));
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<TlsCredentials*>(self)->Update(config);
  }

  // On gRPC's threads.
  grpc_ssl_certificate_config_reload_status Update(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsFiles::Material> current = files_.current();
    const std::lock_guard lock(mutex_);
    if (current == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{current->key.c_str(), current->certificate.c_str()};
    *config = grpc_ssl_server_certificate_config_create(
        files_.asks_clients() ? current->client_ca.c_str() : nullptr, &pair, 1);
    given_ = std::move(current);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsFiles& files_;
  std::mutex mutex_;
  std::shared_ptr<const TlsFiles::Material> given_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files) {
  return std::make_unique<TlsCredentials>(files);
}

}  // namespace nuncio::control
