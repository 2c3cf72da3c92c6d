#include "source/access_log/log_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace nuncio::access_log {

uint32_t LogFileIds::Take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) return next_++;
  const uint32_t id = free_.back();
  free_.pop_back();
  return id;
}

void LogFileIds::Return(uint32_t id) {
  const std::lock_guard lock(mutex_);
  free_.push_back(id);
}

LogFile::LogFile(std::shared_ptr<LogFileIds> ids, std::string path, int fd, bool reopenable, mode_t mode)
    : ids_(std::move(ids)),
      id_(ids_->Take()),
      path_(std::move(path)),
      reopenable_(reopenable),
      mode_(mode),
      fd_(fd) {
  struct stat status {};
  stream_ = fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode);
}

LogFile::~LogFile() {
  if (fd_ >= 0) close(fd_);
  ids_->Return(id_);
}

}  // namespace nuncio::access_log
