#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/config/fault.h"

namespace nuncio::config {

// Whose the files and environment variables are that a configuration names.
enum class DataSourceAccess : uint8_t {
  kRead,  // This process's: they are read.
  // Those of the proxies that will get the configuration: what they hold is not known, only their naming is checked.
  kNamesOnly,
};

// Larger files are refused, in bytes.
inline constexpr size_t kMaxDataSourceFileSize = 1 << 20;

// What `source` holds, at most `max_size` bytes; empty for a file or variable under kNamesOnly. nullopt, with a fault
// at a field of `source`, where it cannot be read, is larger, or names nothing.
std::optional<std::string> ReadDataSource(const envoy::config::core::v3::DataSource& source, size_t max_size,
                                          DataSourceAccess access, Faults& faults);

}  // namespace nuncio::config
