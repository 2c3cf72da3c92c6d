#include "source/config/data_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "source/base/strings.h"

namespace nuncio::config {
namespace {

// Reads a regular file of at most `max_size` bytes. A FIFO or device, which might block or never end, is refused.
std::optional<std::string> ReadRegularFile(const std::string& path, size_t max_size, Faults& faults) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    faults.Add("filename", ToStd(ErrnoStatus(errno, StrCat("cannot open ", Quote(path))).message()));
    return std::nullopt;
  }
  struct stat about {};
  std::optional<std::string> content;
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    faults.Add("filename", StrCat(Quote(path), " is not a regular file"));
  } else {
    content.emplace();
    char chunk[16384];
    // One byte more than allowed tells a larger file, also one that grows meanwhile.
    while (content->size() <= max_size) {
      const ssize_t got = read(fd, chunk, std::min(sizeof(chunk), max_size + 1 - content->size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        faults.Add("filename", ToStd(ErrnoStatus(errno, StrCat("cannot read ", Quote(path))).message()));
        content.reset();
        break;
      }
      if (got == 0) break;
      content->append(chunk, static_cast<size_t>(got));
    }
  }
  close(fd);
  return content;
}

}  // namespace

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
      max_size = std::min(max_size, kMaxDataSourceFileSize);
      content = ReadRegularFile(source.filename(), max_size, faults);
      if (!content.has_value()) return std::nullopt;
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
