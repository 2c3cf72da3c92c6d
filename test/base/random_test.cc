#include "source/base/random.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

TEST(RandomTest, TheSameSeedGivesTheSameNumbers) {
  Random a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t number = a.Next();
    EXPECT_EQ(number, b.Next());
    differs = differs || number != c.Next();
  }
  EXPECT_TRUE(differs);
}

TEST(RandomTest, ASeedOfZeroIsAsGoodAsAny) {
  Random random(0);
  std::set<uint64_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.insert(random.Next());
  EXPECT_EQ(100u, numbers.size());
}

TEST(RandomTest, BelowStaysBelowAndReachesEveryValue) {
  Random random(1);
  EXPECT_EQ(0u, random.Below(1));
  int seen[6] = {};
  for (int i = 0; i < 6000; ++i) {
    const uint64_t value = random.Below(6);
    ASSERT_LT(value, 6u);
    ++seen[value];
  }
  // A fixed seed: 1000 each but for about 29 (one standard deviation).
  for (int count : seen) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1150);
  }
}

TEST(RandomTest, UuidsAreOfVersion4) {
  Random random(3);
  std::set<std::string> all;
  std::set<char> variants;
  for (int i = 0; i < 1000; ++i) {
    char text[36];
    WriteUuid(random, text);
    const std::string uuid(text, sizeof(text));
    for (size_t at = 0; at < uuid.size(); ++at) {
      if (at == 8 || at == 13 || at == 18 || at == 23) {
        ASSERT_EQ('-', uuid[at]) << uuid;
      } else {
        ASSERT_NE(std::string::npos, std::string("0123456789abcdef").find(uuid[at])) << uuid;
      }
    }
    EXPECT_EQ('4', uuid[14]) << uuid;
    variants.insert(uuid[19]);
    all.insert(uuid);
  }
  EXPECT_EQ(1000u, all.size());
  EXPECT_EQ((std::set<char>{'8', '9', 'a', 'b'}), variants);
}

}  // namespace
}  // namespace nuncio
