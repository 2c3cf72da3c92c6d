#include "source/control/model/references.h"

#include <arpa/inet.h>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/grpc_service.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/redactor.h"
#include "source/control/model/resource_types.h"
#include "udpa/annotations/sensitive.pb.h"

namespace nuncio::control {
namespace {

using ::envoy::config::cluster::v3::Cluster;
using ::envoy::config::core::v3::Address;
using ::envoy::config::core::v3::GrpcService;
using ::envoy::config::endpoint::v3::ClusterLoadAssignment;
using ::envoy::config::listener::v3::Listener;
using ::envoy::config::route::v3::RouteAction;
using ::envoy::extensions::filters::network::http_connection_manager::v3::Rds;
using ::envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

// Nested deeper than this a configuration is refused elsewhere.
constexpr int kMaxDepth = 200;

// Goes through a message depth first and keeps the path to where it is.
class FactCollector {
 public:
  ResourceFacts Collect(const Message& resource) {
    Visit(resource, 0);
    return std::move(facts_);
  }

 private:
  // Opens a field for the time of a call.
  template <typename Function>
  void Below(std::string_view field, Function&& function) {
    const size_t length = path_.size();
    if (!path_.empty()) path_ += '.';
    path_ += field;
    function();
    path_.resize(length);
  }

  void AddReference(std::string_view type_url, const std::string& name, std::string_view field, bool subscribed) {
    if (name.empty()) return;
    Below(field, [&] { facts_.references.push_back({std::string(type_url), name, path_, subscribed}); });
  }

  void Visit(const Message& message, int depth) {
    if (depth > kMaxDepth) return;
    const google::protobuf::Descriptor* type = message.GetDescriptor();
    // No references are in there, and endpoints are many.
    if (type == ClusterLoadAssignment::descriptor()) return;
    if (type == google::protobuf::Any::descriptor()) {
      VisitAny(static_cast<const google::protobuf::Any&>(message), depth);
      return;
    }
    if (type == Cluster::descriptor()) {
      OnCluster(static_cast<const Cluster&>(message));
    } else if (type == RouteAction::descriptor()) {
      OnRouteAction(static_cast<const RouteAction&>(message));
    } else if (type == Rds::descriptor()) {
      OnRds(static_cast<const Rds&>(message));
    } else if (type == GrpcService::EnvoyGrpc::descriptor()) {
      AddReference(kClusterType, static_cast<const GrpcService::EnvoyGrpc&>(message).cluster_name(), "cluster_name",
                   false);
    } else if (type == SdsSecretConfig::descriptor()) {
      OnSecret(static_cast<const SdsSecretConfig&>(message));
    } else if (type == Listener::descriptor()) {
      OnListener(static_cast<const Listener&>(message));
    }
    VisitFields(message, depth);
  }

  void VisitFields(const Message& message, int depth) {
    const google::protobuf::Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const bool outer = sensitive_;
      sensitive_ |= field->options().GetExtension(udpa::annotations::sensitive);
      facts_.sensitive |= sensitive_;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        VisitMessages(message, *field, depth);
      } else if (sensitive_ && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated() &&
                 reflection->GetString(message, field) == config::kRedacted) {
        Below(field->name(), [&] { facts_.redacted.push_back(path_); });
      }
      sensitive_ = outer;
    }
  }

  void VisitMessages(const Message& message, const FieldDescriptor& field, int depth) {
    const google::protobuf::Reflection* reflection = message.GetReflection();
    if (!field.is_repeated()) {
      Below(field.name(), [&] { Visit(reflection->GetMessage(message, &field), depth + 1); });
      return;
    }
    const int size = reflection->FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      const Message& item = reflection->GetRepeatedMessage(message, &field, i);
      Below(field.is_map() ? StrCat(field.name(), "[", MapKey(item), "]") : StrCat(field.name(), "[", i, "]"),
            [&] { field.is_map() ? VisitMapEntry(item, depth + 1) : Visit(item, depth + 1); });
    }
  }

  static std::string MapKey(const Message& entry) {
    const FieldDescriptor* key = entry.GetDescriptor()->FindFieldByNumber(1);
    if (key->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return "...";
    return StrCat("\"", entry.GetReflection()->GetString(entry, key), "\"");
  }

  void VisitMapEntry(const Message& entry, int depth) {
    const FieldDescriptor* value = entry.GetDescriptor()->FindFieldByNumber(2);
    if (value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(entry.GetReflection()->GetMessage(entry, value), depth);
    }
  }

  void VisitAny(const google::protobuf::Any& any, int depth) {
    const std::unique_ptr<Message> inner = config::UnpackKnown(any);
    if (inner != nullptr) Visit(*inner, depth + 1);
  }

  void OnCluster(const Cluster& cluster) {
    if (cluster.type() != Cluster::EDS || !cluster.eds_cluster_config().eds_config().has_ads()) return;
    const std::string& service = cluster.eds_cluster_config().service_name();
    if (service.empty()) {
      AddReference(kEndpointType, cluster.name(), "name", true);
    } else {
      AddReference(kEndpointType, service, "eds_cluster_config.service_name", true);
    }
  }

  void OnRouteAction(const RouteAction& action) {
    AddReference(kClusterType, action.cluster(), "cluster", false);
    for (int i = 0; i < action.weighted_clusters().clusters_size(); ++i) {
      AddReference(kClusterType, action.weighted_clusters().clusters(i).name(),
                   StrCat("weighted_clusters.clusters[", i, "].name"), false);
    }
  }

  void OnRds(const Rds& rds) {
    if (rds.config_source().has_ads()) AddReference(kRouteType, rds.route_config_name(), "route_config_name", true);
  }

  // Without a source it is one of the bootstrap's.
  void OnSecret(const SdsSecretConfig& secret) {
    if (secret.sds_config().has_ads()) AddReference(kSecretType, secret.name(), "name", true);
  }

  void OnListener(const Listener& listener) {
    // With bind_to_port false it takes no address; other listeners hand connections to it.
    if (listener.has_bind_to_port() && !listener.bind_to_port().value()) return;
    if (listener.has_address()) AddAddress(listener.address(), "address");
    for (int i = 0; i < listener.additional_addresses_size(); ++i) {
      AddAddress(listener.additional_addresses(i).address(), StrCat("additional_addresses[", i, "].address"));
    }
  }

  void AddAddress(const Address& address, std::string_view field) {
    std::string text;
    if (address.has_pipe()) {
      text = StrCat("pipe ", address.pipe().path());
    } else if (address.has_socket_address() && address.socket_address().port_value() != 0) {
      const std::string& host = address.socket_address().address();
      in6_addr v6;
      char canonical[INET6_ADDRSTRLEN];
      if (inet_pton(AF_INET6, host.c_str(), &v6) == 1 &&
          inet_ntop(AF_INET6, &v6, canonical, sizeof(canonical)) != nullptr) {
        text = StrCat("tcp [", canonical, "]:", address.socket_address().port_value());
      } else {
        text = StrCat("tcp ", host, ":", address.socket_address().port_value());
      }
    } else {
      return;  // Port 0 is a port of its own each time.
    }
    Below(field, [&] { facts_.addresses.push_back({std::move(text), path_}); });
  }

  ResourceFacts facts_;
  std::string path_;
  // What is visited stands below a field that people are not to see.
  bool sensitive_ = false;
};

}  // namespace

ResourceFacts CollectFacts(const Message& resource) { return FactCollector().Collect(resource); }

}  // namespace nuncio::control
