#include "source/control/model/resource_types.h"

#include <array>

#include "source/base/strings.h"

namespace nuncio::control {
namespace {

constexpr std::array kTypes = {
    ResourceType{kClusterType, "cluster", TypeRank::kCluster, "name", true},
    ResourceType{kEndpointType, "endpoint", TypeRank::kEndpoint, "cluster_name", false},
    ResourceType{kSecretType, "secret", TypeRank::kSecret, "name", false},
    ResourceType{kListenerType, "listener", TypeRank::kListener, "name", true},
    ResourceType{kRouteType, "route", TypeRank::kRoute, "name", false},
};

std::string_view AfterLast(std::string_view s, char separator) {
  const size_t at = s.rfind(separator);
  return at == std::string_view::npos ? s : s.substr(at + 1);
}

}  // namespace

std::span<const ResourceType> KnownResourceTypes() { return kTypes; }

const ResourceType* FindResourceType(std::string_view type_url) {
  for (const ResourceType& type : kTypes) {
    if (type.type_url == type_url) return &type;
  }
  return nullptr;
}

const ResourceType* FindResourceTypeByAnyName(std::string_view name) {
  for (const ResourceType& type : kTypes) {
    const std::string_view full_name = AfterLast(type.type_url, '/');
    const std::string_view message = AfterLast(full_name, '.');
    if (name == type.type_url || name == full_name || EqualsIgnoreCase(name, message) ||
        EqualsIgnoreCase(name, type.short_name) || EqualsIgnoreCase(name, StrCat(type.short_name, "s"))) {
      return &type;
    }
  }
  return nullptr;
}

TypeRank RankOf(std::string_view type_url) {
  const ResourceType* type = FindResourceType(type_url);
  return type == nullptr ? TypeRank::kOther : type->rank;
}

std::string ShortTypeName(std::string_view type_url) {
  const ResourceType* type = FindResourceType(type_url);
  return std::string(type == nullptr ? AfterLast(AfterLast(type_url, '/'), '.') : type->short_name);
}

std::optional<std::string> NameOfResource(std::string_view type_url, const google::protobuf::Message& message) {
  const ResourceType* type = FindResourceType(type_url);
  if (type == nullptr) return std::nullopt;
  const google::protobuf::FieldDescriptor* field =
      message.GetDescriptor()->FindFieldByName(std::string(type->name_field));
  if (field == nullptr) return std::nullopt;
  return message.GetReflection()->GetString(message, field);
}

}  // namespace nuncio::control
