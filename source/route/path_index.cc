#include "source/route/path_index.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/route/route_entry.h"

namespace nuncio::route {

void PathIndex::Add(uint32_t route, const PathPattern& pattern) {
  if (pattern.kind == PathPattern::Kind::kRegex) {
    unindexed_.push_back(route);
    return;
  }
  if (pattern.kind == PathPattern::Kind::kConnect) return;
  TextHashTable& table = pattern.case_sensitive ? sensitive_ : insensitive_;
  const uint32_t node = table.Insert(pattern.text, static_cast<uint32_t>(nodes_.size()));
  if (node == nodes_.size()) nodes_.emplace_back();
  switch (pattern.kind) {
    case PathPattern::Kind::kPrefix:
      nodes_[node].prefix.push_back(route);
      break;
    case PathPattern::Kind::kExact:
      nodes_[node].exact.push_back(route);
      break;
    case PathPattern::Kind::kSeparatedPrefix:
      nodes_[node].separated.push_back(route);
      break;
    case PathPattern::Kind::kRegex:
    case PathPattern::Kind::kConnect:
      break;
  }
}

void PathIndex::Build() {
  // The longest chain of texts, each a prefix of the next, in each table.
  const auto longest_chain = [this](const TextHashTable& table) {
    size_t longest = 0;
    table.ForEach([&](std::string_view text, uint32_t) {
      size_t lists = 0;
      ForEachPrefix<false>(table, text, [&](const Node& node, size_t) {
        lists += !node.prefix.empty() + !node.exact.empty() + !node.separated.empty();
      });
      longest = std::max(longest, lists);
    });
    return longest;
  };
  max_cursors_ = longest_chain(sensitive_) + longest_chain(insensitive_) + (unindexed_.empty() ? 0 : 1);
}

template <bool kIgnoreCase, typename Found>
void PathIndex::ForEachPrefix(const TextHashTable& table, std::string_view path, Found&& found) const {
  if (table.empty()) return;
  RollingHash hash;
  const size_t longest = std::min(path.size(), table.max_length());
  for (size_t length = 0;; ++length) {
    if (table.HasLength(length)) {
      const std::string_view text = path.substr(0, length);
      const uint32_t node = table.Find(hash.value(), [text](std::string_view other) {
        return kIgnoreCase ? EqualsIgnoreCase(text, other) : text == other;
      });
      if (node != TextHashTable::kNone) found(nodes_[node], length);
    }
    if (length == longest) return;
    hash.Add(kIgnoreCase ? ToLower(path[length]) : path[length]);
  }
}

size_t PathIndex::Collect(std::string_view path, Cursor* cursors) const {
  size_t count = 0;
  const auto add = [&](const std::vector<uint32_t>& list) {
    if (!list.empty()) cursors[count++] = {list.data(), list.data() + list.size()};
  };
  const auto found = [&](const Node& node, size_t length) {
    const bool whole = length == path.size();
    add(node.prefix);
    if (whole) add(node.exact);
    if (whole || path[length] == '/') add(node.separated);
  };
  ForEachPrefix<false>(sensitive_, path, found);
  ForEachPrefix<true>(insensitive_, path, found);
  add(unindexed_);
  return count;
}

}  // namespace nuncio::route
