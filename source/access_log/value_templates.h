#pragma once

#include <memory>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/route/config.h"
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

// Header values of routes with the operators of access logs, such as `%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%`. Absent
// values are empty. The formatters' input must be a StreamFormatInput.
class ValueTemplates final : public route::FormatterFactory {
 public:
  std::unique_ptr<const route::ValueFormatter> Parse(std::string_view format, config::Faults& faults) const override;
};

}  // namespace nuncio::access_log
