#include "source/xds/state_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "source/base/logging.h"
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
  if (info.st_size < 0 || static_cast<uint64_t>(info.st_size) > StateStore::kMaxFileSize) {
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

std::string FilePath(const std::string& directory) { return StrCat(directory, "/resources"); }

}  // namespace

StateStore::StateStore(std::string directory, event::EventLoop& loop, ConfigThread& thread)
    : directory_(std::move(directory)),
      loop_(loop),
      thread_(thread),
      started_(loop.now()),
      save_(loop, Delegate<void()>::Bind<&StateStore::Save>(this)) {
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    NUNCIO_LOG(kConfig, kWarning, "state directory: ", ToStd(ErrnoStatus(errno, directory_).message()));
    return;
  }
  const auto text = ReadFile(FilePath(directory_));
  if (!text.ok()) {
    if (absl::IsNotFound(text.status())) return;
    NUNCIO_LOG(kConfig, kWarning, "state directory: ", ToStd(text.status().message()), "; going on without it");
    return;
  }
  auto entries = Parse(*text);
  if (!entries.ok()) {
    NUNCIO_LOG(kConfig, kWarning, "state directory: ", FilePath(directory_), ": ", ToStd(entries.status().message()),
               "; it is ignored");
    return;
  }
  entries_ = *std::move(entries);
}

StateStore::~StateStore() {
  if (changed_) Save();
}

absl::StatusOr<StateStore::Entries> StateStore::Parse(std::string_view text) {
  if (!text.starts_with(kMagic)) return InvalidArgument("does not begin as a state file of this version");
  if (text.size() < kMagic.size() + kChecksumSize) return InvalidArgument("is cut short");
  const std::string_view checksum = text.substr(text.size() - kChecksumSize);
  text.remove_suffix(kChecksumSize);
  if (ReadNumber(checksum, kChecksumSize) != Fnv1a(text)) return InvalidArgument("has a wrong checksum");
  text.remove_prefix(kMagic.size());
  Entries entries;
  while (!text.empty()) {
    std::string source, type, name, version, bytes;
    for (std::string* field : {&source, &type, &name, &version, &bytes}) {
      if (!TakeField(text, *field)) return InvalidArgument("has a record that is cut short");
    }
    entries[{std::move(source), std::move(type)}][std::move(name)] =
        Entry{std::move(version), std::make_shared<const std::string>(std::move(bytes)), /*claimed=*/false};
  }
  return entries;
}

std::string StateStore::Serialize(const Entries& entries) {
  std::string out(kMagic);
  for (const auto& [key, resources] : entries) {
    for (const auto& [name, entry] : resources) {
      for (const std::string_view field : {std::string_view(key.first), std::string_view(key.second),
                                           std::string_view(name), std::string_view(entry.version),
                                           std::string_view(*entry.bytes)}) {
        AppendField(out, field);
      }
    }
  }
  AppendNumber(out, Fnv1a(out), kChecksumSize);
  return out;
}

absl::Status StateStore::Write(const std::string& directory, const std::string& text) {
  const std::string path = FilePath(directory);
  const std::string fresh = StrCat(path, ".new");
  NUNCIO_RETURN_IF_ERROR(WriteSynced(fresh, text));
  if (rename(fresh.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  const Fd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return ErrnoStatus(errno, directory);
  return absl::OkStatus();
}

std::vector<SavedResource> StateStore::Find(std::string_view source, std::string_view type_url) const {
  std::vector<SavedResource> out;
  const auto found = entries_.find({std::string(source), std::string(type_url)});
  if (found == entries_.end()) return out;
  for (const auto& [name, entry] : found->second) out.push_back({name, entry.version, entry.bytes});
  return out;
}

void StateStore::Put(std::map<std::string, Entry>& entries, const SavedResource& resource) {
  Entry& entry = entries[resource.name];
  const bool same = entry.bytes != nullptr && entry.version == resource.version && *entry.bytes == *resource.bytes;
  entry.claimed = true;
  if (same) return;
  entry.version = resource.version;
  entry.bytes = resource.bytes;
  Changed();
}

void StateStore::Replace(std::string_view source, std::string_view type_url,
                         const std::vector<SavedResource>& resources) {
  auto& entries = entries_[{std::string(source), std::string(type_url)}];
  std::map<std::string, Entry> kept;
  for (const SavedResource& resource : resources) {
    if (auto old = entries.extract(resource.name)) kept.insert(std::move(old));
  }
  if (!entries.empty()) Changed();
  entries = std::move(kept);
  for (const SavedResource& resource : resources) Put(entries, resource);
}

void StateStore::Merge(std::string_view source, std::string_view type_url,
                       const std::vector<SavedResource>& resources) {
  auto& entries = entries_[{std::string(source), std::string(type_url)}];
  for (const SavedResource& resource : resources) Put(entries, resource);
}

void StateStore::Erase(std::string_view source, std::string_view type_url,
                       const std::set<std::string, std::less<>>& names) {
  const auto found = entries_.find({std::string(source), std::string(type_url)});
  if (found == entries_.end()) return;
  for (const std::string& name : names) {
    if (found->second.erase(name) > 0) Changed();
  }
}

void StateStore::Changed() {
  if (changed_) return;
  changed_ = true;
  save_.Arm(kSaveDelay);
}

void StateStore::Save() {
  changed_ = false;
  save_.Disarm();
  if (loop_.now() - started_ > kClaimTime) {
    for (auto& [key, resources] : entries_) {
      std::erase_if(resources, [](const auto& entry) { return !entry.second.claimed; });
    }
  }
  // The bytes are shared, not copied.
  thread_.Run([directory = directory_, entries = entries_]() -> ConfigThread::Then {
    if (absl::Status status = Write(directory, Serialize(entries)); !status.ok()) {
      NUNCIO_LOG(kConfig, kWarning, "state directory: ", ToStd(status.message()));
    }
    return nullptr;
  });
}

}  // namespace nuncio::xds
