#include "source/ctl/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "source/base/strings.h"

namespace nuncio::ctl {
namespace {

constexpr size_t kContext = 3;
// Beyond so many differing lines the search is given up; it costs the square of this in memory.
constexpr int kMaxEdits = 4000;

using Lines = std::vector<std::string_view>;

Lines Split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

struct Edit {
  char kind;  // ' ', '-' or '+'
  std::string_view line;
};

// The shortest way from one text to the other (Myers, 1986): `reached[k]` is how far one gets on diagonal k = x - y
// with d edits; the states of every d are kept to walk back.
bool ShortestEdits(const Lines& a, const Lines& b, std::vector<Edit>& edits) {
  const int n = static_cast<int>(a.size());
  const int m = static_cast<int>(b.size());
  const int most = std::min(n + m, kMaxEdits);
  const int offset = most + 1;
  std::vector<int> reached(static_cast<size_t>(2 * most + 3), 0);
  std::vector<std::vector<int>> states;
  const auto at = [&](std::vector<int>& state, int k) -> int& { return state[static_cast<size_t>(k + offset)]; };
  int d = 0;
  bool found = false;
  for (; d <= most && !found; ++d) {
    // Only these diagonals matter to the step.
    states.emplace_back(reached.begin() + (offset - d - 1), reached.begin() + (offset + d + 2));
    for (int k = -d; k <= d && !found; k += 2) {
      const bool down = k == -d || (k != d && at(reached, k - 1) < at(reached, k + 1));
      int x = down ? at(reached, k + 1) : at(reached, k - 1) + 1;
      int y = x - k;
      while (x < n && y < m && a[static_cast<size_t>(x)] == b[static_cast<size_t>(y)]) ++x, ++y;
      at(reached, k) = x;
      found = x >= n && y >= m;
    }
  }
  if (!found) return false;

  int x = n;
  int y = m;
  for (int step = d - 1; step >= 0; --step) {
    const std::vector<int>& state = states[static_cast<size_t>(step)];
    const auto before = [&](int k) { return state[static_cast<size_t>(k + step + 1)]; };
    const int k = x - y;
    const bool down = k == -step || (k != step && before(k - 1) < before(k + 1));
    const int previous_x = before(down ? k + 1 : k - 1);
    const int previous_y = previous_x - (down ? k + 1 : k - 1);
    while (x > previous_x && y > previous_y) {
      --x, --y;
      edits.push_back({' ', a[static_cast<size_t>(x)]});
    }
    if (step == 0) break;
    if (down) {
      edits.push_back({'+', b[static_cast<size_t>(previous_y)]});
    } else {
      edits.push_back({'-', a[static_cast<size_t>(previous_x)]});
    }
    x = previous_x;
    y = previous_y;
  }
  std::reverse(edits.begin(), edits.end());
  return true;
}

std::string Range(size_t start, size_t count) {
  return count == 1 ? StrCat(start + 1) : StrCat(count == 0 ? start : start + 1, ",", count);
}

}  // namespace

std::string UnifiedDiff(std::string_view before, std::string_view after) {
  if (before == after) return "";
  const Lines a = Split(before);
  const Lines b = Split(after);
  std::vector<Edit> edits;
  if (!ShortestEdits(a, b, edits)) {
    edits.clear();
    for (const std::string_view line : a) edits.push_back({'-', line});
    for (const std::string_view line : b) edits.push_back({'+', line});
  }
  std::string text;
  size_t a_line = 0;
  size_t b_line = 0;
  for (size_t i = 0; i < edits.size();) {
    if (edits[i].kind == ' ') {
      ++i, ++a_line, ++b_line;
      continue;
    }
    // A hunk goes on while the next change is near.
    const size_t begin = i - std::min(i, kContext);
    size_t end = i;
    for (size_t j = i; j < edits.size() && j <= end + 2 * kContext; ++j) {
      if (edits[j].kind != ' ') end = j;
    }
    end = std::min(edits.size(), end + 1 + kContext);
    const size_t a_start = a_line - (i - begin);
    const size_t b_start = b_line - (i - begin);
    size_t a_count = 0;
    size_t b_count = 0;
    std::string body;
    for (size_t j = begin; j < end; ++j) {
      a_count += edits[j].kind != '+';
      b_count += edits[j].kind != '-';
      StrAppend(body, edits[j].kind, edits[j].line, "\n");
    }
    StrAppend(text, "@@ -", Range(a_start, a_count), " +", Range(b_start, b_count), " @@\n", body);
    a_line = a_start + a_count;
    b_line = b_start + b_count;
    i = end;
  }
  return text;
}

std::string Coloured(std::string_view diff) {
  std::string text;
  for (const std::string_view line : Split(diff)) {
    const char* colour = "";
    if (line.starts_with("@@")) {
      colour = "\033[36m";
    } else if (line.starts_with("---") || line.starts_with("+++")) {
      colour = "\033[1m";
    } else if (line.starts_with('-')) {
      colour = "\033[31m";
    } else if (line.starts_with('+')) {
      colour = "\033[32m";
    }
    if (*colour == '\0') {
      StrAppend(text, line, "\n");
    } else {
      StrAppend(text, colour, line, "\033[0m\n");
    }
  }
  return text;
}

}  // namespace nuncio::ctl
