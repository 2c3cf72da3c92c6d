#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace nuncio::config {

// As long as a path can be: errors name it whole.
inline constexpr size_t kMaxPathLength = 4096;

// Tells one state of a file from another without reading it.
struct FileState {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  // Of the last change of content or of what the file system keeps about it, in nanoseconds.
  int64_t changed_at = 0;

  friend bool operator==(const FileState&, const FileState&) = default;
};

// That of the file which `path` leads to now; of one that cannot be found, FileState().
FileState StateOfFile(const std::string& path);

struct FileContent {
  std::string bytes;
  FileState state;
};

// Reads a regular file of at most `max_size` bytes. A FIFO or device, which might block or never end, is an error, and
// so is a larger file. Errors name the file.
absl::StatusOr<FileContent> ReadRegularFile(const std::string& path, size_t max_size);

}  // namespace nuncio::config
