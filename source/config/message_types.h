#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"

// The message types that this program carries, found by their type URL.
namespace nuncio::config {

// "type.googleapis.com/envoy.x.Y" -> "envoy.x.Y"; a name without slash is returned as it is.
std::string_view TypeName(std::string_view type_url);

// The prototype of a type linked into this program, or nullptr.
const google::protobuf::Message* FindMessageType(std::string_view type_url);

// A new message with what `any` holds; null where the type is not in this program or the bytes are not of it.
std::unique_ptr<google::protobuf::Message> UnpackKnown(const google::protobuf::Any& any);

// Why a typed value of this type is refused when FindMessageType found none.
std::string UnknownTypeReason(std::string_view type_url);

// The wire form with map entries in the order of their keys: equal messages give equal bytes.
std::string SerializeDeterministically(const google::protobuf::Message& message);

}  // namespace nuncio::config
