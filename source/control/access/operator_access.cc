#include "source/control/access/operator_access.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::control {

grpc::Status OperatorAccess::Check(const grpc::AuthContext& client) const {
  if (operators_.empty()) return grpc::Status::OK;
  std::string names;
  for (const grpc::string_ref& identity : client.GetPeerIdentity()) {
    const std::string name(identity.data(), identity.size());
    if (std::find(operators_.begin(), operators_.end(), name) != operators_.end()) return grpc::Status::OK;
    StrAppend(names, names.empty() ? "" : ", ", name);
  }
  return {grpc::StatusCode::PERMISSION_DENIED,
          names.empty() ? std::string("operators show a client certificate; this call has none")
                        : StrCat("the client certificate's names (", names, ") are not an operator's")};
}

std::string OperatorAccess::NameOf(const grpc::AuthContext& client) {
  const std::vector<grpc::string_ref> identity = client.GetPeerIdentity();
  return identity.empty() ? std::string() : std::string(identity[0].data(), identity[0].size());
}

}  // namespace nuncio::control
