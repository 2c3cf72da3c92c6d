#include "source/bootstrap/options.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/base/version.h"

namespace nuncio::bootstrap {
namespace {

struct Flag {
  std::string_view name;
  char letter;
  // Empty: the flag takes no value.
  std::string_view value;
  std::string_view help;
  std::function<absl::Status(Options&, std::string_view)> set;
};

absl::Status BadValue(std::string_view flag, std::string_view value, std::string_view right) {
  return InvalidArgument(StrCat("--", flag, ": '", value, "' is not ", right));
}

template <typename T>
std::function<absl::Status(Options&, std::string_view)> Number(std::string_view flag, T Options::*member) {
  return [flag, member](Options& options, std::string_view value) -> absl::Status {
    const auto number = ParseDecimal<uint32_t>(value);
    if (!number.has_value()) return BadValue(flag, value, "a number from 0 to 4294967295");
    options.*member = T(*number);
    return absl::OkStatus();
  };
}

std::function<absl::Status(Options&, std::string_view)> Text(std::string Options::*member) {
  return [member](Options& options, std::string_view value) -> absl::Status {
    options.*member = value;
    return absl::OkStatus();
  };
}

std::function<absl::Status(Options&, std::string_view)> Switch(bool Options::*member) {
  return [member](Options& options, std::string_view) -> absl::Status {
    options.*member = true;
    return absl::OkStatus();
  };
}

// A flag of Envoy's that charts and images pass, and why it does nothing here.
std::function<absl::Status(Options&, std::string_view)> NoEffect(std::string_view flag, std::string_view why) {
  return [flag, why](Options& options, std::string_view) -> absl::Status {
    options.notes.push_back(StrCat("--", flag, " has no effect here: ", why));
    return absl::OkStatus();
  };
}

// The same for a number that /server_info shows.
std::function<absl::Status(Options&, std::string_view)> OnlyShown(std::string_view flag, std::string_view why,
                                                                  uint32_t Options::*member) {
  return [flag, why, set = Number(flag, member)](Options& options, std::string_view value) -> absl::Status {
    NUNCIO_RETURN_IF_ERROR(set(options, value));
    return NoEffect(flag, why)(options, value);
  };
}

absl::Status SetMode(Options& options, std::string_view value) {
  if (value == "serve") {
    options.mode = Options::Mode::kServe;
  } else if (value == "validate") {
    options.mode = Options::Mode::kValidate;
  } else {
    return BadValue("mode", value, "serve or validate");  // Envoy's init_only: validate checks as much.
  }
  return absl::OkStatus();
}

absl::Status SetDrainStrategy(Options& options, std::string_view value) {
  if (value == "gradual") {
    options.drain_strategy = Options::DrainStrategy::kGradual;
  } else if (value == "immediate") {
    options.drain_strategy = Options::DrainStrategy::kImmediate;
  } else {
    return BadValue("drain-strategy", value, "gradual or immediate");
  }
  return absl::OkStatus();
}

absl::Status SetConcurrency(Options& options, std::string_view value) {
  const auto number = ParseDecimal<uint32_t>(value);
  // As with Envoy, 0 means one worker.
  if (!number.has_value() || *number > 1024) return BadValue("concurrency", value, "a number from 0 to 1024");
  options.concurrency = std::max<uint32_t>(*number, 1);
  return absl::OkStatus();
}

absl::Status SetLogLevel(Options& options, std::string_view value) {
  const auto level = ParseLogLevel(value);
  if (!level.ok()) return InvalidArgument(StrCat("--log-level: ", level.status().message()));
  options.log_level = LogLevelName(*level);
  return absl::OkStatus();
}

absl::Status SetFlushInterval(Options& options, std::string_view value) {
  const auto number = ParseDecimal<uint32_t>(value);
  if (!number.has_value() || *number == 0) {
    return BadValue("file-flush-interval-msec", value, "a number from 1 to 4294967295");
  }
  options.file_flush_interval = std::chrono::milliseconds(*number);
  return absl::OkStatus();
}

absl::Status SetFlushSize(Options& options, std::string_view value) {
  const auto number = ParseDecimal<uint32_t>(value);
  if (!number.has_value() || *number == 0 || *number > 8192) {
    return BadValue("file-flush-min-size-kb", value, "a number from 1 to 8192");
  }
  options.file_flush_min_size_kb = *number;
  return absl::OkStatus();
}

// May be given several times.
absl::Status AddStatsTag(Options& options, std::string_view value) {
  const size_t colon = value.find(':');
  const std::string_view name = value.substr(0, colon);
  const auto is_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (ToLower(c) >= 'a' && ToLower(c) <= 'z');
  };
  if (colon == std::string_view::npos || colon + 1 == value.size() || name.empty() ||
      !std::all_of(name.begin(), name.end(), is_word)) {
    return BadValue("stats-tag", value, "of the form TAG:VALUE, the tag of letters, digits and _");
  }
  options.stats_tags.emplace_back(name, value.substr(colon + 1));
  return absl::OkStatus();
}

absl::Status AllowUnknownFields(Options& options, std::string_view) {
  options.allow_unknown_static_fields = true;
  options.notes.push_back("--allow-unknown-fields is the old name of --allow-unknown-static-fields");
  return absl::OkStatus();
}

const std::vector<Flag>& Flags() {
  static constexpr std::string_view kNoHotRestart = "a restarted process shares no memory or sockets with its parent";
  static const auto* flags = new std::vector<Flag>{
      {"config-path", 'c', "FILE", "bootstrap, YAML or JSON; Envoy's are accepted", Text(&Options::config_path)},
      {"config-yaml", 0, "YAML", "bootstrap as text, merged over that of -c", Text(&Options::config_yaml)},
      {"mode", 0, "serve|validate", "validate: check the configuration and leave; status 1 on a fault", SetMode},
      {"concurrency", 0, "N", "worker threads; default: what the CPU quota and affinity allow", SetConcurrency},
      {"cpuset-threads", 0, "", "pin each worker to one of the allowed CPUs", Switch(&Options::cpuset_threads)},
      {"service-cluster", 0, "NAME", "node.cluster, over that of the bootstrap", Text(&Options::service_cluster)},
      {"service-node", 0, "NAME", "node.id, over that of the bootstrap", Text(&Options::service_node)},
      {"service-zone", 0, "ZONE", "node.locality.zone, over that of the bootstrap", Text(&Options::service_zone)},
      {"log-level", 'l', "LEVEL", "trace, debug, info, warning, error, critical or off; default info", SetLogLevel},
      {"component-log-level", 0, "C:L,...", "levels of components, as in upstream:debug,connection:trace",
       Text(&Options::component_log_levels)},
      {"log-path", 0, "FILE", "log there instead of standard error; reopened on SIGUSR1", Text(&Options::log_path)},
      {"log-format", 0, "PATTERN", "default [%Y-%m-%d %T.%e][%t][%l][%n] %v", Text(&Options::log_format)},
      {"drain-time-s", 0, "SECONDS", "longest time for connections to end when draining; default 600",
       Number("drain-time-s", &Options::drain_time)},
      {"drain-strategy", 0, "gradual|immediate", "spread closes over the drain time, or tell all at once",
       SetDrainStrategy},
      {"admin-address-path", 0, "FILE", "write the admin interface's address there",
       Text(&Options::admin_address_path)},
      {"state-dir", 0, "DIR", "keep the last good dynamic configuration there, for starts without a control plane",
       Text(&Options::state_dir)},
      {"allow-unknown-static-fields", 0, "", "unknown fields in the bootstrap are warnings",
       Switch(&Options::allow_unknown_static_fields)},
      {"reject-unknown-dynamic-fields", 0, "", "unknown fields in discovered resources refuse them",
       Switch(&Options::reject_unknown_dynamic_fields)},
      {"ignore-unknown-dynamic-fields", 0, "", "unknown fields in discovered resources are not even warned of",
       Switch(&Options::ignore_unknown_dynamic_fields)},
      {"file-flush-interval-msec", 0, "MS", "longest time that access log lines are held back; default 1000",
       SetFlushInterval},
      {"file-flush-min-size-kb", 0, "KIB", "access log lines are handed over before that when so many; default 64",
       SetFlushSize},
      {"stats-tag", 0, "TAG:VALUE", "a tag for all statistics, as in stats_config.stats_tags; may be repeated",
       AddStatsTag},
      {"base-id", 0, "N", "", OnlyShown("base-id", kNoHotRestart, &Options::base_id)},
      {"restart-epoch", 0, "N", "", OnlyShown("restart-epoch", kNoHotRestart, &Options::restart_epoch)},
      {"allow-unknown-fields", 0, "", "", AllowUnknownFields},
      {"disable-hot-restart", 0, "", "", NoEffect("disable-hot-restart", "there is no hot restart to disable")},
      {"use-dynamic-base-id", 0, "", "", NoEffect("use-dynamic-base-id", kNoHotRestart)},
      {"skip-hot-restart-on-no-parent", 0, "", "", NoEffect("skip-hot-restart-on-no-parent", kNoHotRestart)},
      {"skip-hot-restart-parent-stats", 0, "", "", NoEffect("skip-hot-restart-parent-stats", kNoHotRestart)},
      {"base-id-path", 0, "FILE", "", NoEffect("base-id-path", kNoHotRestart)},
      {"parent-shutdown-time-s", 0, "SECONDS", "", NoEffect("parent-shutdown-time-s", kNoHotRestart)},
      {"socket-path", 0, "PATH", "", NoEffect("socket-path", kNoHotRestart)},
      {"socket-mode", 0, "MODE", "", NoEffect("socket-mode", kNoHotRestart)},
      {"skip-deprecated-logs", 0, "", "",
       NoEffect("skip-deprecated-logs", "deprecated fields are taken or refused, never logged")},
      {"enable-core-dump", 0, "", "",
       NoEffect("enable-core-dump", "core files are written as the process's limits allow (ulimit -c)")},
      {"log-format-escaped", 0, "", "", NoEffect("log-format-escaped", "log messages are one line each already")},
      {"enable-fine-grain-logging", 0, "", "",
       NoEffect("enable-fine-grain-logging", "levels are set by component; see --component-log-level")},
      {"enable-mutex-tracing", 0, "", "", NoEffect("enable-mutex-tracing", "no lock is taken on the request path")},
      {"disable-extensions", 0, "LIST", "", NoEffect("disable-extensions", "this build has no optional extensions")},
      {"local-address-ip-version", 0, "v4|v6", "",
       NoEffect("local-address-ip-version", "the client's own address is always appended to x-forwarded-for")},
      {"bootstrap-version", 0, "N", "", NoEffect("bootstrap-version", "the bootstrap is always v3")},
      {"max-stats", 0, "N", "", NoEffect("max-stats", "statistics grow as they are needed")},
      {"max-obj-name-len", 0, "N", "", NoEffect("max-obj-name-len", "names have no fixed length")},
      {"log-format-prefix-with-location", 0, "0|1", "",
       NoEffect("log-format-prefix-with-location", "put %g:%# into --log-format for file and line")},
  };
  return *flags;
}

std::string HelpText() {
  std::string out =
      "nuncio, an Envoy-compatible L4/L7 proxy\n\n"
      "usage: nuncio -c FILE [flags]\n\n";
  for (const Flag& flag : Flags()) {
    if (flag.help.empty()) continue;
    std::string left = flag.letter != 0 ? StrCat("  -", flag.letter, ", --", flag.name) : StrCat("      --", flag.name);
    if (!flag.value.empty()) StrAppend(left, " ", flag.value);
    if (left.size() < 40) {
      left.resize(40, ' ');
    } else {
      left += "\n" + std::string(40, ' ');
    }
    StrAppend(out, left, flag.help, "\n");
  }
  StrAppend(out, "      --hot-restart-version             print \"disabled\" and leave: there is no hot restart\n",
            "      --version                         print the version and leave\n",
            "  -h, --help                            print this and leave\n\n",
            "Taken without effect, each with a line that says why: ");
  bool first = true;
  for (const Flag& flag : Flags()) {
    if (!flag.help.empty() || flag.name == "allow-unknown-fields") continue;
    StrAppend(out, first ? "--" : ", --", flag.name);
    first = false;
  }
  out += ".\n";
  return out;
}

// What `argument`, which is no flag, was probably meant to be; empty where nothing is near.
std::string Meant(std::string_view argument) {
  if (!argument.starts_with('-')) return "flags begin with -- (a configuration is named with -c)";
  const std::string_view name = argument.substr(std::min(argument.find_first_not_of('-'), argument.size()));
  // One letter too few, too many or wrong, or _ for -, or one dash for two.
  const Flag* near = nullptr;
  for (const Flag& flag : Flags()) {
    size_t prefix = 0;
    size_t suffix = 0;
    const size_t shorter = std::min(name.size(), flag.name.size());
    const auto same = [](char a, char b) { return ToLower(a) == b || (a == '_' && b == '-'); };
    while (prefix < shorter && same(name[prefix], flag.name[prefix])) ++prefix;
    while (suffix < shorter - prefix &&
           same(name[name.size() - 1 - suffix], flag.name[flag.name.size() - 1 - suffix])) {
      ++suffix;
    }
    if (std::max(name.size(), flag.name.size()) - prefix - suffix <= 1) near = &flag;
  }
  if (near != nullptr) return StrCat("did you mean '--", near->name, "'?");
  for (const Flag& flag : Flags()) {
    if (flag.letter == 0 || argument.size() < 3 || argument[1] != flag.letter) continue;
    return StrCat("did you mean '-", flag.letter, " ", argument.substr(argument[2] == '=' ? 3 : 2), "'?");
  }
  return "";
}

const Flag* FindFlag(std::string_view argument) {
  for (const Flag& flag : Flags()) {
    if (argument.size() == 2 && argument[0] == '-' && flag.letter != 0 && argument[1] == flag.letter) return &flag;
    if (argument.starts_with("--") && argument.substr(2) == flag.name) return &flag;
  }
  return nullptr;
}

}  // namespace

std::string VersionText() { return StrCat("nuncio ", kVersion, " (", kBuildType, ")"); }

absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommandLine parsed;
  Options& options = parsed.options;
  for (int i = 0; i < argc; ++i) StrAppend(options.command_line, i == 0 ? "" : " ", argv[i]);
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      parsed.print = HelpText();
      return parsed;
    }
    if (argument == "--hot-restart-version") {
      // What Envoy built without hot restart answers to the wrapper that restarts it.
      parsed.print = "disabled\n";
      return parsed;
    }
    if (argument == "--version") {
      parsed.print = VersionText() + "\n";
      return parsed;
    }
    std::optional<std::string_view> value;
    if (const size_t equals = argument.find('='); argument.starts_with("--") && equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
      argument = argument.substr(0, equals);
    }
    const Flag* flag = FindFlag(argument);
    if (flag == nullptr) {
      const std::string meant = Meant(argument);
      return InvalidArgument(StrCat("unknown argument '", argument, "'; ", meant, meant.empty() ? "" : " ",
                                    "--help lists what there is"));
    }
    if (flag->value.empty()) {
      if (value.has_value()) return InvalidArgument(StrCat("--", flag->name, " takes no value"));
    } else if (!value.has_value()) {
      // "-c --mode validate" lacks a file; it does not name one "--mode".
      if (i + 1 == argc || FindFlag(argv[i + 1]) != nullptr) {
        return InvalidArgument(StrCat("--", flag->name, " needs a value: ", flag->value));
      }
      value = argv[++i];
    }
    NUNCIO_RETURN_IF_ERROR(flag->set(options, value.value_or("")));
  }
  if (options.config_path.empty() && options.config_yaml.empty()) {
    return InvalidArgument("a configuration is needed: -c FILE or --config-yaml YAML");
  }
  if (options.reject_unknown_dynamic_fields && options.ignore_unknown_dynamic_fields) {
    return InvalidArgument("--reject-unknown-dynamic-fields and --ignore-unknown-dynamic-fields exclude each other");
  }
  return parsed;
}

}  // namespace nuncio::bootstrap
