#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace nuncio::http::h2 {

// The streams that this side reset last. Frames of a peer that had not heard of it yet are no fault (RFC 9113 5.1),
// frames on other closed streams are. Where more were reset than are remembered, nothing is held against the peer on
// old streams.
class ResetHistory {
 public:
  void Add(int32_t id) {
    int32_t& slot = ids_[next_];
    forgotten_ = std::max(forgotten_, slot);
    slot = id;
    next_ = (next_ + 1) % ids_.size();
  }
  bool MayContain(int32_t id) const {
    return id <= forgotten_ || std::find(ids_.begin(), ids_.end(), id) != ids_.end();
  }

 private:
  std::array<int32_t, 64> ids_{};
  size_t next_ = 0;
  int32_t forgotten_ = 0;
};

}  // namespace nuncio::http::h2
