#include "source/access_log/worker_log.h"

namespace nuncio::access_log {

WorkerLog::WorkerLog(LogWriter& writer, event::EventLoop& loop, telemetry::StatsSlot slot)
    : writer_(writer),
      stats_(writer.scope()->Get<FileStats>(slot)),
      timer_(loop, Delegate<void()>::Bind<&WorkerLog::OnTimer>(this)) {
  scratch_.reserve(1024);
}

WorkerLog::~WorkerLog() { Flush(); }

WorkerLog::FileBuffer& WorkerLog::BufferOf(const LogFilePtr& file) {
  const uint32_t id = file->id();
  if (id >= buffers_.size()) buffers_.resize(id + 1);
  if (buffers_[id] == nullptr) {
    buffers_[id] = std::make_unique<FileBuffer>();
    buffers_[id]->file = file;
    // A full buffer and the entry that filled it, without growing.
    buffers_[id]->chunk.data.reserve(writer_.options().buffer_bytes + writer_.options().buffer_bytes / 8);
  }
  return *buffers_[id];
}

void WorkerLog::Write(const AccessLog& log, const StreamInfo& info) {
  NUNCIO_CHECK_THREAD(thread_);
  if (!log.config().Wants(info)) return;
  FileBuffer& buffer = BufferOf(log.file());
  log.config().AppendEntry(info, scratch_, buffer.chunk.data);
  ++buffer.chunk.entries;
  stats_.write_buffered.Inc();
  if (buffer.chunk.data.size() >= writer_.options().buffer_bytes) {
    writer_.Submit(buffer.file, buffer.chunk, stats_);
    buffer.idle_intervals = 0;
  }
  if (!timer_.armed()) timer_.Arm(writer_.options().flush_interval);
}

void WorkerLog::OnTimer() {
  bool any = false;
  for (std::unique_ptr<FileBuffer>& buffer : buffers_) {
    if (buffer == nullptr) continue;
    if (!buffer->chunk.data.empty()) {
      writer_.Submit(buffer->file, buffer->chunk, stats_);
      stats_.flushed_by_timer.Inc();
      buffer->idle_intervals = 0;
    } else if (++buffer->idle_intervals >= kMaxIdleIntervals) {
      buffer.reset();
      continue;
    }
    any = true;
  }
  if (any) timer_.Arm(writer_.options().flush_interval);
}

void WorkerLog::Flush() {
  for (std::unique_ptr<FileBuffer>& buffer : buffers_) {
    if (buffer != nullptr) writer_.Submit(buffer->file, buffer->chunk, stats_);
  }
}

}  // namespace nuncio::access_log
