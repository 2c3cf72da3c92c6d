#include "source/base/set_by_name.h"

#include <memory>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

struct Item {
  std::string name;
  int value;
};
using ItemPtr = std::shared_ptr<const Item>;
struct NameOfItem {
  std::string_view operator()(const ItemPtr& item) const { return item->name; }
};
using Items = SetByName<ItemPtr, NameOfItem>;

TEST(SetByNameTest, FindsByNameAndByElement) {
  const ItemPtr one = std::make_shared<Item>("one", 1);
  Items items = {one, std::make_shared<Item>("two", 2)};
  EXPECT_EQ(one, *items.find("one"));
  EXPECT_EQ(2, (*items.find(std::string("two")))->value);
  EXPECT_TRUE(items.contains(one));
  EXPECT_FALSE(items.contains("three"));
}

TEST(SetByNameTest, OfOneNameThereIsOne) {
  Items items = {std::make_shared<Item>("one", 1)};
  EXPECT_FALSE(items.insert(std::make_shared<Item>("one", 2)).second);
  EXPECT_EQ(1, (*items.find("one"))->value);
  EXPECT_EQ(1u, items.erase("one"));
  EXPECT_TRUE(items.empty());
}

}  // namespace
}  // namespace nuncio
