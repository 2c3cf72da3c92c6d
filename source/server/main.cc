#include <cstdio>
#include <string>

#include "api/linked.h"
#include "source/base/logging.h"
#include "source/server/bootstrap_compiler.h"
#include "source/server/options.h"
#include "source/server/server.h"

namespace nuncio::server {
namespace {

constexpr int kFailed = 1;

int Fail(std::string_view what) {
  fprintf(stderr, "nuncio: %.*s\n", static_cast<int>(what.size()), what.data());
  return kFailed;
}

absl::Status SetUpLog(const Options& options, const std::string& bootstrap_format) {
  Log::SetLevel(*ParseLogLevel(options.log_level));
  if (!options.component_log_levels.empty()) {
    if (absl::Status status = Log::SetComponentLevels(options.component_log_levels); !status.ok()) {
      return InvalidArgument(StrCat("--component-log-level: ", status.message()));
    }
  }
  const bool from_flag = !options.log_format.empty();
  const std::string& format = from_flag ? options.log_format : bootstrap_format;
  if (!format.empty()) {
    if (absl::Status status = Log::SetFormat(format); !status.ok()) {
      return InvalidArgument(StrCat(from_flag ? "--log-format" : "application_log_config.log_format.text_format", ": ",
                                    status.message()));
    }
  }
  if (!options.log_path.empty()) return Log::OpenFile(options.log_path);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  api::LinkAllMessages();
  auto parsed = ParseCommandLine(argc, argv);
  if (!parsed.ok()) return Fail(ToStd(parsed.status().message()));
  if (parsed->print.has_value()) {
    fputs(parsed->print->c_str(), stdout);
    return 0;
  }
  const Options& options = parsed->options;
  const std::string where = options.config_path.empty() ? "--config-yaml" : options.config_path;
  auto message = LoadBootstrap(options);
  if (!message.ok()) return Fail(ToStd(message.status().message()));
  config::Faults faults(config::UnknownFieldsPolicy{options.allow_unknown_static_fields
                                                        ? config::UnknownFieldsPolicy::Action::kWarn
                                                        : config::UnknownFieldsPolicy::Action::kReject,
                                                    false});
  auto bootstrap = CompileBootstrap(*message, faults);
  if (bootstrap == nullptr) return Fail(faults.ToString(where));
  if (options.mode == Options::Mode::kValidate) {
    for (const config::Fault& warning : faults.warnings()) {
      fprintf(stderr, "warning: %s: %s\n", where.c_str(), warning.ToString().c_str());
    }
    printf("configuration '%s' OK\n", where.c_str());
    return 0;
  }
  if (absl::Status status = SetUpLog(options, bootstrap->log_format); !status.ok()) {
    return Fail(ToStd(status.message()));
  }
  for (const std::string& note : options.notes) NUNCIO_LOG(kMain, kWarning, note);
  for (const config::Fault& warning : faults.warnings()) {
    NUNCIO_LOG(kConfig, kWarning, where, ": ", warning.ToString());
  }
  NUNCIO_LOG(kMain, kInfo, VersionText(), " starts");
  Server server(options, bootstrap);
  if (absl::Status status = server.Start(); !status.ok()) return Fail(ToStd(status.message()));
  server.Run();
  NUNCIO_LOG(kMain, kInfo, "exits");
  return 0;
}

}  // namespace
}  // namespace nuncio::server

int main(int argc, char** argv) { return nuncio::server::Main(argc, argv); }
