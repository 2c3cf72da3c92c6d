#include "source/config/data_source.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "source/base/strings.h"
#include "source/config/file_content.h"

namespace nuncio::config {

std::optional<std::string> ReadDataSource(const envoy::config::core::v3::DataSource& source, size_t max_size,
                                          DataSourceAccess access, Faults& faults) {
  using Source = envoy::config::core::v3::DataSource;
  std::optional<std::string> content;
  std::string_view field;
  switch (source.specifier_case()) {
    case Source::kFilename:
      field = "filename";
      if (source.filename().empty() || source.filename().find('\0') != std::string::npos) {
        faults.Add(field, "must be the path of a file");
        return std::nullopt;
      }
      if (access == DataSourceAccess::kNamesOnly) return std::string();
      if (auto file = ReadRegularFile(source.filename(), std::min(max_size, kMaxDataSourceFileSize)); file.ok()) {
        content = std::move(file->bytes);
      } else {
        faults.Add(field, ToStd(file.status().message()));
        return std::nullopt;
      }
      break;
    case Source::kInlineBytes:
      field = "inline_bytes";
      content = source.inline_bytes();
      break;
    case Source::kInlineString:
      field = "inline_string";
      content = source.inline_string();
      break;
    case Source::kEnvironmentVariable: {
      field = "environment_variable";
      if (source.environment_variable().empty() || source.environment_variable().find('\0') != std::string::npos) {
        faults.Add(field, "must be the name of a variable");
        return std::nullopt;
      }
      if (access == DataSourceAccess::kNamesOnly) return std::string();
      const char* const value = getenv(source.environment_variable().c_str());
      if (value == nullptr) {
        faults.Add(field, StrCat("the variable ", Quote(source.environment_variable()),
                                 " is not set in the environment of this process"));
        return std::nullopt;
      }
      content = value;
      break;
    }
    case Source::SPECIFIER_NOT_SET:
      faults.Add("must have one of filename, inline_bytes, inline_string and environment_variable");
      return std::nullopt;
  }
  if (content->size() > max_size) {
    faults.Add(field, StrCat("holds more than the ", max_size, " bytes that are allowed"));
    return std::nullopt;
  }
  return content;
}

}  // namespace nuncio::config
