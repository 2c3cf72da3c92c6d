#include "source/proxy/route_configuration_type.h"

#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/arena.h"
#include "source/config/typed_config.h"
#include "source/proxy/config.h"
#include "source/route/config.h"

namespace nuncio::proxy {

std::shared_ptr<const config::CompiledResource> RouteConfigurationType::Recompile(std::string_view bytes,
                                                                                  const Before& before,
                                                                                  std::string& name,
                                                                                  config::Faults& faults) const {
  // It may hold very many messages, which are all let go of at once.
  google::protobuf::ArenaOptions options_of_arena;
  options_of_arena.max_block_size = 256 << 10;
  google::protobuf::Arena arena(options_of_arena);
  auto& message = *google::protobuf::Arena::CreateMessage<envoy::config::route::v3::RouteConfiguration>(&arena);
  const bool whole = config::ParseAndCheck(bytes, message, faults);
  name = message.name();
  if (!whole) return nullptr;
  if (name.empty()) {
    faults.Add("name", "required for route configurations from discovery: listeners find them by it");
    return nullptr;
  }
  route::CompileOptions options;
  options.formatters = &HeaderFormatters();
  options.filters = &filters_;
  options.data_sources = data_sources_;
  const auto earlier =
      before == nullptr ? nullptr : std::static_pointer_cast<const CompiledRouteConfiguration>(before(name));
  if (earlier != nullptr) options.previous = earlier->table.get();
  auto compiled = std::make_shared<CompiledRouteConfiguration>();
  compiled->table = route::CompileRouteTable(message, options, faults);
  return compiled->table == nullptr ? nullptr : compiled;
}

}  // namespace nuncio::proxy
