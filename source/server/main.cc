#include <cstdio>
#include <string>

#include "api/linked.h"
#include "source/base/logging.h"
#include "source/bootstrap/bootstrap_compiler.h"
#include "source/bootstrap/options.h"
#include "source/server/server.h"

namespace nuncio::server {
namespace {

constexpr int kFailed = 1;

// `what` has one line per fault.
int Fail(std::string_view what) {
  while (!what.empty()) {
    const size_t end = what.find('\n');
    const std::string_view line = what.substr(0, end);
    fprintf(stderr, "nuncio: %.*s\n", static_cast<int>(line.size()), line.data());
    what = end == std::string_view::npos ? std::string_view() : what.substr(end + 1);
  }
  return kFailed;
}

absl::Status SetUpLog(const bootstrap::Options& options, const std::string& bootstrap_format) {
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
  const bool serves = options.mode == bootstrap::Options::Mode::kServe;
  if (serves && !options.log_path.empty()) return Log::OpenFile(options.log_path);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  api::LinkAllMessages();
  auto parsed = bootstrap::ParseCommandLine(argc, argv);
  if (!parsed.ok()) return Fail(ToStd(parsed.status().message()));
  if (parsed->print.has_value()) {
    fputs(parsed->print->c_str(), stdout);
    return 0;
  }
  const bootstrap::Options& options = parsed->options;
  const std::string where = bootstrap::BootstrapName(options);
  auto loaded = bootstrap::LoadBootstrap(options);
  if (!loaded.ok()) return Fail(ToStd(loaded.status().message()));
  config::Faults faults(config::UnknownFieldsPolicy{options.allow_unknown_static_fields
                                                        ? config::UnknownFieldsPolicy::Action::kWarn
                                                        : config::UnknownFieldsPolicy::Action::kReject,
                                                    false});
  auto config = bootstrap::CompileBootstrap(loaded->message, faults);
  if (config == nullptr) return Fail(faults.ToString(where));
  if (absl::Status status = SetUpLog(options, config->log_format); !status.ok()) {
    return Fail(ToStd(status.message()));
  }
  for (const std::string& note : options.notes) NUNCIO_LOG(kMain, kWarning, note);
  for (const std::string& warning : loaded->warnings) NUNCIO_LOG(kConfig, kWarning, warning);
  uint64_t unknown_fields = loaded->warnings.size();
  for (const config::Fault& warning : faults.warnings()) {
    NUNCIO_LOG(kConfig, kWarning, where, ": ", warning.ToString());
    if (warning.IsUnknownField()) ++unknown_fields;
  }
  if (options.mode == bootstrap::Options::Mode::kValidate) {
    printf("configuration '%s' OK\n", options.config_path.c_str());
    return 0;
  }
  NUNCIO_LOG(kMain, kInfo, bootstrap::VersionText(), " starts");
  Server server(options, config, unknown_fields);
  if (absl::Status status = server.Start(); !status.ok()) return Fail(ToStd(status.message()));
  server.Run();
  NUNCIO_LOG(kMain, kInfo, "exits");
  return 0;
}

}  // namespace
}  // namespace nuncio::server

int main(int argc, char** argv) { return nuncio::server::Main(argc, argv); }
