#include "source/base/logging.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>

namespace nuncio {
namespace {

constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warning", "error", "critical", "off"};
constexpr std::string_view kComponentNames[] = {"access_log", "admin",  "client", "config", "connection",
                                                "control",    "dns",    "filter", "grpc",   "http",
                                                "http2",      "main",   "pool",   "router", "upstream"};
static_assert(std::size(kComponentNames) == static_cast<size_t>(LogComponent::kCount));

struct Sink {
  std::mutex mutex;
  int fd = STDERR_FILENO;
  std::string path;
  std::string format = "[%Y-%m-%d %T.%e][%t][%l][%n] %v";
};

Sink& TheSink() {
  static Sink* sink = new Sink;  // Outlives every thread that may still log at exit.
  return *sink;
}

void AppendPadded(std::string& out, long value, int width) {
  char digits[24];
  const int n = snprintf(digits, sizeof(digits), "%0*ld", width, value);
  out.append(digits, static_cast<size_t>(n));
}

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

struct Record {
  LogComponent component;
  LogLevel level;
  std::string_view file;
  int line;
  std::string_view message;
  timespec at;
  tm local;
};

// False where the letter has no meaning.
bool AppendField(std::string& out, char letter, const Record& r) {
  switch (letter) {
    case 'Y': AppendPadded(out, r.local.tm_year + 1900, 4); return true;
    case 'm': AppendPadded(out, r.local.tm_mon + 1, 2); return true;
    case 'd': AppendPadded(out, r.local.tm_mday, 2); return true;
    case 'H': AppendPadded(out, r.local.tm_hour, 2); return true;
    case 'M': AppendPadded(out, r.local.tm_min, 2); return true;
    case 'S': AppendPadded(out, r.local.tm_sec, 2); return true;
    case 'e': AppendPadded(out, r.at.tv_nsec / 1000000, 3); return true;
    case 'f': AppendPadded(out, r.at.tv_nsec / 1000, 6); return true;
    case 'F': AppendPadded(out, r.at.tv_nsec, 9); return true;
    case 'T':
      AppendPadded(out, r.local.tm_hour, 2);
      out.push_back(':');
      AppendPadded(out, r.local.tm_min, 2);
      out.push_back(':');
      AppendPadded(out, r.local.tm_sec, 2);
      return true;
    case 'z': {
      const long offset = r.local.tm_gmtoff / 60;
      out.push_back(offset < 0 ? '-' : '+');
      AppendPadded(out, std::abs(offset) / 60, 2);
      out.push_back(':');
      AppendPadded(out, std::abs(offset) % 60, 2);
      return true;
    }
    case 't': StrAppend(out, static_cast<long>(syscall(SYS_gettid))); return true;
    case 'P': StrAppend(out, static_cast<long>(getpid())); return true;
    case 'l': out.append(LogLevelName(r.level)); return true;
    case 'L': out.push_back(static_cast<char>(LogLevelName(r.level)[0] - 'a' + 'A')); return true;
    case 'n': out.append(LogComponentName(r.component)); return true;
    case 'v':
    case '_': out.append(r.message); return true;
    case 'g': out.append(r.file); return true;
    case 's': out.append(BaseName(r.file)); return true;
    case '#': StrAppend(out, r.line); return true;
    case '@': StrAppend(out, r.file, ':', r.line); return true;
    case '^':
    case '$': return true;
    case '%': out.push_back('%'); return true;
    default: return false;
  }
}

}  // namespace

std::array<std::atomic<int>, static_cast<size_t>(LogComponent::kCount)> Log::above_info_;

std::string_view LogLevelName(LogLevel level) { return kLevelNames[static_cast<int>(level)]; }

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name) {
  if (name == "warn") return LogLevel::kWarning;
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (name == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return InvalidArgument(
      StrCat("unknown log level '", name, "': one of trace, debug, info, warning, error, critical, off"));
}

std::string_view LogComponentName(LogComponent component) { return kComponentNames[static_cast<int>(component)]; }

void Log::SetLevel(LogLevel level) {
  for (size_t i = 0; i < above_info_.size(); ++i) SetLevel(static_cast<LogComponent>(i), level);
}

void Log::SetLevel(LogComponent component, LogLevel level) {
  above_info_[static_cast<int>(component)].store(static_cast<int>(level) - static_cast<int>(LogLevel::kInfo),
                                               std::memory_order_relaxed);
}

absl::Status Log::SetComponentLevels(std::string_view spec) {
  while (!spec.empty()) {
    const size_t comma = spec.find(',');
    const std::string_view item = spec.substr(0, comma);
    spec = comma == std::string_view::npos ? std::string_view() : spec.substr(comma + 1);
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos) {
      return InvalidArgument(StrCat("'", item, "' is not of the form component:level"));
    }
    auto level = ParseLogLevel(item.substr(colon + 1));
    if (!level.ok()) return level.status();
    bool found = false;
    for (size_t i = 0; i < std::size(kComponentNames); ++i) {
      if (item.substr(0, colon) != kComponentNames[i]) continue;
      SetLevel(static_cast<LogComponent>(i), *level);
      found = true;
    }
    if (!found) {
      std::string known;
      for (std::string_view name : kComponentNames) StrAppend(known, known.empty() ? "" : ", ", name);
      return InvalidArgument(StrCat("unknown log component '", item.substr(0, colon), "': one of ", known));
    }
  }
  return absl::OkStatus();
}

absl::Status Log::OpenFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, StrCat("log file ", path));
  Sink& sink = TheSink();
  std::lock_guard lock(sink.mutex);
  if (sink.fd != STDERR_FILENO) close(sink.fd);
  sink.fd = fd;
  sink.path = path;
  return absl::OkStatus();
}

void Log::Reopen() {
  Sink& sink = TheSink();
  std::string path;
  {
    std::lock_guard lock(sink.mutex);
    path = sink.path;
  }
  if (path.empty()) return;
  if (absl::Status status = OpenFile(path); !status.ok()) {
    NUNCIO_LOG(kMain, kError, "log file kept as it was: ", status.message());
  }
}

absl::Status Log::SetFormat(std::string_view pattern) {
  std::string scratch;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size()) return InvalidArgument("log format ends in a lone '%'");
    if (!AppendField(scratch, pattern[i], Record{})) {
      return InvalidArgument(StrCat("log format has the unknown field '%", pattern[i], "'"));
    }
  }
  Sink& sink = TheSink();
  std::lock_guard lock(sink.mutex);
  sink.format = pattern;
  return absl::OkStatus();
}

void Log::Write(LogComponent component, LogLevel level, const char* file, int line, std::string_view message) {
  Record record{component, level, file, line, message, {}, {}};
  clock_gettime(CLOCK_REALTIME, &record.at);
  localtime_r(&record.at.tv_sec, &record.local);
  Sink& sink = TheSink();
  std::lock_guard lock(sink.mutex);
  std::string text;
  text.reserve(message.size() + 64);
  for (size_t i = 0; i < sink.format.size(); ++i) {
    if (sink.format[i] == '%') {
      AppendField(text, sink.format[++i], record);
    } else {
      text.push_back(sink.format[i]);
    }
  }
  text.push_back('\n');
  // A log that cannot be written must not stop the proxy; there is nowhere left to report it.
  [[maybe_unused]] const ssize_t written = write(sink.fd, text.data(), text.size());
}

}  // namespace nuncio
