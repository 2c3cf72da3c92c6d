#include "source/http/header_map.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::http {
namespace {

class HeaderMapTest : public testing::Test {
 protected:
  std::string Text() const {
    std::string text;
    for (const HeaderField& field : map_) StrAppend(text, field.name, "=", field.value, ";");
    return text;
  }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  HeaderMap map_{arena_};
};

TEST_F(HeaderMapTest, KeepsOrderCaseAndRepetitions) {
  map_.Add("Accept", "a");
  map_.Add("X-One", "1");
  map_.Add("accept", "b");
  EXPECT_EQ(Text(), "Accept=a;X-One=1;accept=b;");
  EXPECT_EQ(map_.size(), 3);
  EXPECT_EQ(map_.byte_size(), std::string("AcceptaX-One1acceptb").size());
  EXPECT_EQ(map_.Value(HeaderId::kAccept), "a");
  EXPECT_EQ(map_.Find("ACCEPT")->value, "a");
  EXPECT_EQ(map_.Find("x-one")->value, "1");
  EXPECT_EQ(map_.Find("x-two"), nullptr);
  EXPECT_TRUE(map_.Has(HeaderId::kAccept));
  EXPECT_FALSE(map_.Has(HeaderId::kHost));
}

TEST_F(HeaderMapTest, TextIsCopied) {
  std::string name = "x-name";
  std::string value = "value";
  map_.Add(name, value);
  name.assign(name.size(), '?');
  value.assign(value.size(), '?');
  EXPECT_EQ(Text(), "x-name=value;");
}

TEST_F(HeaderMapTest, GrowsBeyondItsFirstCapacity) {
  for (int i = 0; i < 200; ++i) map_.Add(StrCat("x-", i), StrCat(i));
  EXPECT_EQ(map_.size(), 200);
  EXPECT_EQ(map_.Find("x-0")->value, "0");
  EXPECT_EQ(map_.Find("x-199")->value, "199");
}

TEST_F(HeaderMapTest, SetReplacesTheFirstInPlaceAndDropsTheOthers) {
  map_.Add("Accept", "a");
  map_.Add("X-One", "1");
  map_.Add("accept", "b");
  map_.Add("x-one", "2");
  map_.SetReference(HeaderId::kAccept, "new");
  map_.SetReference("X-ONE", "other");
  EXPECT_EQ(Text(), "Accept=new;X-One=other;");
  EXPECT_EQ(map_.byte_size(), std::string("AcceptnewX-Oneother").size());
}

TEST_F(HeaderMapTest, SetAppendsInLowerCaseWhereThereIsNone) {
  map_.SetReference(HeaderId::kXRequestId, "id");
  map_.SetReference("X-Custom", "1");
  map_.SetReference("Server", "s");
  EXPECT_EQ(Text(), "x-request-id=id;x-custom=1;server=s;");
  EXPECT_TRUE(map_.Has(HeaderId::kServer));
}

TEST_F(HeaderMapTest, RemoveForgetsPresence) {
  map_.Add("Accept", "a");
  map_.Add("X-One", "1");
  map_.Add("accept", "b");
  EXPECT_EQ(map_.Remove(HeaderId::kAccept), 2);
  EXPECT_FALSE(map_.Has(HeaderId::kAccept));
  EXPECT_EQ(map_.Remove(HeaderId::kAccept), 0);
  EXPECT_EQ(map_.Remove("x-ONE"), 1);
  EXPECT_EQ(map_.Remove("x-one"), 0);
  EXPECT_TRUE(map_.empty());
  EXPECT_EQ(map_.byte_size(), 0);
}

TEST_F(HeaderMapTest, JoinedGivesAllValuesInOrder) {
  std::string_view value;
  EXPECT_FALSE(map_.Joined("accept", &value));
  map_.Add("Accept", "");
  EXPECT_TRUE(map_.Joined("accept", &value));
  EXPECT_EQ(value, "");
  map_.Add("accept", "a");
  map_.Add("x-one", "1");
  map_.Add("ACCEPT", "b, c");
  map_.Add("X-One", "2");
  EXPECT_TRUE(map_.Joined("accept", &value));
  EXPECT_EQ(value, ",a,b, c");
  EXPECT_TRUE(map_.Joined("x-one", &value));
  EXPECT_EQ(value, "1,2");
}

TEST_F(HeaderMapTest, OtherNamesAreNotMixedUp) {
  map_.Add("x-a", "1");
  map_.Add("x-b", "2");
  map_.SetReference("x-b", "3");
  EXPECT_EQ(map_.Remove("x-a"), 1);
  EXPECT_EQ(Text(), "x-b=3;");
}

}  // namespace
}  // namespace nuncio::http
