#include "source/config/file_content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "source/base/strings.h"
#include "source/config/fault.h"

namespace nuncio::config {
namespace {

FileState StateOf(const struct stat& about) {
  return {about.st_dev, about.st_ino, static_cast<uint64_t>(about.st_size),
          about.st_ctim.tv_sec * int64_t{1'000'000'000} + about.st_ctim.tv_nsec};
}

// An error leaves nothing in `out` that is of use.
absl::Status ReadAll(int fd, const std::string& path, size_t max_size, std::string& out) {
  char chunk[16384];
  // One byte more than allowed tells a larger file, also one that grows meanwhile.
  while (out.size() <= max_size) {
    const ssize_t got = read(fd, chunk, std::min(sizeof(chunk), max_size + 1 - out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, StrCat("cannot read ", Quote(path, kMaxPathLength)));
    if (got == 0) return absl::OkStatus();
    out.append(chunk, static_cast<size_t>(got));
  }
  return InvalidArgument(StrCat("holds more than the ", max_size, " bytes that are allowed"));
}

}  // namespace

FileState StateOfFile(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 ? StateOf(about) : FileState();
}

absl::StatusOr<FileContent> ReadRegularFile(const std::string& path, size_t max_size) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(errno, StrCat("cannot open ", Quote(path, kMaxPathLength)));
  struct stat about {};
  FileContent content;
  absl::Status status;
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    status = InvalidArgument(StrCat(Quote(path, kMaxPathLength), " is not a regular file"));
  } else {
    content.state = StateOf(about);
    status = ReadAll(fd, path, max_size, content.bytes);
  }
  close(fd);
  if (!status.ok()) return status;
  return content;
}

}  // namespace nuncio::config
