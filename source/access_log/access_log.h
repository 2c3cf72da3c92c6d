#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "source/access_log/access_log_config.h"
#include "source/access_log/log_writer.h"

namespace nuncio::access_log {

// A configured log with its file open. Immutable; shared by all workers.
class AccessLog {
 public:
  // An error where the file cannot be opened: the configuration that names it must be refused. Main.
  static absl::StatusOr<std::shared_ptr<const AccessLog>> Create(std::shared_ptr<const AccessLogConfig> config,
                                                                 LogWriter& writer);

  const AccessLogConfig& config() const { return *config_; }
  const LogFilePtr& file() const { return file_; }

 private:
  AccessLog(std::shared_ptr<const AccessLogConfig> config, LogFilePtr file)
      : config_(std::move(config)), file_(std::move(file)) {}

  const std::shared_ptr<const AccessLogConfig> config_;
  const LogFilePtr file_;
};

}  // namespace nuncio::access_log
