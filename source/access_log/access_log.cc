#include "source/access_log/access_log.h"

#include "source/base/status_macros.h"

namespace nuncio::access_log {

absl::StatusOr<std::shared_ptr<const AccessLog>> AccessLog::Create(std::shared_ptr<const AccessLogConfig> config,
                                                                   LogWriter& writer) {
  NUNCIO_ASSIGN_OR_RETURN(LogFilePtr file, writer.Open(config->path()));
  return std::shared_ptr<const AccessLog>(new AccessLog(std::move(config), std::move(file)));
}

}  // namespace nuncio::access_log
