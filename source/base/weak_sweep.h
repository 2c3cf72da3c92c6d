#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace nuncio {

// When a container of weak pointers is rid of those whose objects are gone: each time it has doubled. So the dead are
// not many more than the living, and the work on them is constant for each entry added.
class WeakSweep {
 public:
  // An entry was added to `entries`. `gone(entry)`: whether its object is.
  template <typename Entries, typename Gone>
  void OnAdded(Entries& entries, const Gone& gone) {
    if (entries.size() < due_at_) return;
    std::erase_if(entries, gone);
    due_at_ = 2 * entries.size() + kAtLeast;
  }

 private:
  static constexpr size_t kAtLeast = 16;
  size_t due_at_ = kAtLeast;
};

}  // namespace nuncio
