#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <vector>

namespace nuncio::control {

// Who may use the operators' services. Immutable; any thread.
class OperatorAccess {
 public:
  // Names that a client's certificate must carry one of, as subject alternative name or, where it has none, as common
  // name. Empty: every client that the transport lets in is an operator.
  explicit OperatorAccess(std::vector<std::string> operators) : operators_(std::move(operators)) {}

  // PermissionDenied, with the names the client has.
  grpc::Status Check(const grpc::AuthContext& client) const;

  // The first name of the client's certificate; empty without one.
  static std::string NameOf(const grpc::AuthContext& client);

 private:
  const std::vector<std::string> operators_;
};

}  // namespace nuncio::control
