#include "source/ctl/options.h"

#include <algorithm>
#include <cstdlib>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::ctl {
namespace {

// Sets of commands, a bit each.
constexpr unsigned Bit(Command command) { return 1u << static_cast<int>(command); }
constexpr unsigned kAll = ~0u;
constexpr unsigned kPushLike = Bit(Command::kPush) | Bit(Command::kRollback);
constexpr unsigned kFromFiles = Bit(Command::kPush) | Bit(Command::kValidate);
constexpr unsigned kOfGroup = kPushLike | Bit(Command::kGet) | Bit(Command::kList) | Bit(Command::kHistory) |
                              Bit(Command::kDiff) | Bit(Command::kProxies);

struct CommandText {
  std::string_view name;
  Command command;
  std::string_view arguments;
  std::string_view help;
  bool needs_group;
  size_t least_arguments;
  size_t most_arguments;
};

constexpr size_t kAny = 1'000'000;

constexpr CommandText kCommands[] = {
    {"push", Command::kPush, "PATH...", "puts the resources in files and folders in place of the group's", true, 0,
     kAny},
    {"validate", Command::kValidate, "PATH...", "has the server check files and folders, and changes nothing", false, 1,
     kAny},
    {"get", Command::kGet, "[TYPE[/NAME]...]", "prints a group's resources", true, 0, kAny},
    {"list", Command::kList, "", "lists the groups, or with --group the resources of one", false, 0, 0},
    {"history", Command::kHistory, "", "lists a group's revisions", true, 0, 0},
    {"diff", Command::kDiff, "[FROM [TO]] | PATH...",
     "what the last revision changed; what changed between two; or what a push of files would change", true, 0, kAny},
    {"rollback", Command::kRollback, "[REVISION]", "brings an older revision back, by default the one before", true, 0,
     1},
    {"proxies", Command::kProxies, "[NODE_ID]", "who is connected, what each one runs, took or refused and why", false,
     0, 1},
    {"help", Command::kHelp, "", "prints this", false, 0, kAny},
    {"version", Command::kVersion, "", "prints the version", false, 0, 0},
};

using Setter = absl::Status (*)(std::string_view value, Options& options);

struct Flag {
  std::string_view name;
  std::string_view short_name;
  std::string_view argument;
  std::string_view help;
  unsigned commands;
  Setter set;
};

template <auto Member>
absl::Status SetText(std::string_view value, Options& options) {
  options.*Member = value;
  return absl::OkStatus();
}

template <auto Member>
absl::Status SetTlsText(std::string_view value, Options& options) {
  options.*Member = value;
  options.tls = true;
  return absl::OkStatus();
}

template <auto Member>
absl::Status SetTrue(std::string_view, Options& options) {
  options.*Member = true;
  return absl::OkStatus();
}

template <auto Member>
absl::Status SetRevision(std::string_view value, Options& options) {
  const std::optional<uint64_t> number = ParseDecimal<uint64_t>(value);
  if (!number.has_value()) return InvalidArgument("must be a revision number");
  options.*Member = *number;
  return absl::OkStatus();
}

absl::Status SetLimit(std::string_view value, Options& options) {
  const std::optional<uint32_t> number = ParseDecimal<uint32_t>(value);
  if (!number.has_value() || *number == 0 || *number > 1000) return InvalidArgument("must be a number from 1 to 1000");
  options.limit = *number;
  return absl::OkStatus();
}

absl::Status SetTimeout(std::string_view value, Options& options) {
  const std::optional<int> number = ParseDecimal<int>(value.ends_with('s') ? value.substr(0, value.size() - 1) : value);
  if (!number.has_value() || *number == 0 || *number > 86'400) {
    return InvalidArgument("must be a number of seconds from 1 to 86400");
  }
  options.timeout = std::chrono::seconds(*number);
  return absl::OkStatus();
}

absl::Status SetFormat(std::string_view value, Options& options) {
  if (value == "table") {
    options.format = Format::kTable;
  } else if (value == "yaml") {
    options.format = Format::kYaml;
  } else if (value == "json") {
    options.format = Format::kJson;
  } else {
    return InvalidArgument("must be table, yaml or json");
  }
  return absl::OkStatus();
}

absl::Status AddDelete(std::string_view value, Options& options) {
  const size_t slash = value.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == value.size()) {
    return InvalidArgument("must be TYPE/NAME, such as cluster/blue");
  }
  options.deletes.emplace_back(value);
  return absl::OkStatus();
}

constexpr Flag kFlags[] = {
    {"--group", "-g", "NAME", "the group of proxies; else $NUNCIO_GROUP", kOfGroup, SetText<&Options::group>},
    {"--message", "-m", "TEXT", "why, for the history", kPushLike, SetText<&Options::message>},
    {"--author", "", "NAME", "who, for the history; else $NUNCIO_AUTHOR or $USER", kPushLike,
     SetText<&Options::author>},
    {"--expect", "", "REVISION", "refuse unless the group is at this revision; 0: unless it is new", kPushLike,
     SetRevision<&Options::expect>},
    {"--dry-run", "", "", "check, and show what would change", kPushLike, SetTrue<&Options::dry_run>},
    {"--partial", "", "", "amend the group's set instead of replacing it", kFromFiles | Bit(Command::kDiff),
     SetTrue<&Options::partial>},
    {"--delete", "", "TYPE/NAME", "with --partial: take this resource away (may be given several times)",
     Bit(Command::kPush), AddDelete},
    {"--strict", "", "", "warnings are errors", kFromFiles, SetTrue<&Options::strict>},
    {"--revision", "-r", "N", "this revision instead of the latest", Bit(Command::kGet),
     SetRevision<&Options::revision>},
    {"--before", "", "N", "only revisions below this one", Bit(Command::kHistory), SetRevision<&Options::before>},
    {"--limit", "-n", "N", "at most so many revisions; 50 by default", Bit(Command::kHistory), SetLimit},
    {"--watch", "-w", "", "go on and show every change", Bit(Command::kProxies), SetTrue<&Options::watch>},
    {"--output", "-o", "FORMAT", "table, yaml or json", kAll, SetFormat},
    {"--server", "-s", "ADDRESS", "the control plane; else $NUNCIO_CONTROL, else 127.0.0.1:18000", kAll,
     SetText<&Options::server>},
    {"--timeout", "", "SECONDS", "for the answer; 30 by default", kAll, SetTimeout},
    {"--tls", "", "", "TLS, the server's certificate checked against the system's authorities", kAll,
     SetTrue<&Options::tls>},
    {"--tls-ca", "", "FILE", "TLS, checked against these authorities (PEM)", kAll, SetTlsText<&Options::tls_ca>},
    {"--tls-cert", "", "FILE", "certificate to show (PEM)", kAll, SetTlsText<&Options::tls_cert>},
    {"--tls-key", "", "FILE", "its key (PEM)", kAll, SetTlsText<&Options::tls_key>},
    {"--tls-server-name", "", "NAME", "name that the server's certificate must carry, if not that of --server", kAll,
     SetTlsText<&Options::tls_server_name>},
};

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

const CommandText* FindCommand(std::string_view name) {
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version") name = "version";
  if (name == "groups") name = "list";
  for (const CommandText& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

absl::Status CheckTogether(const CommandText& command, const Options& options) {
  if (options.arguments.size() < command.least_arguments) {
    return InvalidArgument(StrCat(command.name, " needs ", command.arguments));
  }
  if (options.arguments.size() > command.most_arguments) {
    return InvalidArgument(StrCat(command.name, " takes ",
                                  command.arguments.empty() ? "no argument" : command.arguments, ", so \"",
                                  options.arguments[command.most_arguments], "\" is one too many"));
  }
  if (command.needs_group && options.group.empty()) return InvalidArgument(StrCat(command.name, " needs --group"));
  if (command.command == Command::kPush && options.arguments.empty() && options.deletes.empty()) {
    return InvalidArgument("push needs PATH...");
  }
  if (!options.deletes.empty() && !options.partial) {
    return InvalidArgument("--delete needs --partial; without it, what is not in the files goes anyway");
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return InvalidArgument("--tls-cert and --tls-key go together: one of them is missing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> Options::Parse(const std::vector<std::string>& arguments) {
  Options options;
  if (const std::string server = Environment("NUNCIO_CONTROL"); !server.empty()) options.server = server;
  options.author = Environment("NUNCIO_AUTHOR");
  if (options.author.empty()) options.author = Environment("USER");
  const CommandText* command = nullptr;
  std::vector<const Flag*> given;  // they may stand before the command too
  bool only_arguments = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (command == nullptr && (!argument.starts_with('-') || FindCommand(argument) != nullptr)) {
      command = FindCommand(argument);
      if (command == nullptr) return InvalidArgument(StrCat("there is no command \"", argument, "\"; see --help"));
      continue;
    }
    if (only_arguments || !argument.starts_with('-') || argument == "-") {
      options.arguments.push_back(argument);
      continue;
    }
    if (argument == "--") {
      only_arguments = true;
      continue;
    }
    if (argument == "--help" || argument == "-h") {
      command = FindCommand("help");
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string_view name = std::string_view(argument).substr(0, equals);
    const auto flag = std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Flag& f) {
      return f.name == name || (!f.short_name.empty() && f.short_name == name);
    });
    if (flag == std::end(kFlags)) return InvalidArgument(StrCat("there is no flag ", name, "; see --help"));
    std::string_view value;
    if (flag->argument.empty()) {
      if (equals != std::string::npos) return InvalidArgument(StrCat(name, " takes no value"));
    } else if (equals != std::string::npos) {
      value = std::string_view(argument).substr(equals + 1);
    } else {
      if (i + 1 == arguments.size()) return InvalidArgument(StrCat(name, " must be followed by ", flag->argument));
      value = arguments[++i];
    }
    const absl::Status status = flag->set(value, options);
    if (!status.ok()) return InvalidArgument(StrCat(name, " ", value, ": ", status.message()));
    given.push_back(&*flag);
  }
  if (command == nullptr) return InvalidArgument("say what to do; see --help");
  options.command = command->command;
  if (command->command == Command::kHelp) return options;
  for (const Flag* flag : given) {
    if ((flag->commands & Bit(command->command)) == 0) {
      return InvalidArgument(StrCat(command->name, " takes no ", flag->name));
    }
  }
  if (options.group.empty() && command->needs_group) options.group = Environment("NUNCIO_GROUP");
  NUNCIO_RETURN_IF_ERROR(CheckTogether(*command, options));
  return options;
}

std::string HelpText() {
  std::string text =
      "nuncioctl: pushes configuration to nuncio-control and shows what became of it.\n\n"
      "  nuncioctl COMMAND [ARGUMENT...] [FLAG...]\n\n";
  for (const CommandText& command : kCommands) {
    StrAppend(text, "  ", command.name, command.arguments.empty() ? "" : " ", command.arguments, "\n      ",
              command.help, "\n");
  }
  text += "\nFlags:\n";
  for (const Flag& flag : kFlags) {
    StrAppend(text, "  ", flag.name, flag.argument.empty() ? "" : " ", flag.argument,
              flag.short_name.empty() ? "" : ", ", flag.short_name, "\n      ", flag.help, "\n");
  }
  text +=
      "\nFiles are YAML or JSON: a list `resources:`, each with its \"@type\", or one such resource. Of a folder all\n"
      ".yaml, .yml and .json files are read, and those of folders in it. TYPE is cluster, endpoint, listener, route or "
      "a\n"
      "type URL.\n"
      "\nExit status: 0 done, 1 refused, 2 wrong usage or files that cannot be read, 3 server not reached.\n";
  return text;
}

}  // namespace nuncio::ctl
