#include "source/control/server/options.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/control/snapshot/group_rule.h"

namespace nuncio::control {
namespace {

using Setter = absl::Status (*)(std::string_view value, Options& options);

struct Flag {
  std::string_view name;
  // What it takes, for the help; empty for one that takes nothing.
  std::string_view argument;
  std::string_view help;
  Setter set;
};

template <auto Member>
absl::Status SetText(std::string_view value, Options& options) {
  options.*Member = value;
  return absl::OkStatus();
}

std::vector<std::string> SplitList(std::string_view list) {
  std::vector<std::string> items;
  while (true) {
    const size_t comma = list.find(',');
    if (comma != 0 && !list.empty()) items.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    list.remove_prefix(comma + 1);
  }
}

template <auto Member, int kLeast, int kMost>
absl::Status SetSeconds(std::string_view value, Options& options) {
  const std::optional<int> number = ParseDecimal<int>(value.ends_with('s') ? value.substr(0, value.size() - 1) : value);
  if (!number.has_value() || *number < kLeast || *number > kMost) {
    return InvalidArgument(StrCat("must be a number of seconds from ", kLeast, " to ", kMost));
  }
  options.*Member = std::chrono::seconds(*number);
  return absl::OkStatus();
}

absl::Status SetMessageSize(std::string_view value, Options& options) {
  const std::optional<int> number = ParseDecimal<int>(value);
  if (!number.has_value() || *number < 1 || *number > 1024) return InvalidArgument("must be a number from 1 to 1024");
  options.max_message_mib = *number;
  return absl::OkStatus();
}

absl::Status SetLogLevel(std::string_view value, Options& options) {
  NUNCIO_ASSIGN_OR_RETURN(options.log_level, ParseLogLevel(value));
  return absl::OkStatus();
}

absl::Status SetGroupRule(std::string_view value, Options& options) {
  NUNCIO_RETURN_IF_ERROR(GroupRule::Parse(value).status());
  options.group_by = value;
  return absl::OkStatus();
}

absl::Status SetStaticClusters(std::string_view value, Options& options) {
  for (std::string& name : SplitList(value)) options.static_clusters.insert(std::move(name));
  return absl::OkStatus();
}

absl::Status SetOperators(std::string_view value, Options& options) {
  for (std::string& name : SplitList(value)) options.operators.push_back(std::move(name));
  return absl::OkStatus();
}

template <Options::Action kAction>
absl::Status SetAction(std::string_view, Options& options) {
  options.action = kAction;
  return absl::OkStatus();
}

constexpr Flag kFlags[] = {
    {"--store", "FILE", "Where all revisions are kept: a SQLite database, made where there is none. Must be given.",
     SetText<&Options::store>},
    {"--listen", "ADDRESS",
     "Where operators, and proxies without --xds-listen, reach it by gRPC: HOST:PORT or unix:PATH.\n"
     "Default 127.0.0.1:18000. Who reaches it can change every proxy's configuration, so beyond this\n"
     "machine use it with --tls-cert and --client-ca.",
     SetText<&Options::listen>},
    {"--xds-listen", "ADDRESS", "Where proxies reach it, and nobody else does: xDS is then not served on --listen.",
     SetText<&Options::xds_listen>},
    {"--http-listen", "ADDRESS",
     "Where /metrics (Prometheus) and /ready are served by plain HTTP: IP:PORT. Default 127.0.0.1:18001;\n"
     "\"none\" for nowhere.",
     SetText<&Options::http_listen>},
    {"--group-by", "RULE",
     "To which group a proxy belongs: cluster (the default, node.cluster), id, metadata:KEY, or a text with\n"
     "fields in braces, such as {cluster}/{locality.zone} or {metadata.team}.",
     SetGroupRule},
    {"--static-clusters", "NAME,...",
     "Clusters that the proxies have from their bootstrap, so that routes and log services may name them\n"
     "though no push brings them.",
     SetStaticClusters},
    {"--tls-cert", "FILE",
     "Certificate chain, PEM. With it, and --tls-key, all gRPC is over TLS. Read anew when it changes.",
     SetText<&Options::tls_cert>},
    {"--tls-key", "FILE", "Its private key, PEM.", SetText<&Options::tls_key>},
    {"--client-ca", "FILE",
     "Certificate authorities, PEM. With it every client, proxy or operator, must show a certificate of theirs.",
     SetText<&Options::client_ca>},
    {"--operators", "NAME,...",
     "Names of which a client's certificate must carry one (as subject alternative name, or common name where\n"
     "it has none) to push, read or watch. Proxies need none of them. Needs --client-ca. Default: any name.",
     SetOperators},
    {"--max-message-mib", "N", "Largest message taken, in MiB. Default 64.", SetMessageSize},
    {"--forget-proxies-after", "SECONDS", "How long a proxy that is gone is still shown. Default 3600.",
     SetSeconds<&Options::forget_proxies_after, 0, 1'000'000>},
    {"--drain-time", "SECONDS", "After SIGTERM, how long calls under way may take. Default 5.",
     SetSeconds<&Options::drain_time, 0, 3600>},
    {"--address-path", "FILE",
     "Written once all sockets are open, a line \"NAME ADDRESS\" for each of listen, xds and http: tells the\n"
     "ports where they were given as 0.",
     SetText<&Options::address_path>},
    {"--log-level", "LEVEL", "trace, debug, info (the default), warning, error, critical or off.", SetLogLevel},
    {"--log-path", "FILE", "Where to log instead of standard error.", SetText<&Options::log_path>},
    {"--version", "", "Prints the version.", SetAction<Options::Action::kPrintVersion>},
    {"--help", "", "Prints this.", SetAction<Options::Action::kPrintHelp>},
};

absl::Status CheckTogether(const Options& options) {
  if (options.action != Options::Action::kServe) return absl::OkStatus();
  if (options.store.empty()) {
    return InvalidArgument(
        "--store must be given: the file where revisions are kept, such as "
        "--store=/var/lib/nuncio/control.db");
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return InvalidArgument("--tls-cert and --tls-key go together: one of them is missing");
  }
  if (!options.client_ca.empty() && options.tls_cert.empty()) {
    return InvalidArgument("--client-ca needs --tls-cert and --tls-key: without TLS there are no certificates");
  }
  if (!options.operators.empty() && options.client_ca.empty()) {
    return InvalidArgument("--operators needs --client-ca: otherwise nobody shows a certificate");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> Options::Parse(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const size_t equals = argument.find('=');
    const std::string_view name = std::string_view(argument).substr(0, equals);
    const auto flag = std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Flag& f) { return f.name == name; });
    if (flag == std::end(kFlags)) {
      return InvalidArgument(StrCat(name.starts_with("-") ? "there is no flag " : "unexpected argument ", name,
                                    "; --help lists what there is"));
    }
    std::string_view value;
    if (flag->argument.empty()) {
      if (equals != std::string::npos) return InvalidArgument(StrCat(name, " takes no value"));
    } else if (equals != std::string::npos) {
      value = std::string_view(argument).substr(equals + 1);
    } else {
      if (i + 1 == arguments.size()) return InvalidArgument(StrCat(name, " must be followed by ", flag->argument));
      value = arguments[++i];
    }
    if (!flag->argument.empty() && value.empty())
      return InvalidArgument(StrCat(name, ": ", flag->argument, " is empty"));
    const absl::Status status = flag->set(value, options);
    if (!status.ok()) return InvalidArgument(StrCat(name, "=", value, ": ", status.message()));
  }
  if (options.http_listen == "none") options.http_listen.clear();
  NUNCIO_RETURN_IF_ERROR(CheckTogether(options));
  return options;
}

std::string HelpText() {
  std::string text =
      "nuncio-control: takes configuration from operators (nuncioctl, or gRPC: nuncio.control.v1) and hands it to\n"
      "proxies over xDS v3.\n"
      "\n"
      "  nuncio-control --store=FILE [FLAG...]\n"
      "\n";
  for (const Flag& flag : kFlags) {
    StrAppend(text, "  ", flag.name, flag.argument.empty() ? "" : "=", flag.argument, "\n      ");
    for (const char c : flag.help) StrAppend(text, c == '\n' ? "\n      " : std::string(1, c));
    text += "\n";
  }
  text +=
      "\n"
      "Signals: SIGTERM and SIGINT end it; proxies keep what they run and reconnect when it is back. SIGUSR1 reopens\n"
      "the log file.\n";
  return text;
}

}  // namespace nuncio::control
