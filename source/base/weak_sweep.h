#pragma once

#include <cstddef>
#include <map>

namespace nuncio {

// When a map of weak pointers is rid of those whose objects are gone: each time it has doubled. So the dead are not
// many more than the living, and the work on them is constant for each entry added.
class WeakSweep {
 public:
  // An entry was added to `map`. `gone(entry)`: whether its object is.
  template <typename Map, typename Gone>
  void OnAdded(Map& map, const Gone& gone) {
    if (map.size() < due_at_) return;
    std::erase_if(map, gone);
    due_at_ = 2 * map.size() + kAtLeast;
  }

 private:
  static constexpr size_t kAtLeast = 16;
  size_t due_at_ = kAtLeast;
};

}  // namespace nuncio
