#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/config/fault.h"
#include "source/route/config.h"
#include "source/route/route_entry.h"
#include "source/route/virtual_host.h"

// The parts of the compiler, which only its own files include. All record faults below the current path, which stands
// at the message given; the result is of use only where none was recorded.
namespace nuncio::route {

// What a table's own fields say to the compilation of its virtual hosts.
struct CompileEnvironment {
  const CompileOptions& options;
  // In bytes.
  uint32_t max_direct_response_body_size = 4096;
};

std::shared_ptr<const VirtualHost> CompileVirtualHost(const envoy::config::route::v3::VirtualHost& message,
                                                      const CompileEnvironment& environment, config::Faults& faults);

RouteEntry CompileRoute(const envoy::config::route::v3::Route& message, const CompileEnvironment& environment,
                        config::Faults& faults);

ForwardAction CompileForwardAction(const envoy::config::route::v3::RouteAction& message,
                                   const CompileEnvironment& environment, config::Faults& faults);

std::unique_ptr<const RedirectAction> CompileRedirectAction(const envoy::config::route::v3::RedirectAction& message,
                                                            config::Faults& faults);

// A fault at `field` where `text`, which becomes part of a path or host, holds white space or control characters: those
// would end the request's target early.
void CheckTargetText(std::string_view field, std::string_view text, config::Faults& faults);

// Null where none is set.
std::unique_ptr<const PerFilterConfigs> CompilePerFilterConfigs(
    const google::protobuf::Map<std::string, google::protobuf::Any>& messages, const CompileOptions& options,
    config::Faults& faults);

// Null where none is set.
std::unique_ptr<const matcher::Metadata> CompileOptionalMetadata(bool is_set,
                                                                 const envoy::config::core::v3::Metadata& message,
                                                                 config::Faults& faults);

}  // namespace nuncio::route
