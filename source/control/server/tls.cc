#include "source/control/server/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <fstream>
#include <sstream>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

constexpr unsigned kRefreshSeconds = 5;

absl::Status CheckPem(std::string_view flag, const std::string& path, std::string_view marker) {
  std::ifstream file(path);
  if (!file) return ErrnoStatus(errno, StrCat(flag, "=", path));
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().find(marker) == std::string::npos) {
    return InvalidArgument(StrCat(flag, "=", path, ": there is no line with \"", marker, "\" in it; must be PEM"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const Options& options) {
  if (options.tls_cert.empty()) return grpc::InsecureServerCredentials();
  NUNCIO_RETURN_IF_ERROR(CheckPem("--tls-cert", options.tls_cert, "-----BEGIN CERTIFICATE-----"));
  NUNCIO_RETURN_IF_ERROR(CheckPem("--tls-key", options.tls_key, "PRIVATE KEY-----"));
  const bool ask_clients = !options.client_ca.empty();
  if (ask_clients) NUNCIO_RETURN_IF_ERROR(CheckPem("--client-ca", options.client_ca, "-----BEGIN CERTIFICATE-----"));

  using grpc::experimental::FileWatcherCertificateProvider;
  const auto provider = ask_clients ? std::make_shared<FileWatcherCertificateProvider>(
                                          options.tls_key, options.tls_cert, options.client_ca, kRefreshSeconds)
                                    : std::make_shared<FileWatcherCertificateProvider>(
                                          options.tls_key, options.tls_cert, kRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions tls(provider);
  tls.watch_identity_key_cert_pairs();
  if (ask_clients) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    tls.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

}  // namespace nuncio::control
