#pragma once

#include <optional>
#include <string>
#include <variant>

#include "source/access_log/json_template.h"
#include "source/access_log/log_filter.h"
#include "source/access_log/text_template.h"

namespace nuncio::access_log {

inline constexpr std::string_view kStdoutPath = "/dev/stdout";
inline constexpr std::string_view kStderrPath = "/dev/stderr";

// A compiled AccessLog: where entries go, which ones, and how they look. Immutable; any thread.
class AccessLogConfig {
 public:
  AccessLogConfig(std::string path, std::optional<LogFilter> filter, std::variant<TextTemplate, JsonTemplate> format,
                  bool omit_empty)
      : path_(std::move(path)), filter_(std::move(filter)), format_(std::move(format)), omit_empty_(omit_empty) {}

  // kStdoutPath and kStderrPath stand for the process's own descriptors.
  const std::string& path() const { return path_; }
  bool Wants(const StreamInfo& info) const { return !filter_.has_value() || filter_->Matches(info); }
  // Appends one entry. A JSON entry ends with a line break, a text one as its format says.
  void AppendEntry(const StreamInfo& info, std::string& scratch, std::string& out) const;

 private:
  const std::string path_;
  const std::optional<LogFilter> filter_;
  const std::variant<TextTemplate, JsonTemplate> format_;
  const bool omit_empty_;
};

}  // namespace nuncio::access_log
