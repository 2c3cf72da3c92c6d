#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "source/control/server/options.h"

namespace nuncio::control {

// What the flags say of TLS: plain text without a certificate. Files are looked at every few seconds, and new
// connections get what they hold then. InvalidArgument where a file cannot be read or is no PEM of its kind.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const Options& options);

}  // namespace nuncio::control
