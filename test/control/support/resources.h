#pragma once

#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "source/control/model/resource.h"
#include "source/control/push/publisher.h"

// Small resources for tests.
namespace nuncio::control::test {

// A cluster of type STATIC, or EDS over the aggregated stream.
google::protobuf::Any StaticCluster(const std::string& name, double connect_timeout_seconds = 1);
google::protobuf::Any EdsCluster(const std::string& name, double connect_timeout_seconds = 1);
google::protobuf::Any Endpoints(const std::string& name, int port = 8080);
// A route configuration that sends everything to `cluster`.
google::protobuf::Any Routes(const std::string& name, const std::string& cluster);
// A listener on 127.0.0.1 whose routes come by RDS over the aggregated stream.
google::protobuf::Any RdsListener(const std::string& name, int port, const std::string& route_config);
// What gRPC's own xDS client asks for: an API listener with routes by RDS.
google::protobuf::Any ApiListener(const std::string& name, const std::string& route_config);

// Roots to trust, in a file of the proxy's.
google::protobuf::Any RootsSecret(const std::string& name, const std::string& path);
// An EDS cluster that trusts the secret `roots`; a listener whose certificate is the secret `pair`, by ADS or
// one of the bootstrap's.
google::protobuf::Any TlsCluster(const std::string& name, const std::string& roots);
google::protobuf::Any TlsListener(const std::string& name, int port, const std::string& route_config,
                                  const std::string& pair, bool of_bootstrap = false);
// A listener with a key in the text.
google::protobuf::Any ListenerWithKey(const std::string& name, const std::string& key);

std::vector<PushedResource> Pushed(const std::vector<google::protobuf::Any>& resources);
ResourcePtr MakeResource(const google::protobuf::Any& any);

}  // namespace nuncio::control::test
