#include "source/route/domain_index.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::route {
namespace {

TEST(DomainIndexTest, ExactThenSuffixThenPrefixThenAny) {
  DomainIndex index;
  const std::string_view domains[] = {"*",      "www.Foo.com", "*.foo.com", "*.bar.foo.com", "www.*",
                                      "www.f*", "*-x.foo.com", "foo.com:*", "[::1]:80"};
  for (uint32_t i = 0; i < std::size(domains); ++i) EXPECT_EQ(index.Insert(domains[i], i), i);

  const struct {
    std::string_view host;
    uint32_t found;
  } cases[] = {
      {"www.foo.com", 1}, {"WWW.FOO.COM", 1}, {"a.foo.com", 2},     {"a.b.foo.com", 2}, {"a.bar.foo.com", 3},
      {".foo.com", 0},    {"bar.foo.com", 2}, {"www.org", 4},       {"www.fx", 5},      {"www.f", 4},
      {"www.", 0},        {"a-x.foo.com", 6}, {"-x.foo.com", 2},    {"foo.com:8080", 7}, {"foo.com:", 0},
      {"foo.com", 0},     {"", 0},            {"[::1]:80", 8},      {"www.a.foo.com", 2},
  };
  for (const auto& c : cases) EXPECT_EQ(index.Find(c.host), c.found) << c.host;
}

TEST(DomainIndexTest, WithoutAnyNothingIsFound) {
  DomainIndex index;
  EXPECT_EQ(index.Find("a.com"), DomainIndex::kNone);
  EXPECT_EQ(index.Find(""), DomainIndex::kNone);
  index.Insert("a.com", 3);
  EXPECT_EQ(index.Find("a.com"), 3u);
  EXPECT_EQ(index.Find("a.com."), DomainIndex::kNone);
  EXPECT_EQ(index.Find("xa.com"), DomainIndex::kNone);
  EXPECT_EQ(index.Find(std::string(100000, 'a')), DomainIndex::kNone);
}

TEST(DomainIndexTest, TheFirstKeepsADomain) {
  DomainIndex index;
  EXPECT_EQ(index.Insert("a.com", 1), 1u);
  EXPECT_EQ(index.Insert("A.com", 2), 1u);
  EXPECT_EQ(index.Insert("*", 1), 1u);
  EXPECT_EQ(index.Insert("*", 2), 1u);
  EXPECT_EQ(index.Insert("*.a", 1), 1u);
  EXPECT_EQ(index.Insert("*.A", 2), 1u);
}

// The rules, told without any index.
uint32_t Naive(const std::vector<std::string>& domains, const std::string& host) {
  uint32_t best = DomainIndex::kNone;
  // Class first, length second.
  std::pair<int, size_t> best_rank{-1, 0};
  for (uint32_t i = 0; i < domains.size(); ++i) {
    const std::string& domain = domains[i];
    std::pair<int, size_t> rank{-1, domain.size()};
    if (domain == "*") {
      rank.first = 0;
    } else if (domain.front() == '*') {
      if (host.size() > domain.size() - 1 && host.ends_with(domain.substr(1))) rank.first = 2;
    } else if (domain.back() == '*') {
      if (host.size() > domain.size() - 1 && host.starts_with(domain.substr(0, domain.size() - 1))) rank.first = 1;
    } else if (host == domain) {
      rank.first = 3;
    }
    if (rank.first >= 0 && rank > best_rank) {
      best_rank = rank;
      best = i;
    }
  }
  return best;
}

TEST(DomainIndexTest, FindsWhatASearchWithoutIndexFinds) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const auto text = [&](size_t max) {
      std::string s(1 + random() % max, ' ');
      for (char& c : s) c = "ab."[random() % 3];
      return s;
    };
    DomainIndex index;
    std::vector<std::string> domains;
    for (int i = 0; i < 40; ++i) {
      std::string domain = text(5);
      const auto shape = random() % 4;
      if (shape == 0) domain = "*" + domain;
      if (shape == 1) domain += "*";
      if (random() % 50 == 0) domain = "*";
      if (std::find(domains.begin(), domains.end(), domain) != domains.end()) continue;
      index.Insert(domain, static_cast<uint32_t>(domains.size()));
      domains.push_back(domain);
    }
    for (int i = 0; i < 200; ++i) {
      const std::string host = text(8);
      ASSERT_EQ(index.Find(host), Naive(domains, host)) << host;
    }
  }
}

TEST(WithoutPortTest, KnowsBrackets) {
  EXPECT_EQ(WithoutPort("a.com:80"), "a.com");
  EXPECT_EQ(WithoutPort("a.com"), "a.com");
  EXPECT_EQ(WithoutPort("a.com:"), "a.com");
  EXPECT_EQ(WithoutPort("[::1]:80"), "[::1]");
  EXPECT_EQ(WithoutPort("[::1]"), "[::1]");
  EXPECT_EQ(WithoutPort(""), "");
}

}  // namespace
}  // namespace nuncio::route
