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

std::vector<PushedResource> Pushed(const std::vector<google::protobuf::Any>& resources);
ResourcePtr MakeResource(const google::protobuf::Any& any);

}  // namespace nuncio::control::test
