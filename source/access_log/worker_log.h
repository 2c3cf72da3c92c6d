#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/access_log/log_writer.h"
#include "source/access_log/stream_info.h"
#include "source/base/thread_check.h"
#include "source/event/event_loop.h"

namespace nuncio::access_log {

// One worker's side of all access logs: formats entries into a buffer per file, and hands a buffer to the writer when
// it is full or the flush interval has passed. In a steady state an entry allocates nothing, takes no lock and makes no
// system call. Belongs to the loop's thread; the writer must outlive it.
class WorkerLog {
 public:
  WorkerLog(LogWriter& writer, event::EventLoop& loop, telemetry::StatsSlot slot);
  WorkerLog(const WorkerLog&) = delete;
  WorkerLog& operator=(const WorkerLog&) = delete;
  // Flushes.
  ~WorkerLog();

  // Writes an entry for a finished stream or connection if the log's filter wants it.
  void Write(const AccessLog& log, const StreamInfo& info);
  // Hands over all that is buffered: before the worker ends.
  void Flush();

 private:
  // Intervals without an entry after which a file's buffer is given up.
  static constexpr int kMaxIdleIntervals = 3;
  struct FileBuffer {
    LogFilePtr file;
    LogChunk chunk;
    int idle_intervals = 0;
  };

  FileBuffer& BufferOf(const LogFilePtr& file);
  void OnTimer();

  LogWriter& writer_;
  FileStats& stats_;
  event::Timer timer_;
  ThreadCheck thread_;
  // By the file's id; null where there is none.
  std::vector<std::unique_ptr<FileBuffer>> buffers_;
  std::string scratch_;
};

}  // namespace nuncio::access_log
