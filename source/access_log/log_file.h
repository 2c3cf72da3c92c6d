#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace nuncio::access_log {

class LogWriter;

// Small numbers for open files, so that workers find their buffer for one in an array. Any thread.
class LogFileIds {
 public:
  uint32_t Take();
  void Return(uint32_t id);

 private:
  std::mutex mutex_;
  std::vector<uint32_t> free_;
  uint32_t next_ = 0;
};

// Entries on their way to a file, whole ones.
struct LogChunk {
  std::string data;
  uint64_t entries = 0;
};

// A file that access logs are appended to, or standard output or error. Made by LogWriter::Open; shared by all logs of
// one path and closed with the last of them. What is in it belongs to the writer.
class LogFile {
 public:
  LogFile(std::shared_ptr<LogFileIds> ids, std::string path, int fd, bool reopenable, mode_t mode);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  const std::string& path() const { return path_; }
  uint32_t id() const { return id_; }

 private:
  friend class LogWriter;

  // Constant after construction.
  const std::shared_ptr<LogFileIds> ids_;
  const uint32_t id_;
  const std::string path_;
  // False for the process's own descriptors.
  const bool reopenable_;
  // Who may read it, where it is made.
  const mode_t mode_;

  // Guarded by LogWriter::mutex_: bytes handed over and not yet written.
  size_t pending_bytes_ = 0;

  // Owned by the writer's thread.
  int fd_;
  // No regular file: written in pieces, and only when it takes them.
  bool stream_ = false;
  std::deque<LogChunk> backlog_;
  // How much of the first chunk is written.
  size_t written_ = 0;
  // The last write failed, and the log says so already.
  bool failing_ = false;
};

using LogFilePtr = std::shared_ptr<LogFile>;

}  // namespace nuncio::access_log
