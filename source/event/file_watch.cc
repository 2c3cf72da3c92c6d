#include "source/event/file_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

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

FileWatch::FileWatch(EventLoop& loop, const std::string& path, const std::string& directory,
                     Delegate<void()> changed)
    : loop_(loop),
      directory_(directory.empty() ? DirectoryOf(path) : directory),
      name_(directory.empty() ? path.substr(path.rfind('/') + 1) : ""),
      changed_(changed),
      retry_(loop, Delegate<void()>::Bind<&FileWatch::OnRetry>(this)) {
  fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0 || loop_.RegisterReadOnly(fd_, *this, /*level=*/true) != 0) {
    NUNCIO_LOG(kConfig, kError, path, ": changes will not be noticed: ", ToStd(ErrnoStatus(errno, "inotify").message()));
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    return;
  }
  Begin();
}

FileWatch::~FileWatch() {
  if (fd_ < 0) return;
  loop_.Unregister(fd_, *this);
  close(fd_);
}

void FileWatch::Begin() {
  watch_ = inotify_add_watch(fd_, directory_.c_str(), kEvents);
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

bool FileWatch::Concerns(uint32_t mask, std::string_view name) const {
  // Events were lost: something has happened.
  if ((mask & IN_Q_OVERFLOW) != 0) return true;
  const bool moved = (mask & IN_MOVED_TO) != 0;
  if (name_.empty()) return moved;
  if (moved && name == kKubernetesLink) return true;
  if (name != name_) return false;
  return moved || (mask & IN_CLOSE_WRITE) != 0 || ((mask & IN_CREATE) != 0 && IsLink(directory_, name));
}

void FileWatch::OnFdEvents(uint32_t) {
  alignas(inotify_event) char buffer[4096];
  bool changed = false;
  while (true) {
    const ssize_t size = read(fd_, buffer, sizeof(buffer));
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof(event));
      const char* name = buffer + at + sizeof(event);
      changed = changed || Concerns(event.mask, event.len == 0 ? std::string_view() : std::string_view(name));
      if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0 && event.wd == watch_) {
        inotify_rm_watch(fd_, watch_);
        watch_ = -1;
        retry_.Arm(kRetry);
      }
      at += static_cast<ssize_t>(sizeof(event) + event.len);
    }
  }
  if (changed) changed_();
}

}  // namespace nuncio::event
