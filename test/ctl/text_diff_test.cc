#include "source/ctl/text_diff.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace nuncio::ctl {
namespace {

std::string Lines(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + "\n";
  return text;
}

// Applies a diff's hunks as patch(1) does, trusting its line numbers.
std::string Patched(const std::string& before, const std::string& diff) {
  const auto split = [](const std::string& text) {
    std::vector<std::string> lines;
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
  };
  const std::vector<std::string> old_lines = split(before);
  std::string after;
  size_t at = 0;
  for (const std::string& line : split(diff)) {
    if (line.starts_with("@@")) {
      size_t start = 0;
      size_t count = 1;
      sscanf(line.c_str(), "@@ -%zu,%zu", &start, &count);
      const size_t begin = count == 0 ? start : start - 1;
      while (at < begin) after += old_lines[at++] + "\n";
    } else if (line[0] == '+') {
      after += line.substr(1) + "\n";
    } else {
      EXPECT_EQ(line.substr(1), old_lines.at(at));
      if (line[0] == ' ') after += old_lines[at] + "\n";
      ++at;
    }
  }
  while (at < old_lines.size()) after += old_lines[at++] + "\n";
  return after;
}

TEST(TextDiffTest, EqualTextsGiveNothing) { EXPECT_EQ(UnifiedDiff(Lines(1, 9), Lines(1, 9)), ""); }

TEST(TextDiffTest, AHunkHasThreeLinesOfContext) {
  std::string changed = Lines(1, 20);
  changed.replace(changed.find("10\n"), 3, "ten\n");
  EXPECT_EQ(UnifiedDiff(Lines(1, 20), changed), "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n");
}

TEST(TextDiffTest, FromAndToNothing) {
  EXPECT_EQ(UnifiedDiff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(UnifiedDiff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

TEST(TextDiffTest, DistantChangesAreHunksOfTheirOwn) {
  std::string changed = Lines(1, 40);
  changed.replace(changed.find("5\n"), 2, "five\n");
  changed.replace(changed.find("\n30\n"), 4, "\n");
  const std::string diff = UnifiedDiff(Lines(1, 40), changed);
  EXPECT_EQ(
      diff,
      "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -27,7 +27,6 @@\n 27\n 28\n 29\n-30\n 31\n 32\n 33\n");
}

TEST(TextDiffTest, AppliedItGivesTheOtherText) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string before;
    std::string after;
    const unsigned words = 1 + random() % 5;
    for (unsigned i = random() % 40; i > 0; --i)
      before += std::string(1, static_cast<char>('a' + random() % words)) + "\n";
    for (unsigned i = random() % 40; i > 0; --i)
      after += std::string(1, static_cast<char>('a' + random() % words)) + "\n";
    EXPECT_EQ(Patched(before, UnifiedDiff(before, after)), after) << before << "---\n" << after;
  }
}

}  // namespace
}  // namespace nuncio::ctl
