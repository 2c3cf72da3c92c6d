#include "source/server/key_log_file.h"

#include <mutex>
#include <utility>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::server {
namespace {

// Of no thread: all key logs share their counters under this lock. Handshakes on several workers may write; whoever
// asked for a key log is finding faults, not looking for speed.
constinit std::mutex mutex;
constexpr telemetry::StatsSlot kKeyLogSlot = 0xfffffffe;
// Who can read it can read the connections.
constexpr mode_t kOwnerOnly = 0600;

}  // namespace

std::shared_ptr<tls::KeyLogSink> KeyLogFile::Open(access_log::LogWriter& writer, const std::string& path) {
  auto file = writer.Open(path, kOwnerOnly);
  if (file.ok()) return std::make_shared<KeyLogFile>(writer, *std::move(file));
  NUNCIO_LOG(kConfig, kError, "key log: ", ToStd(file.status().message()));
  return nullptr;
}

KeyLogFile::KeyLogFile(access_log::LogWriter& writer, access_log::LogFilePtr file)
    : writer_(writer),
      file_(std::move(file)),
      stats_(writer.scope()->Get<access_log::FileStats>(kKeyLogSlot)) {}

void KeyLogFile::Write(std::string_view line) {
  access_log::LogChunk chunk{StrCat(line, "\n"), 1};
  const std::lock_guard lock(mutex);
  writer_.Submit(file_, chunk, stats_);
}

}  // namespace nuncio::server
