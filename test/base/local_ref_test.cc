#include "source/base/local_ref.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

class FakeHome final : public ObjectHome {
 public:
  void TakeBack(std::shared_ptr<const void> object) override { taken.push_back(std::move(object)); }
  std::vector<std::shared_ptr<const void>> taken;
};

class LocalRefTest : public testing::Test {
 protected:
  LocalRef<std::string> Make() { return {object_, home_}; }

  FakeHome home_;
  std::shared_ptr<const std::string> object_ = std::make_shared<const std::string>("text");
};

TEST_F(LocalRefTest, NothingIsHeldByDefaultOrFromNull) {
  LocalRef<std::string> none;
  EXPECT_FALSE(none);
  EXPECT_EQ(nullptr, none.get());
  {
    LocalRef<std::string> null(nullptr, home_);
    EXPECT_FALSE(null);
  }
  EXPECT_TRUE(home_.taken.empty());
}

TEST_F(LocalRefTest, GivesAccess) {
  auto ref = Make();
  EXPECT_TRUE(ref);
  EXPECT_EQ(object_.get(), ref.get());
  EXPECT_EQ("text", *ref);
  EXPECT_EQ(4u, ref->size());
  EXPECT_EQ(object_, ref.shared());
}

TEST_F(LocalRefTest, CopiesShareOneCountOfTheObject) {
  auto ref = Make();
  const auto before = object_.use_count();
  const auto copy = ref;
  const auto another = copy;
  EXPECT_EQ(before, object_.use_count());
  EXPECT_EQ(ref.get(), another.get());
}

TEST_F(LocalRefTest, OnlyTheLastOneSendsTheObjectHome) {
  auto first = Make();
  auto second = first;
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_TRUE(home_.taken.empty());
  EXPECT_EQ("text", *second);
  second.reset();
  ASSERT_EQ(1u, home_.taken.size());
  EXPECT_EQ(object_.get(), home_.taken[0].get());
  second.reset();
  EXPECT_EQ(1u, home_.taken.size());
}

TEST_F(LocalRefTest, MovingHandsTheCountOver) {
  auto first = Make();
  auto second = std::move(first);
  EXPECT_TRUE(home_.taken.empty());
  EXPECT_EQ("text", *second);
  second = LocalRef<std::string>();
  EXPECT_EQ(1u, home_.taken.size());
}

TEST_F(LocalRefTest, AssignmentLetsTheFormerObjectGo) {
  auto ref = Make();
  const auto other = std::make_shared<const std::string>("other");
  ref = LocalRef<std::string>(other, home_);
  ASSERT_EQ(1u, home_.taken.size());
  EXPECT_EQ(object_.get(), home_.taken[0].get());
  EXPECT_EQ("other", *ref);
  const auto& itself = ref;
  ref = itself;
  EXPECT_EQ(1u, home_.taken.size());
  EXPECT_EQ("other", *ref);
}

}  // namespace
}  // namespace nuncio
