#pragma once

#include <memory>
#include <string_view>

#include "source/access_log/stream_format_input.h"
#include "source/route/config.h"
#include "source/route/value_formatter.h"

namespace nuncio::access_log {

// Header values of routes with the operators of access logs, such as `%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%`. Absent
// values are empty. The formatters' input must be a StreamFormatInput.
class ValueTemplates final : public route::FormatterFactory {
 public:
  std::unique_ptr<const route::ValueFormatter> Parse(std::string_view format, config::Faults& faults) const override;
};

}  // namespace nuncio::access_log
