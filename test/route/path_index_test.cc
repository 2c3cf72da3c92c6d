#include "source/route/path_index.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/route/route_entry.h"

namespace nuncio::route {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = PathPattern::Kind;

PathPattern Pattern(Kind kind, std::string_view text, bool case_sensitive = true) {
  PathPattern pattern;
  pattern.kind = kind;
  pattern.case_sensitive = case_sensitive;
  if (kind == Kind::kRegex) {
    pattern.regex = matcher::Regex::Compile(text).value();
  } else {
    pattern.text = case_sensitive ? std::string(text) : AsciiToLower(text);
  }
  return pattern;
}

struct Fixture {
  explicit Fixture(std::vector<PathPattern> all) : patterns(std::move(all)) {
    for (uint32_t i = 0; i < patterns.size(); ++i) index.Add(i, patterns[i]);
    index.Build();
  }
  // All candidates, of expressions only those that match.
  std::vector<uint32_t> Candidates(std::string_view path) {
    std::vector<uint32_t> found;
    Arena arena(pool);
    index.VisitCandidates(path, arena, [&](uint32_t i) {
      if (patterns[i].kind != Kind::kRegex || patterns[i].Matches(path)) found.push_back(i);
      return false;
    });
    return found;
  }
  std::vector<uint32_t> Naive(std::string_view path) const {
    std::vector<uint32_t> found;
    for (uint32_t i = 0; i < patterns.size(); ++i) {
      if (patterns[i].Matches(path)) found.push_back(i);
    }
    return found;
  }

  std::vector<PathPattern> patterns;
  PathIndex index;
  ArenaBlockPool pool;
};

TEST(PathPatternTest, SeparatedPrefixEndsAtASlash) {
  const PathPattern pattern = Pattern(Kind::kSeparatedPrefix, "/api");
  EXPECT_TRUE(pattern.Matches("/api"));
  EXPECT_TRUE(pattern.Matches("/api/"));
  EXPECT_TRUE(pattern.Matches("/api/v1"));
  EXPECT_FALSE(pattern.Matches("/apis"));
  EXPECT_FALSE(pattern.Matches("/ap"));
  EXPECT_FALSE(pattern.Matches("/API"));
  EXPECT_TRUE(Pattern(Kind::kSeparatedPrefix, "/api", false).Matches("/API/x"));
}

TEST(PathIndexTest, GivesCandidatesInConfiguredOrder) {
  Fixture fixture({Pattern(Kind::kPrefix, "/"), Pattern(Kind::kExact, "/a"), Pattern(Kind::kPrefix, "/a"),
                   Pattern(Kind::kRegex, "/[ab]"), Pattern(Kind::kExact, "/A", false), Pattern(Kind::kPrefix, ""),
                   Pattern(Kind::kSeparatedPrefix, "/a"), Pattern(Kind::kExact, "/a")});
  EXPECT_THAT(fixture.Candidates("/a"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(fixture.Candidates("/A"), ElementsAre(0, 4, 5));
  EXPECT_THAT(fixture.Candidates("/ab"), ElementsAre(0, 2, 5));
  EXPECT_THAT(fixture.Candidates("/a/b"), ElementsAre(0, 2, 5, 6));
  EXPECT_THAT(fixture.Candidates("/b"), ElementsAre(0, 3, 5));
  EXPECT_THAT(fixture.Candidates(""), ElementsAre(5));
}

TEST(PathIndexTest, StopsWhereTheVisitorSaysSo) {
  Fixture fixture({Pattern(Kind::kPrefix, "/"), Pattern(Kind::kPrefix, "/a"), Pattern(Kind::kPrefix, "/ab")});
  Arena arena(fixture.pool);
  std::vector<uint32_t> visited;
  EXPECT_TRUE(fixture.index.VisitCandidates("/abc", arena, [&](uint32_t i) {
    visited.push_back(i);
    return i == 1;
  }));
  EXPECT_THAT(visited, ElementsAre(0, 1));
}

TEST(PathIndexTest, NothingMatchesInAnEmptyIndex) { EXPECT_THAT(Fixture({}).Candidates("/a"), IsEmpty()); }

// More nested patterns than a lookup has room for on its stack.
TEST(PathIndexTest, DeeplyNestedPrefixes) {
  std::vector<PathPattern> patterns;
  std::string path;
  for (int i = 0; i < 200; ++i) {
    path += "/a";
    patterns.push_back(Pattern(i % 2 == 0 ? Kind::kSeparatedPrefix : Kind::kPrefix, path));
    patterns.push_back(Pattern(Kind::kPrefix, path, false));
  }
  Fixture fixture(std::move(patterns));
  EXPECT_EQ(fixture.Candidates(path).size(), 400u);
  EXPECT_EQ(fixture.Candidates(path), fixture.Naive(path));
  EXPECT_EQ(fixture.Candidates("/a/a/a/A"), fixture.Naive("/a/a/a/A"));
}

TEST(PathIndexTest, FindsWhatATestOfEveryPatternFinds) {
  std::mt19937 random(3);
  const auto text = [&](size_t max) {
    std::string s(random() % (max + 1), ' ');
    for (char& c : s) c = "/aAb"[random() % 4];
    return s;
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<PathPattern> patterns;
    for (int i = 0; i < 60; ++i) {
      const auto kind = static_cast<Kind>(random() % 40 == 0 ? 3 : random() % 3);
      patterns.push_back(Pattern(kind, kind == Kind::kRegex ? text(3) + ".*" : text(5), random() % 3 != 0));
    }
    Fixture fixture(std::move(patterns));
    for (int i = 0; i < 200; ++i) {
      const std::string path = text(8);
      ASSERT_EQ(fixture.Candidates(path), fixture.Naive(path)) << path;
    }
  }
}

}  // namespace
}  // namespace nuncio::route
