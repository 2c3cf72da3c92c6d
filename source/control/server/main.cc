// nuncio-control: see HelpText in options.cc and docs/control_plane.md.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/base/version.h"
#include "source/control/server/control_server.h"
#include "source/control/server/options.h"
#include "source/control/store/sqlite_store.h"

namespace nuncio::control {
namespace {

// Complete or not there, for whoever waits for it.
absl::Status WriteAddresses(const std::string& path, const ControlServer& server) {
  std::string text = StrCat("listen ", server.listen_address(), "\nxds ", server.xds_address(), "\n");
  if (!server.http_address().empty()) StrAppend(text, "http ", server.http_address(), "\n");
  const std::string unfinished = StrCat(path, ".tmp");
  FILE* file = fopen(unfinished.c_str(), "we");
  if (file == nullptr) return ErrnoStatus(errno, StrCat("--address-path=", path));
  const bool written = fwrite(text.data(), 1, text.size(), file) == text.size();
  if (fclose(file) != 0 || !written || rename(unfinished.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, StrCat("--address-path=", path));
  }
  return absl::OkStatus();
}

// Signals come to the main thread, one at a time, and nowhere else.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

void ServeUntilStopped(ControlServer& server, const sigset_t& signals) {
  while (true) {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) {
      NUNCIO_LOG(kControl, kInfo, "signal ", signal, ": stopping");
      return;
    }
    if (signal == SIGUSR1) Log::Reopen();
    server.Tick();
  }
}

absl::Status Run(const Options& options) {
  const sigset_t signals = BlockSignals();
  Log::SetLevel(options.log_level);
  if (!options.log_path.empty()) NUNCIO_RETURN_IF_ERROR(Log::OpenFile(options.log_path));
  NUNCIO_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, SqliteStore::Open(options.store));
  NUNCIO_ASSIGN_OR_RETURN(const std::unique_ptr<ControlServer> server,
                          ControlServer::Start(options, Clock::Real(), std::move(store)));
  NUNCIO_LOG(kControl, kInfo, "serving operators on ", server->listen_address(), ", xDS on ", server->xds_address(),
             server->http_address().empty() ? "" : ", HTTP on ", server->http_address());
  if (!options.address_path.empty()) NUNCIO_RETURN_IF_ERROR(WriteAddresses(options.address_path, *server));
  ServeUntilStopped(*server, signals);
  server->Stop();
  return absl::OkStatus();
}

int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Options> options = Options::Parse(arguments);
  if (!options.ok()) {
    fprintf(stderr, "nuncio-control: %s\n", std::string(ToStd(options.status().message())).c_str());
    return 2;
  }
  switch (options->action) {
    case Options::Action::kPrintHelp:
      fputs(HelpText().c_str(), stdout);
      return 0;
    case Options::Action::kPrintVersion:
      printf("nuncio-control %s\n", std::string(kVersion).c_str());
      return 0;
    case Options::Action::kServe:
      break;
  }
  const absl::Status status = Run(*options);
  if (status.ok()) return 0;
  fprintf(stderr, "nuncio-control: %s\n", std::string(ToStd(status.message())).c_str());
  return 1;
}

}  // namespace
}  // namespace nuncio::control

int main(int argc, char** argv) { return nuncio::control::Main(std::vector<std::string>(argv + 1, argv + argc)); }
