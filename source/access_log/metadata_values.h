#pragma once

#include <string>
#include <string_view>

#include "source/access_log/operator.h"

// The operators about metadata. Their choice is a MetadataKind.
namespace nuncio::access_log {

// What metadata is about, in the order of kMetadataKinds.
enum MetadataKind : int { kOfRoute, kOfCluster, kOfListener, kOfFilterChain };
inline constexpr std::string_view kMetadataKinds[] = {"ROUTE", "CLUSTER", "LISTENER", "LISTENER_FILTER_CHAIN"};

Value MetadataValue(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
