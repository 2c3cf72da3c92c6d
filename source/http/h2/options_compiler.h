#pragma once

#include "envoy/config/core/v3/protocol.pb.h"
#include "source/config/fault.h"
#include "source/http/h2/h2_options.h"

namespace nuncio::http::h2 {

// Called within the Scope of the field that holds the message, after its rules were checked. With faults the result is
// not to be used.
H2Options CompileHttp2Options(const envoy::config::core::v3::Http2ProtocolOptions& message, config::Faults& faults);

}  // namespace nuncio::http::h2
