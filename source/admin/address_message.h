#pragma once

#include "envoy/config/core/v3/address.pb.h"
#include "source/net/address.h"

namespace nuncio::admin {

// An address as the API writes it down: a socket address, or a pipe for Unix-domain ones.
void FillAddress(const net::Address& address, envoy::config::core::v3::Address& out);

}  // namespace nuncio::admin
