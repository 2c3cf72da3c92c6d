#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "source/control/server/tls_files.h"

namespace nuncio::control {

// Credentials of one port, which shows each new connection what `files` have then. Both must outlive the server.
std::unique_ptr<grpc::ServerCredentials> MakeTlsCredentials(const TlsFiles& files);

}  // namespace nuncio::control
