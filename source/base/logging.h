#pragma once

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "source/base/strings.h"

// The process's own log (not access logs). A message belongs to a component, whose level can be changed at run time
// by --component-log-level and /logging. Lines are whole: one write(2) each. Any thread may log; the request path
// logs only below its component's level check.
namespace nuncio {

enum class LogLevel : int { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

enum class LogComponent : int {
  kAccessLog,
  kAdmin,
  kClient,
  kConfig,
  kConnection,
  kControl,
  kDns,
  kFilter,
  kGrpc,
  kHttp,
  kHttp2,
  kMain,
  kPool,
  kRouter,
  kUpstream,
  kCount,
};

std::string_view LogLevelName(LogLevel level);
// trace, debug, info, warning (or warn), error, critical, off.
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name);
std::string_view LogComponentName(LogComponent component);

class Log {
 public:
  static LogLevel level(LogComponent component) {
    return static_cast<LogLevel>(above_info_[static_cast<int>(component)].load(std::memory_order_relaxed) +
                                 static_cast<int>(LogLevel::kInfo));
  }
  static bool Enabled(LogComponent component, LogLevel at) { return at >= level(component); }
  static void SetLevel(LogLevel level);
  static void SetLevel(LogComponent component, LogLevel level);
  // "upstream:debug,connection:trace".
  static absl::Status SetComponentLevels(std::string_view spec);
  // Appends to `path` from now on instead of standard error.
  static absl::Status OpenFile(const std::string& path);
  // Opens the log file anew, after a rotation. Does nothing for standard error.
  static void Reopen();
  // spdlog-style pattern: %Y %m %d %H %M %S %e (ms) %f (us) %T (H:M:S) %z, %t thread id, %P process id, %l level, %L
  // its initial, %n component, %v message, %g source file, %s its base name, %# line, %^ and %$ nothing, %% a percent
  // sign.
  static absl::Status SetFormat(std::string_view pattern);
  static void Write(LogComponent component, LogLevel level, const char* file, int line, std::string_view message);

 private:
  // Relative to kInfo, so that zero initialisation is the default level.
  static std::array<std::atomic<int>, static_cast<size_t>(LogComponent::kCount)> above_info_;
};

}  // namespace nuncio

// NUNCIO_LOG(kUpstream, kWarning, "cluster ", name, ": no hosts"): arguments as for StrCat, evaluated only when logged.
#define NUNCIO_LOG(component, level, ...)                                                                        \
  do {                                                                                                           \
    if (::nuncio::Log::Enabled(::nuncio::LogComponent::component, ::nuncio::LogLevel::level)) [[unlikely]] {     \
      ::nuncio::Log::Write(::nuncio::LogComponent::component, ::nuncio::LogLevel::level, __FILE__, __LINE__,     \
                           ::nuncio::StrCat(__VA_ARGS__));                                                       \
    }                                                                                                            \
  } while (false)
