#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nuncio::ctl {

enum class Command { kHelp, kVersion, kPush, kValidate, kGet, kList, kHistory, kDiff, kRollback, kProxies };
enum class Format { kTable, kYaml, kJson };

// What the command line says. Fields that a command has no use for are refused when given.
struct Options {
  Command command = Command::kHelp;
  // What stands after the command without a dash: paths, revisions, resources or a node id.
  std::vector<std::string> arguments;

  std::string server = "127.0.0.1:18000";
  std::chrono::seconds timeout{30};
  // TLS is used where any of these is given. `tls_ca` empty: the system's authorities.
  bool tls = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_server_name;

  // nullopt: what suits the command.
  std::optional<Format> format;
  std::string group;
  std::string author;
  std::string message;
  bool dry_run = false;
  bool partial = false;
  bool strict = false;
  bool watch = false;
  std::optional<uint64_t> expect;
  std::optional<uint64_t> revision;
  std::optional<uint64_t> before;
  uint32_t limit = 0;
  // "TYPE/NAME".
  std::vector<std::string> deletes;

  // Takes the arguments without the program's name. Unset fields come from the environment: NUNCIO_CONTROL (server),
  // NUNCIO_GROUP, NUNCIO_AUTHOR or USER.
  static absl::StatusOr<Options> Parse(const std::vector<std::string>& arguments);
};

// The text of --help.
std::string HelpText();

}  // namespace nuncio::ctl
