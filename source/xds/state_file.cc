#include "source/xds/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::xds {
namespace {

constexpr std::string_view kMagic = "nuncio state 1\n";
constexpr size_t kChecksumSize = 8;

uint64_t Fnv1a(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void AppendNumber(std::string& out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t ReadNumber(std::string_view bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

void AppendField(std::string& out, std::string_view field) {
  AppendNumber(out, field.size(), 4);
  out.append(field);
}

bool TakeField(std::string_view& from, std::string& field) {
  if (from.size() < 4) return false;
  const uint64_t size = ReadNumber(from, 4);
  from.remove_prefix(4);
  if (from.size() < size) return false;
  field = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(StrCat(path, ": is no regular file"));
  if (info.st_size < 0 || static_cast<uint64_t>(info.st_size) > StateFile::kMaxSize) {
    return InvalidArgument(StrCat(path, ": is too large for what it is said to be"));
  }
  std::string text(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  text.resize(done);
  return text;
}

absl::Status WriteSynced(const std::string& path, std::string_view text) {
  const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  while (!text.empty()) {
    const ssize_t wrote = write(fd.get(), text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ErrnoStatus(errno, path);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  if (fsync(fd.get()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KeptTypes> StateFile::Read() const {
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, directory_);
  const auto text = ReadFile(Path());
  if (absl::IsNotFound(text.status())) return KeptTypes();
  NUNCIO_RETURN_IF_ERROR(text.status());
  auto types = Parse(*text);
  if (!types.ok()) return InvalidArgument(StrCat(Path(), ": ", ToStd(types.status().message())));
  return types;
}

absl::Status StateFile::Write(const KeptTypes& types) const {
  const std::string path = Path();
  const std::string fresh = StrCat(path, ".new");
  NUNCIO_RETURN_IF_ERROR(WriteSynced(fresh, Serialize(types)));
  if (rename(fresh.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  const Fd fd(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return ErrnoStatus(errno, directory_);
  return absl::OkStatus();
}

std::string StateFile::Path() const { return StrCat(directory_, "/resources"); }

absl::StatusOr<KeptTypes> StateFile::Parse(std::string_view text) {
  if (!text.starts_with(kMagic)) return InvalidArgument("does not begin as a state file of this version");
  if (text.size() < kMagic.size() + kChecksumSize) return InvalidArgument("is cut short");
  const std::string_view checksum = text.substr(text.size() - kChecksumSize);
  text.remove_suffix(kChecksumSize);
  if (ReadNumber(checksum, kChecksumSize) != Fnv1a(text)) return InvalidArgument("has a wrong checksum");
  text.remove_prefix(kMagic.size());
  KeptTypes types;
  while (!text.empty()) {
    std::string source, type, name, version, bytes;
    for (std::string* field : {&source, &type, &name, &version, &bytes}) {
      if (!TakeField(text, *field)) return InvalidArgument("has a record that is cut short");
    }
    types[{std::move(source), std::move(type)}].resources.insert_or_assign(
        std::move(name), KeptResource{std::move(version), std::make_shared<const std::string>(std::move(bytes))});
  }
  return types;
}

std::string StateFile::Serialize(const KeptTypes& types) {
  std::string out(kMagic);
  for (const auto& [key, type] : types) {
    for (const auto& [name, resource] : type.resources) {
      for (const std::string_view field : {std::string_view(key.first), std::string_view(key.second),
                                           std::string_view(name), std::string_view(type.VersionOf(resource)),
                                           std::string_view(*resource.bytes)}) {
        AppendField(out, field);
      }
    }
  }
  AppendNumber(out, Fnv1a(out), kChecksumSize);
  return out;
}

}  // namespace nuncio::xds
