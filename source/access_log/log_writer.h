#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "source/access_log/file_stats.h"
#include "source/access_log/log_file.h"
#include "source/base/clock.h"
#include "source/telemetry/stats_store.h"

namespace nuncio::access_log {

// Writes access logs to their files on a thread of its own, so that no worker waits for a disk or a pipe. What a file
// does not take in time is bounded, then dropped and counted; a stalled pipe does not hold up the other files.
class LogWriter {
 public:
  struct Options {
    // Bytes that may wait for one file.
    size_t max_pending_bytes = 16 << 20;
    // A worker hands its buffer over at this size, in bytes, ...
    size_t buffer_bytes = 64 << 10;
    // ... or when it is this old.
    Duration flush_interval = std::chrono::seconds(1);
  };

  LogWriter(telemetry::StatsStore& stats, Options options);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Stop, with a second of grace.
  ~LogWriter();

  // The file at `path`, opened for appending and made where it is missing, or standard output or error for kStdoutPath
  // and kStderrPath. `mode`: who may read it, where it is made. Errors name the path. Main.
  absl::StatusOr<LogFilePtr> Open(const std::string& path, mode_t mode = 0644);

  // Opens every file anew at its path, once what was handed over is written. Any thread.
  void ReopenAll();

  // Hands `chunk` over and gives an empty one with room in its place. Drops the entries where the file has too many
  // waiting, or after Stop; `stats` is the caller's. Any thread.
  void Submit(const LogFilePtr& file, LogChunk& chunk, FileStats& stats);

  // Waits until what was handed over so far is written or dropped, and what was to be reopened is. For tests and for an
  // orderly end; not on a worker.
  void WaitUntilWritten();

  // Writes what is there and ends the thread; files that take nothing for `grace` lose the rest. Idempotent. Main, when
  // no worker submits any more.
  void Stop(Duration grace);

  const Options& options() const { return options_; }
  const telemetry::ScopePtr& scope() const { return scope_; }

 private:
  void Run();
  // Sleeps until there is something to do; `stalled` are the files that did not take all.
  void Wait(const std::vector<LogFilePtr>& stalled);
  void Wake();
  void Reopen(LogFile& file);
  // Writes until the file takes no more.
  void WriteBacklog(LogFile& file);
  // Bytes written at once to what is no regular file.
  static size_t PieceSize(std::string_view rest);
  // What the first chunk of the file has still to be written is done with.
  void FinishChunk(LogFile& file, bool dropped);
  void DropBacklog(LogFile& file);
  void Recycle(std::string buffer);  // With mutex_ held.

  // Constant after construction.
  const Options options_;
  const telemetry::ScopePtr scope_;
  const std::shared_ptr<LogFileIds> ids_;
  int wake_fd_ = -1;

  std::mutex mutex_;
  std::condition_variable progress_;
  // Guarded by mutex_.
  std::map<std::string, std::weak_ptr<LogFile>> files_;
  std::vector<std::pair<LogFilePtr, LogChunk>> queue_;
  std::vector<std::string> free_buffers_;
  bool reopen_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  MonotonicTime give_up_at_{};
  size_t unfinished_ = 0;  // Chunks handed over and neither written nor dropped, plus a reopening under way.

  // Owned by the writer's thread.
  FileStats& stats_;
  std::thread thread_;
};

}  // namespace nuncio::access_log
