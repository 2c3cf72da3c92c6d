#pragma once

#include "source/telemetry/block.h"

// Statistics of the files that access logs go to: `access_log_file.*`.
namespace nuncio::access_log {

// write_buffered: entries. write_completed, write_failed: writes to a file. write_dropped: entries lost because a file
// was slower than its log or failed. flushed_by_timer: buffers handed over before they were full. write_total_buffered:
// bytes handed over and not yet written.
#define NUNCIO_ACCESS_LOG_FILE_STATS(X) \
  X(Counter, write_buffered)            \
  X(Counter, write_completed)           \
  X(Counter, write_failed)              \
  X(Counter, write_dropped)             \
  X(Counter, flushed_by_timer)          \
  X(Counter, reopen_failed)             \
  X(Gauge, write_total_buffered)
NUNCIO_STATS_BLOCK(FileStats, "", NUNCIO_ACCESS_LOG_FILE_STATS);
#undef NUNCIO_ACCESS_LOG_FILE_STATS

}  // namespace nuncio::access_log
