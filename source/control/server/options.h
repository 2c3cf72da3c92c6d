#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "source/base/logging.h"

namespace nuncio::control {

// What the command line says.
struct Options {
  enum class Action { kServe, kPrintHelp, kPrintVersion };

  Action action = Action::kServe;
  // Operators' services, and xDS unless it has an address of its own. Host and port, or unix:PATH.
  std::string listen = "127.0.0.1:18000";
  // Empty: xDS is served on `listen`.
  std::string xds_listen;
  // Empty: no /metrics and no /ready.
  std::string http_listen = "127.0.0.1:18001";
  std::string store;
  std::string group_by = "cluster";
  std::set<std::string> static_clusters;
  std::string tls_cert;
  std::string tls_key;
  std::string client_ca;
  std::vector<std::string> operators;
  int max_message_mib = 64;
  std::chrono::seconds forget_proxies_after{3600};
  std::chrono::seconds drain_time{5};
  std::string address_path;
  LogLevel log_level = LogLevel::kInfo;
  std::string log_path;

  // Takes the arguments without the program's name. InvalidArgument names the flag and what it takes.
  static absl::StatusOr<Options> Parse(const std::vector<std::string>& arguments);
};

// The text of --help.
std::string HelpText();

}  // namespace nuncio::control
