// Backends and a load for the tests of this folder: see backend.h and load.h.
//
//   traffic backends NAME...
//   traffic load --port=P [--requests=N] [--rate=N] ...   flags as the fields of LoadOptions
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <string>
#include <string_view>
#include <vector>

#include "test/soak/backend.h"
#include "test/soak/load.h"

namespace nuncio::soak {
namespace {

int Usage(const char* what) {
  fprintf(stderr, "traffic: %s\nusage: traffic backends NAME... | traffic load --port=P [--FIELD=NUMBER]...\n", what);
  return 2;
}

bool SetFlag(LoadOptions& options, std::string_view name, uint64_t value) {
  if (name == "port") options.port = static_cast<uint16_t>(value);
  else if (name == "requests") options.requests = value;
  else if (name == "threads") options.threads = static_cast<int>(value);
  else if (name == "rate") options.rate = value;
  else if (name == "spanning-download") options.spanning_download = value;
  else if (name == "spanning-upload") options.spanning_upload = value;
  else if (name == "stalled-download") options.stalled_download = value;
  else if (name == "stalled-upload") options.stalled_upload = value;
  else if (name == "stall-seconds") options.stall_seconds = static_cast<int>(value);
  else if (name == "stall-every") options.stall_every = value;
  else return false;
  return true;
}

int Main(const std::vector<std::string>& arguments) {
  // Ends with the script that started it, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  if (arguments.empty()) return Usage("a command is missing");
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (arguments[0] == "backends" && !rest.empty()) {
    RunBackends(rest);
    return 0;
  }
  if (arguments[0] != "load") return Usage("unknown command");
  LoadOptions options;
  for (const std::string& argument : rest) {
    const size_t equals = argument.find('=');
    if (argument.rfind("--", 0) != 0 || equals == std::string::npos) return Usage(argument.c_str());
    char* end = nullptr;
    const uint64_t value = strtoull(argument.c_str() + equals + 1, &end, 10);
    if (*end != '\0' || !SetFlag(options, argument.substr(2, equals - 2), value)) return Usage(argument.c_str());
  }
  if (options.port == 0) return Usage("--port is missing");
  return RunLoad(options);
}

}  // namespace
}  // namespace nuncio::soak

int main(int argc, char** argv) { return nuncio::soak::Main(std::vector<std::string>(argv + 1, argv + argc)); }
