#pragma once

#include <string_view>

#include "source/http/message.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {

// The host that a request's connection is to be for, in the TLS handshake and in the host's certificate, where the
// cluster takes that from the request: a name or an IP address, without port and brackets. Empty: the handshake goes as
// the cluster is configured. Views the head.
std::string_view ServerNameFor(const ClusterConfig& config, const http::RequestHead& head);

// What ServerNameFor gave is an address, which is no SNI (RFC 6066 3).
bool IsAddress(std::string_view server_name);

}  // namespace nuncio::upstream
