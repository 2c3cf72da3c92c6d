#include "source/grpc/client.h"

namespace nuncio::grpc {

CallPtr Client::Start(const config::GrpcTarget& target, std::string_view path, const CallOptions& options,
                      CallEvents& events) {
  CallPtr call(new Call(services_, target, path, options, events));
  call->Start(clusters_);
  return call;
}

}  // namespace nuncio::grpc
