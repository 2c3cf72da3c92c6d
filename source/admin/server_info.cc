#include <chrono>

#include "envoy/admin/v3/server_info.pb.h"
#include "source/admin/endpoints.h"
#include "source/config/message_dump.h"

namespace nuncio::admin {
namespace {

using envoy::admin::v3::CommandLineOptions;
using envoy::admin::v3::ServerInfo;

ServerInfo::State ToProto(ServerState state) {
  switch (state) {
    case ServerState::kLive:
      return ServerInfo::LIVE;
    case ServerState::kDraining:
      return ServerInfo::DRAINING;
    case ServerState::kInitializing:
      break;
  }
  return ServerInfo::INITIALIZING;
}

void Fill(const bootstrap::Options& options, uint32_t concurrency, CommandLineOptions& out) {
  out.set_base_id(options.base_id);
  out.set_concurrency(concurrency);
  out.set_config_path(options.config_path);
  out.set_config_yaml(options.config_yaml);
  out.set_allow_unknown_static_fields(options.allow_unknown_static_fields);
  out.set_reject_unknown_dynamic_fields(options.reject_unknown_dynamic_fields);
  out.set_ignore_unknown_dynamic_fields(options.ignore_unknown_dynamic_fields);
  out.set_admin_address_path(options.admin_address_path);
  out.set_log_level(options.log_level);
  out.set_component_log_level(options.component_log_levels);
  out.set_log_format(options.log_format);
  out.set_log_path(options.log_path);
  out.set_service_cluster(options.service_cluster);
  out.set_service_node(options.service_node);
  out.set_service_zone(options.service_zone);
  out.mutable_drain_time()->set_seconds(options.drain_time.count());
  out.set_drain_strategy(options.drain_strategy == bootstrap::Options::DrainStrategy::kGradual
                             ? CommandLineOptions::Gradual
                             : CommandLineOptions::Immediate);
  out.set_mode(options.mode == bootstrap::Options::Mode::kServe ? CommandLineOptions::Serve
                                                             : CommandLineOptions::Validate);
  // There is no hot restart here, whatever the flag says.
  out.set_disable_hot_restart(true);
  out.set_restart_epoch(options.restart_epoch);
  out.set_cpuset_threads(options.cpuset_threads);
}

}  // namespace

AdminAnswer AnswerServerInfo(AdminServices& services, const AdminRequest&) {
  ServerInfo info;
  info.set_version(bootstrap::VersionText());
  info.set_state(ToProto(services.server.state()));
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(services.server.uptime()).count();
  info.mutable_uptime_current_epoch()->set_seconds(uptime);
  info.mutable_uptime_all_epochs()->set_seconds(uptime);
  info.set_hot_restart_version("disabled");
  Fill(services.options, services.server.concurrency(), *info.mutable_command_line_options());
  if (services.bootstrap.node_bytes != nullptr) info.mutable_node()->ParseFromString(*services.bootstrap.node_bytes);
  config::DumpOptions options;
  options.print_defaults = true;
  return JsonAnswer(config::MessageToJson(info, options) + "\n");
}

}  // namespace nuncio::admin
