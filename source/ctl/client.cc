#include "source/ctl/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::ctl {
namespace {

absl::StatusOr<std::string> ReadFile(std::string_view flag, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path);
  if (!file) return ErrnoStatus(errno, StrCat(flag, " ", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Client::Client(const Options& options, const std::shared_ptr<grpc::Channel>& channel)
    : timeout_(options.timeout),
      config_(control::v1::ConfigService::NewStub(channel)),
      fleet_(control::v1::FleetService::NewStub(channel)) {}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const Options& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  if (options.tls) {
    grpc::SslCredentialsOptions tls;
    NUNCIO_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile("--tls-ca", options.tls_ca));
    NUNCIO_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile("--tls-cert", options.tls_cert));
    NUNCIO_ASSIGN_OR_RETURN(tls.pem_private_key, ReadFile("--tls-key", options.tls_key));
    credentials = grpc::SslCredentials(tls);
    if (!options.tls_server_name.empty()) arguments.SetSslTargetNameOverride(options.tls_server_name);
  }
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // The one server named is meant, not a proxy of the environment's.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return std::unique_ptr<Client>(
      new Client(options, grpc::CreateCustomChannel(options.server, credentials, arguments)));
}

void Client::SetDeadline(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
}

}  // namespace nuncio::ctl
