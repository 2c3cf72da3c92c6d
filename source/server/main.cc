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
  if (!options.log_path.empty() && options.mode == Options::Mode::kServe) return Log::OpenFile(options.log_path);
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
  const std::string where = BootstrapName(options);
  auto loaded = LoadBootstrap(options);
  if (!loaded.ok()) return Fail(ToStd(loaded.status().message()));
  config::Faults faults(config::UnknownFieldsPolicy{options.allow_unknown_static_fields
                                                        ? config::UnknownFieldsPolicy::Action::kWarn
                                                        : config::UnknownFieldsPolicy::Action::kReject,
                                                    false});
  auto bootstrap = CompileBootstrap(loaded->message, faults);
  if (bootstrap == nullptr) return Fail(faults.ToString(where));
  if (absl::Status status = SetUpLog(options, bootstrap->log_format); !status.ok()) {
    return Fail(ToStd(status.message()));
  }
  for (const std::string& note : options.notes) NUNCIO_LOG(kMain, kWarning, note);
  for (const std::string& warning : loaded->warnings) NUNCIO_LOG(kConfig, kWarning, warning);
  for (const config::Fault& warning : faults.warnings()) {
    NUNCIO_LOG(kConfig, kWarning, where, ": ", warning.ToString());
  }
  if (options.mode == Options::Mode::kValidate) {
    printf("configuration '%s' OK\n", options.config_path.c_str());
    return 0;
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
