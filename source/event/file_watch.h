#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/delegate.h"
#include "source/event/event_loop.h"

namespace nuncio::event {

// Tells when a file may have changed, by inotify(7) on its directory: it was written and closed, another file was moved
// over it, a symbolic link was made in its place, or the directory's `..data` link was replaced, which is how
// Kubernetes swaps a mounted ConfigMap or Secret. Belongs to the loop's thread, whose watches share one inotify
// instance: a user has few of them.
class FileWatch final {
 public:
  // A directory that is not there, or went away, is looked for this often.
  static constexpr std::chrono::seconds kRetry{5};

  // `directory`: to be watched instead of the file's own, for anything moved within it; empty: the file's own.
  // `changed` may destroy the watch.
  FileWatch(EventLoop& loop, const std::string& path, const std::string& directory, Delegate<void()> changed);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

 private:
  class Inotify;

  // Begins to watch; where the directory is not there, tries again later.
  void Begin();
  void OnRetry();
  bool Concerns(uint32_t mask, std::string_view name) const;
  // The directory is not there any more.
  void Lose();

  const std::string directory_;
  // Empty: anything moved counts.
  const std::string name_;
  const Delegate<void()> changed_;
  const std::shared_ptr<Inotify> inotify_;
  // Of the directory; -1: it is not watched.
  int watch_ = -1;
  bool warned_ = false;
  Timer retry_;
};

}  // namespace nuncio::event
