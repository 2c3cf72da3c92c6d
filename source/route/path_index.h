#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/route/text_hash_table.h"

namespace nuncio::route {

struct PathPattern;

// Finds, in configured order, the routes whose pattern matches a path: all prefixes of the path are looked up in a hash
// table while the hash is rolled along it. Immutable once built; any thread.
class PathIndex {
 public:
  PathIndex() = default;

  // Adds the pattern of route `route`; called in ascending order of `route`, before Build. kConnect has no path to find
  // it by and is left out.
  void Add(uint32_t route, const PathPattern& pattern);
  void Build();

  // The routes whose pattern matches, in ascending order: calls `visit(route)` until it returns true or none is left.
  // Returns whether it did. Regular expressions are visited unmatched: `visit` has to match those itself. Where more
  // than a few patterns that are prefixes of one another may match, `arena` is used.
  template <typename Visit>
  bool VisitCandidates(std::string_view path, Arena& arena, Visit&& visit) const;

 private:
  // Ascending route numbers.
  struct Cursor {
    const uint32_t* next;
    const uint32_t* end;
  };
  // The routes of one text, by what they want to follow it.
  struct Node {
    std::vector<uint32_t> prefix;
    std::vector<uint32_t> exact;
    std::vector<uint32_t> separated;
  };
  static constexpr size_t kInlineCursors = 24;

  // Puts the lists that match `path` at `cursors`, which has room for max_cursors_, and returns their number.
  size_t Collect(std::string_view path, Cursor* cursors) const;
  // Calls `found(node, length)` for every text of `table` that is a prefix of `path`.
  template <bool kIgnoreCase, typename Found>
  void ForEachPrefix(const TextHashTable& table, std::string_view path, Found&& found) const;

  TextHashTable sensitive_;
  TextHashTable insensitive_;
  std::vector<Node> nodes_;
  // Regular expressions: only their own matching tells.
  std::vector<uint32_t> unindexed_;
  // No path matches more lists.
  size_t max_cursors_ = 0;
};

template <typename Visit>
bool PathIndex::VisitCandidates(std::string_view path, Arena& arena, Visit&& visit) const {
  Cursor inline_cursors[kInlineCursors];
  Cursor* const cursors = max_cursors_ <= kInlineCursors ? inline_cursors : arena.NewArray<Cursor>(max_cursors_);
  size_t count = Collect(path, cursors);
  while (count > 0) {
    size_t first = 0;
    for (size_t i = 1; i < count; ++i) {
      if (*cursors[i].next < *cursors[first].next) first = i;
    }
    if (visit(*cursors[first].next)) return true;
    if (++cursors[first].next == cursors[first].end) cursors[first] = cursors[--count];
  }
  return false;
}

}  // namespace nuncio::route
