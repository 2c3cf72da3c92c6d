#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"

// The xDS resource types and what the control plane must know of each: the place in the order of distribution, and
// where the name stands. Types that are not here are stored and served too, with a name that the operator gives.
namespace nuncio::control {

inline constexpr std::string_view kTypeUrlPrefix = "type.googleapis.com/";
inline constexpr std::string_view kClusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
inline constexpr std::string_view kEndpointType = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
inline constexpr std::string_view kListenerType = "type.googleapis.com/envoy.config.listener.v3.Listener";
inline constexpr std::string_view kRouteType = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
inline constexpr std::string_view kSecretType =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

// Make before break: a type is sent when those that it refers to, which stand before it, have arrived. Secrets wait for
// nothing: a client asks for them when it has what needs them, and does not use that before it has them.
enum class TypeRank : int { kCluster, kEndpoint, kSecret, kOther, kListener, kRoute };

struct ResourceType {
  std::string_view type_url;
  // For tables and command lines: "cluster".
  std::string_view short_name;
  TypeRank rank;
  // Field of the message that holds the name.
  std::string_view name_field;
  // A response holds all there is: what is missing in it is removed by the client. True for clusters and listeners.
  bool full_state;
};

// In the order of distribution.
std::span<const ResourceType> KnownResourceTypes();

// Null for a type that is not known.
const ResourceType* FindResourceType(std::string_view type_url);

// By short name ("cluster", also "clusters"), message name ("Cluster", "envoy.config.cluster.v3.Cluster") or type URL.
const ResourceType* FindResourceTypeByAnyName(std::string_view name);

TypeRank RankOf(std::string_view type_url);

// "cluster", or the message's name where the type is not known.
std::string ShortTypeName(std::string_view type_url);

// The name that the message carries; nullopt where the type is not known.
std::optional<std::string> NameOfResource(std::string_view type_url, const google::protobuf::Message& message);

}  // namespace nuncio::control
