#include "source/base/logging.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

#include "source/base/json_string.h"

namespace nuncio {
namespace {

constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warning", "error", "critical", "off"};
constexpr std::string_view kComponentNames[] = {"access_log", "admin",  "client", "config", "connection",
                                                "control",    "dns",    "filter", "grpc",   "http",
                                                "http2",      "main",   "pool",   "router", "upstream"};
static_assert(std::size(kComponentNames) == static_cast<size_t>(LogComponent::kCount));

// Loggers of Envoy's for which nothing is logged here: their levels are accepted.
constexpr std::string_view kEnvoyOnlyComponents[] = {
    "alternate_protocols_cache", "assert", "aws", "backtrace", "basic_auth", "cache_filter", "compression",
    "conn_handler", "credential_injector", "decompression", "dynamic_forward_proxy", "dynamic_modules", "envoy_bug",
    "ext_authz", "ext_proc", "file", "forward_proxy", "geolocation", "golang", "happy_eyeballs", "hc", "health_checker",
    "hystrix", "init", "io", "jwt", "kafka", "key_value_store", "lua", "matcher", "misc", "mongo", "multi_connection",
    "oauth2", "quic", "quic_stream", "rate_limit_quota", "rbac", "redis", "rocketmq", "runtime", "secret", "stats",
    "stats_sinks", "tap", "testing", "thrift", "tracing", "udp", "wasm", "websocket"};

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

// A message is one line, whatever a peer's bytes in it are.
void AppendOneLine(std::string& out, std::string_view message) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else {
      StrAppend(out, "\\x", kHex[byte >> 4], kHex[byte & 15]);
    }
  }
}

// The letters that mean in spdlog what they mean to strftime(3).
bool AppendTime(std::string& out, char letter, const tm& local) {
  if (std::string_view("aAbBcCDIprRXxy").find(letter) == std::string_view::npos) return false;
  // %C is the year in two digits there.
  const char format[] = {'%', letter == 'C' ? 'y' : letter, '\0'};
  char text[128];
  out.append(text, strftime(text, sizeof(text), format, &local));
  return true;
}

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
    case '_': AppendOneLine(out, r.message); return true;
    case 'j': AppendJsonEscaped(out, r.message); return true;
    case 'E': StrAppend(out, static_cast<long>(r.at.tv_sec)); return true;
    case 'g': out.append(r.file); return true;
    case 's': out.append(BaseName(r.file)); return true;
    case '#': StrAppend(out, r.line); return true;
    case '@': StrAppend(out, r.file, ':', r.line); return true;
    case '^':
    case '$': return true;
    case '%': out.push_back('%'); return true;
    default: return AppendTime(out, letter, r.local);
  }
}

// One "%..." of a pattern: where its letter is, and how wide it is to be.
struct Field {
  size_t letter = 0;
  char align = '>';
  size_t width = 0;
};

// The field whose percent sign is at `at`; nothing where the pattern ends before the letter or the width is above 64,
// which is as wide as spdlog goes.
std::optional<Field> ReadField(std::string_view pattern, size_t at) {
  Field field;
  if (++at < pattern.size() && (pattern[at] == '-' || pattern[at] == '=')) field.align = pattern[at++];
  while (at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9') {
    field.width = field.width * 10 + static_cast<size_t>(pattern[at++] - '0');
    if (field.width > 64) return std::nullopt;
  }
  if (at >= pattern.size()) return std::nullopt;
  field.letter = at;
  return field;
}

void Align(std::string& out, size_t start, const Field& field) {
  const size_t length = out.size() - start;
  if (length >= field.width) return;
  const size_t missing = field.width - length;
  const size_t before = field.align == '-' ? 0 : field.align == '=' ? missing / 2 : missing;
  out.insert(start, before, ' ');
  out.append(missing - before, ' ');
}

// Levels by component as a text asks for them.
struct ComponentLevels {
  std::vector<std::pair<LogComponent, LogLevel>> levels;
  std::vector<std::string> without_effect;
};

absl::StatusOr<ComponentLevels> ReadComponentLevels(std::string_view spec) {
  ComponentLevels out;
  while (!spec.empty()) {
    const size_t comma = spec.find(',');
    const std::string_view item = TrimOws(spec.substr(0, comma));
    spec = comma == std::string_view::npos ? std::string_view() : spec.substr(comma + 1);
    if (item.empty()) continue;
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos) {
      return InvalidArgument(StrCat("'", item, "' is not of the form component:level"));
    }
    const std::string_view name = item.substr(0, colon);
    auto level = ParseLogLevel(item.substr(colon + 1));
    if (!level.ok()) return level.status();
    const auto* found = std::find(std::begin(kComponentNames), std::end(kComponentNames), name);
    if (found != std::end(kComponentNames)) {
      out.levels.emplace_back(static_cast<LogComponent>(found - std::begin(kComponentNames)), *level);
    } else if (std::find(std::begin(kEnvoyOnlyComponents), std::end(kEnvoyOnlyComponents), name) !=
               std::end(kEnvoyOnlyComponents)) {
      out.without_effect.emplace_back(name);
    } else {
      std::string known;
      for (std::string_view each : kComponentNames) StrAppend(known, known.empty() ? "" : ", ", each);
      return InvalidArgument(StrCat("unknown log component '", name, "': one of ", known));
    }
  }
  return out;
}

}  // namespace

std::array<std::atomic<int>, static_cast<size_t>(LogComponent::kCount)> Log::above_info_;

std::string_view LogLevelName(LogLevel level) { return kLevelNames[static_cast<int>(level)]; }

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name) {
  if (EqualsIgnoreCase(name, "warn")) return LogLevel::kWarning;
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (EqualsIgnoreCase(name, kLevelNames[i])) return static_cast<LogLevel>(i);
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

// All or nothing: with an error no level is changed.
absl::Status Log::SetComponentLevels(std::string_view spec) {
  auto read = ReadComponentLevels(spec);
  if (!read.ok()) return read.status();
  for (const auto& [component, level] : read->levels) SetLevel(component, level);
  for (const std::string& name : read->without_effect) {
    NUNCIO_LOG(kMain, kInfo, "the log level of component ", name,
               " has no effect here: nothing is logged under that name");
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

// Besides what the header lists: %F (nanoseconds), %E (seconds since the epoch), %j (the message as in a JSON string),
// %_ (as %v), %@ (file and line), the date and time letters of AppendTime, and a least width after the percent sign:
// "%8l" aligns right, "%-8l" left, "%=8l" centres.
absl::Status Log::SetFormat(std::string_view pattern) {
  std::string scratch;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    const std::optional<Field> field = ReadField(pattern, i);
    if (!field.has_value()) {
      return InvalidArgument(StrCat("'", pattern.substr(i),
                                    "' in the log format is no field: after the percent sign comes a "
                                    "width up to 64 or none, then a letter ('%%' is the sign itself)"));
    }
    i = field->letter;
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
    if (sink.format[i] != '%') {
      text.push_back(sink.format[i]);
      continue;
    }
    const Field field = ReadField(sink.format, i).value_or(Field{});
    i = field.letter;
    const size_t start = text.size();
    AppendField(text, sink.format[i], record);
    Align(text, start, field);
  }
  text.push_back('\n');
  // A log that cannot be written must not stop the proxy; there is nowhere left to report it.
  [[maybe_unused]] const ssize_t written = write(sink.fd, text.data(), text.size());
}

}  // namespace nuncio
