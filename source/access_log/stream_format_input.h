#pragma once

#include "source/access_log/stream_info.h"
#include "source/route/value_formatter.h"

namespace nuncio::access_log {

// What formatters made by ValueTemplates read: the stream.
class StreamFormatInput final : public route::FormatInput {
 public:
  explicit StreamFormatInput(const StreamInfo& info) : info_(info) {}
  const StreamInfo& info() const { return info_; }

 private:
  const StreamInfo& info_;
};

}  // namespace nuncio::access_log
