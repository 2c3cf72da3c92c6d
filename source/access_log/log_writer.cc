#include "source/access_log/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "source/access_log/access_log_config.h"
#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::access_log {
namespace {

// Empty buffers kept for the workers, and the size up to which one is worth keeping.
constexpr size_t kMaxFreeBuffers = 64;
constexpr size_t kMaxKeptCapacity = 256 << 10;

// Without O_NONBLOCK a FIFO that nobody reads would hold up the opener; regular files do not care.
int OpenForAppend(const std::string& path, mode_t mode) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
}

MonotonicTime Now() { return Clock::Real().Monotonic(); }

}  // namespace

LogWriter::LogWriter(telemetry::StatsStore& stats, Options options)
    : options_(options),
      scope_(stats.GetScope(telemetry::ScopeName().Add("access_log_file"))),
      ids_(std::make_shared<LogFileIds>()),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      stats_(scope_->Get<FileStats>(telemetry::kLogWriterSlot)) {
  // Signals are main's; a write to a closed pipe must not end the process either.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  Stop(std::chrono::seconds(1));
  close(wake_fd_);
}

absl::StatusOr<LogFilePtr> LogWriter::Open(const std::string& path, mode_t mode) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<LogFile>& entry = files_[path];
  if (LogFilePtr file = entry.lock()) return file;
  const bool own = path == kStdoutPath || path == kStderrPath;
  const int fd = own ? fcntl(path == kStdoutPath ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                     : OpenForAppend(path, mode);
  if (fd < 0) {
    const int error = errno;
    files_.erase(path);
    return ErrnoStatus(error, StrCat("access log ", path, ": cannot be opened for appending"));
  }
  LogFilePtr file = std::make_shared<LogFile>(ids_, path, fd, !own, mode);
  entry = file;
  std::erase_if(files_, [](const auto& item) { return item.second.expired(); });
  return file;
}

void LogWriter::Wake() {
  const uint64_t one = 1;
  // Full only when the thread is awake anyway.
  static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
}

void LogWriter::ReopenAll() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (!reopen_) ++unfinished_;
    reopen_ = true;
  }
  Wake();
}

void LogWriter::Submit(const LogFilePtr& file, LogChunk& chunk, FileStats& stats) {
  if (chunk.data.empty()) return;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || file->pending_bytes_ + chunk.data.size() > options_.max_pending_bytes) {
      stats.write_dropped.Add(chunk.entries);
      chunk.data.clear();
      chunk.entries = 0;
      return;
    }
    const size_t size = chunk.data.size();
    file->pending_bytes_ += size;
    ++unfinished_;
    wake = queue_.empty();
    queue_.emplace_back(file, std::move(chunk));
    chunk = LogChunk{};
    if (!free_buffers_.empty()) {
      chunk.data = std::move(free_buffers_.back());
      free_buffers_.pop_back();
    }
    stats.write_total_buffered.Add(static_cast<int64_t>(size));
  }
  if (chunk.data.capacity() < options_.buffer_bytes) {
    chunk.data.reserve(options_.buffer_bytes + options_.buffer_bytes / 8);
  }
  if (wake) Wake();
}

void LogWriter::WaitUntilWritten() {
  std::unique_lock lock(mutex_);
  progress_.wait(lock, [this] { return unfinished_ == 0 || stopped_; });
}

void LogWriter::Stop(Duration grace) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    give_up_at_ = Now() + grace;
  }
  Wake();
  thread_.join();
}

void LogWriter::Wait(const std::vector<LogFilePtr>& stalled) {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  for (const LogFilePtr& file : stalled) fds.push_back({file->fd_, POLLOUT, 0});
  int timeout = -1;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up_at_ - Now()).count();
      timeout = static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
    }
  }
  poll(fds.data(), fds.size(), timeout);
  uint64_t count = 0;
  static_cast<void>(!read(wake_fd_, &count, sizeof(count)));
}

void LogWriter::Run() {
  std::vector<std::pair<LogFilePtr, LogChunk>> taken;
  // Files with a backlog, each once.
  std::vector<LogFilePtr> busy;
  for (;;) {
    Wait(busy);
    bool reopen = false;
    bool stopping = false;
    std::vector<LogFilePtr> to_reopen;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(queue_);
      reopen = std::exchange(reopen_, false);
      stopping = stopping_;
      if (reopen) {
        for (const auto& [path, file] : files_) {
          if (LogFilePtr living = file.lock()) to_reopen.push_back(std::move(living));
        }
      }
    }
    for (auto& [file, chunk] : taken) {
      if (file->backlog_.empty()) busy.push_back(file);
      file->backlog_.push_back(std::move(chunk));
    }
    taken.clear();
    for (const LogFilePtr& file : busy) WriteBacklog(*file);
    std::erase_if(busy, [](const LogFilePtr& file) { return file->backlog_.empty(); });
    for (const LogFilePtr& file : to_reopen) Reopen(*file);
    if (reopen) {
      const std::lock_guard lock(mutex_);
      --unfinished_;
      progress_.notify_all();
    }
    if (!stopping) continue;
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() || reopen_) continue;
    if (!busy.empty() && Now() < give_up_at_) continue;
    break;
  }
  for (const LogFilePtr& file : busy) DropBacklog(*file);
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  progress_.notify_all();
}

void LogWriter::Reopen(LogFile& file) {
  if (!file.reopenable_) return;
  const int fd = OpenForAppend(file.path_, file.mode_);
  if (fd < 0) {
    stats_.reopen_failed.Inc();
    NUNCIO_LOG(kAccessLog, kError, "access log ", file.path_, ": cannot be reopened, goes on to the old file: ",
               ToStd(ErrnoStatus(errno, "open").message()));
    return;
  }
  close(file.fd_);
  file.fd_ = fd;
}

size_t LogWriter::PieceSize(std::string_view rest) {
  // poll(2) promises room for PIPE_BUF bytes and no more, and descriptor 1 is not ours to make non-blocking. Whole
  // lines where possible: others may write to it too.
  if (rest.size() <= PIPE_BUF) return rest.size();
  const size_t line = rest.rfind('\n', PIPE_BUF - 1);
  return line == std::string_view::npos ? PIPE_BUF : line + 1;
}

void LogWriter::WriteBacklog(LogFile& file) {
  while (!file.backlog_.empty()) {
    const std::string_view rest = std::string_view(file.backlog_.front().data).substr(file.written_);
    size_t size = rest.size();
    if (file.stream_) {
      pollfd ready{file.fd_, POLLOUT, 0};
      if (poll(&ready, 1, 0) <= 0) return;
      size = PieceSize(rest);
    }
    const ssize_t n = write(file.fd_, rest.data(), size);
    if (n < 0) {
      const int error = errno;
      if (error == EINTR) continue;
      if (error == EAGAIN) return;
      stats_.write_failed.Inc();
      if (!file.failing_) {
        NUNCIO_LOG(kAccessLog, kError, "access log ", file.path_, ": entries are lost: ",
                   ToStd(ErrnoStatus(error, "write").message()));
      }
      file.failing_ = true;
      FinishChunk(file, true);
      continue;
    }
    file.failing_ = false;
    stats_.write_completed.Inc();
    file.written_ += static_cast<size_t>(n);
    if (static_cast<size_t>(n) == rest.size()) FinishChunk(file, false);
  }
}

void LogWriter::FinishChunk(LogFile& file, bool dropped) {
  LogChunk chunk = std::move(file.backlog_.front());
  file.backlog_.pop_front();
  file.written_ = 0;
  const size_t size = chunk.data.size();
  if (dropped) stats_.write_dropped.Add(chunk.entries);
  stats_.write_total_buffered.Sub(static_cast<int64_t>(size));
  const std::lock_guard lock(mutex_);
  file.pending_bytes_ -= size;
  if (--unfinished_ == 0) progress_.notify_all();
  Recycle(std::move(chunk.data));
}

void LogWriter::DropBacklog(LogFile& file) {
  while (!file.backlog_.empty()) FinishChunk(file, true);
}

void LogWriter::Recycle(std::string buffer) {
  if (free_buffers_.size() >= kMaxFreeBuffers || buffer.capacity() > kMaxKeptCapacity) return;
  buffer.clear();
  free_buffers_.push_back(std::move(buffer));
}

}  // namespace nuncio::access_log
