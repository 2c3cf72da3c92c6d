#pragma once

#include "envoy/config/core/v3/config_source.pb.h"
#include "envoy/config/core/v3/grpc_service.pb.h"
#include "source/config/config_source.h"
#include "source/config/fault.h"

// Each is called within the Scope of the field that it reads, after the rules were checked. With faults the result is
// not to be used.
namespace nuncio::config {

ConfigSource ReadConfigSource(const envoy::config::core::v3::ConfigSource& source, Faults& faults);

// The bootstrap's `ads_config` too.
GrpcSource ReadApiConfigSource(const envoy::config::core::v3::ApiConfigSource& source, Faults& faults);

GrpcTarget ReadGrpcService(const envoy::config::core::v3::GrpcService& service, Faults& faults);

}  // namespace nuncio::config
