#include "source/event/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::event {
namespace {

constexpr uint32_t kEvents =
    IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::string_view kKubernetesLink = "..data";

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A file that is made is not written yet; a link is whole at once.
bool IsLink(const std::string& directory, std::string_view name) {
  struct stat about {};
  return lstat(StrCat(directory, "/", name).c_str(), &about) == 0 && S_ISLNK(about.st_mode);
}

}  // namespace

// The instance of a loop, which lives as long as one of its watches.
class FileWatch::Inotify final : public std::enable_shared_from_this<Inotify>, private FdHandler {
 public:
  static std::shared_ptr<Inotify> Of(EventLoop& loop);
  explicit Inotify(EventLoop& loop);
  ~Inotify();

  // The number of the directory's watch, or -1 with errno.
  int Add(const std::string& directory, FileWatch& watch);
  void Remove(int number, FileWatch& watch);

 private:
  void OnFdEvents(uint32_t events) override;
  void Sort(const inotify_event& event, std::string_view name);
  void LoseDirectory(int number);

  EventLoop& loop_;
  int fd_;
  std::map<int, std::vector<FileWatch*>> watches_;
  // To be told of a change.
  std::vector<FileWatch*> changed_;
};

std::shared_ptr<FileWatch::Inotify> FileWatch::Inotify::Of(EventLoop& loop) {
  thread_local std::map<EventLoop*, std::weak_ptr<Inotify>> instances;
  std::erase_if(instances, [](const auto& each) { return each.second.expired(); });
  std::weak_ptr<Inotify>& known = instances[&loop];
  std::shared_ptr<Inotify> instance = known.lock();
  if (instance == nullptr) known = instance = std::make_shared<Inotify>(loop);
  return instance;
}

FileWatch::Inotify::Inotify(EventLoop& loop) : loop_(loop), fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ >= 0 && loop_.RegisterReadOnly(fd_, *this, /*level=*/true) == 0) return;
  NUNCIO_LOG(kConfig, kError, "changes of files will not be noticed: ",
             ToStd(ErrnoStatus(errno, "inotify").message()));
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

FileWatch::Inotify::~Inotify() {
  if (fd_ < 0) return;
  loop_.Unregister(fd_, *this);
  close(fd_);
}

int FileWatch::Inotify::Add(const std::string& directory, FileWatch& watch) {
  const int number = inotify_add_watch(fd_, directory.c_str(), kEvents);
  if (number >= 0) watches_[number].push_back(&watch);
  return number;
}

void FileWatch::Inotify::Remove(int number, FileWatch& watch) {
  std::erase(changed_, &watch);
  const auto found = watches_.find(number);
  if (found == watches_.end()) return;
  std::erase(found->second, &watch);
  if (!found->second.empty()) return;
  inotify_rm_watch(fd_, number);
  watches_.erase(found);
}

void FileWatch::Inotify::LoseDirectory(int number) {
  const auto found = watches_.find(number);
  if (found == watches_.end()) return;
  const std::vector<FileWatch*> lost = std::move(found->second);
  watches_.erase(found);
  inotify_rm_watch(fd_, number);
  for (FileWatch* watch : lost) watch->Lose();
}

void FileWatch::Inotify::Sort(const inotify_event& event, std::string_view name) {
  for (const auto& [number, watches] : watches_) {
    // Events were lost: anything may have happened.
    const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
    if (!lost && number != event.wd) continue;
    for (FileWatch* watch : watches) {
      if (!lost && !watch->Concerns(event.mask, name)) continue;
      if (std::find(changed_.begin(), changed_.end(), watch) == changed_.end()) changed_.push_back(watch);
    }
  }
  if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) LoseDirectory(event.wd);
}

void FileWatch::Inotify::OnFdEvents(uint32_t) {
  const std::shared_ptr<Inotify> self = shared_from_this();
  alignas(inotify_event) char buffer[4096];
  while (true) {
    const ssize_t size = read(fd_, buffer, sizeof(buffer));
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof(event));
      const char* name = buffer + at + sizeof(event);
      Sort(event, event.len == 0 ? std::string_view() : std::string_view(name));
      at += static_cast<ssize_t>(sizeof(event) + event.len);
    }
  }
  // A callback may destroy any of the watches, which then leaves the list.
  while (!changed_.empty()) {
    const Delegate<void()> changed = changed_.back()->changed_;
    changed_.pop_back();
    changed();
  }
}

FileWatch::FileWatch(EventLoop& loop, const std::string& path, const std::string& directory, Delegate<void()> changed)
    : directory_(directory.empty() ? DirectoryOf(path) : directory),
      name_(directory.empty() ? path.substr(path.rfind('/') + 1) : ""),
      changed_(changed),
      inotify_(Inotify::Of(loop)),
      retry_(loop, Delegate<void()>::Bind<&FileWatch::OnRetry>(this)) {
  Begin();
}

FileWatch::~FileWatch() { inotify_->Remove(watch_, *this); }

void FileWatch::Begin() {
  watch_ = inotify_->Add(directory_, *this);
  if (watch_ >= 0) {
    warned_ = false;
    return;
  }
  if (!warned_) {
    NUNCIO_LOG(kConfig, kWarning, "cannot be watched for changes, trying again: ",
               ToStd(ErrnoStatus(errno, directory_).message()));
  }
  warned_ = true;
  retry_.Arm(kRetry);
}

void FileWatch::OnRetry() {
  Begin();
  if (watch_ >= 0) changed_();
}

void FileWatch::Lose() {
  watch_ = -1;
  retry_.Arm(kRetry);
}

bool FileWatch::Concerns(uint32_t mask, std::string_view name) const {
  const bool moved = (mask & IN_MOVED_TO) != 0;
  if (name_.empty()) return moved;
  if (moved && name == kKubernetesLink) return true;
  if (name != name_) return false;
  return moved || (mask & IN_CLOSE_WRITE) != 0 || ((mask & IN_CREATE) != 0 && IsLink(directory_, name));
}

}  // namespace nuncio::event
