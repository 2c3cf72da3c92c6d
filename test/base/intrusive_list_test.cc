#include "source/base/intrusive_list.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

struct Other;

struct Item : ListNode<Item>, ListNode<Other> {
  explicit Item(char name) : name(name) {}
  char name;
};

using List = IntrusiveList<Item>;

std::string Names(List& list) {
  std::string out;
  for (Item* item = list.front(); item != nullptr; item = list.Next(*item)) out.push_back(item->name);
  return out;
}

bool Linked(const Item& item) { return static_cast<const ListNode<Item>&>(item).linked(); }
void Unlink(Item& item) { static_cast<ListNode<Item>&>(item).Unlink(); }

TEST(IntrusiveListTest, AnEmptyListHasNeitherFrontNorBack) {
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(nullptr, list.front());
  EXPECT_EQ(nullptr, list.back());
  EXPECT_EQ(nullptr, list.PopFront());
}

TEST(IntrusiveListTest, PushesAtBothEnds) {
  Item a('a'), b('b'), c('c');
  List list;
  list.PushBack(b);
  list.PushBack(c);
  list.PushFront(a);
  EXPECT_EQ("abc", Names(list));
  EXPECT_EQ(&a, list.front());
  EXPECT_EQ(&c, list.back());
}

TEST(IntrusiveListTest, ElementsLeaveFromAnywhere) {
  Item a('a'), b('b'), c('c'), d('d');
  List list;
  for (Item* item : {&a, &b, &c, &d}) list.PushBack(*item);
  Unlink(b);
  EXPECT_EQ("acd", Names(list));
  Unlink(b);  // No longer in a list: nothing happens.
  Unlink(d);
  EXPECT_EQ(&c, list.back());
  EXPECT_EQ(&a, list.PopFront());
  EXPECT_FALSE(Linked(a));
  EXPECT_EQ("c", Names(list));
  list.PushBack(a);
  EXPECT_EQ("ca", Names(list));
}

TEST(IntrusiveListTest, AnElementThatDiesLeavesItsList) {
  Item a('a'), c('c');
  std::optional<Item> b('b');
  List list;
  list.PushBack(a);
  list.PushBack(*b);
  list.PushBack(c);
  b.reset();
  EXPECT_EQ("ac", Names(list));
}

TEST(IntrusiveListTest, AListThatDiesLetsItsElementsGo) {
  Item a('a'), b('b');
  {
    List list;
    list.PushBack(a);
    list.PushBack(b);
  }
  EXPECT_FALSE(Linked(a));
  EXPECT_FALSE(Linked(b));
  List next;
  next.PushBack(a);
  EXPECT_EQ("a", Names(next));
}

TEST(IntrusiveListTest, TagsKeepListsApart) {
  Item a('a');
  List list;
  IntrusiveList<Item, Other> others;
  list.PushBack(a);
  others.PushBack(a);
  Unlink(a);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(&a, others.front());
}

TEST(IntrusiveListTest, TakeAllAppendsInOrderAndEmptiesTheOther) {
  Item a('a'), b('b'), c('c'), d('d');
  List list, other;
  list.PushBack(a);
  list.TakeAll(other);
  EXPECT_EQ("a", Names(list));
  other.PushBack(b);
  other.PushBack(c);
  list.TakeAll(other);
  EXPECT_EQ("abc", Names(list));
  EXPECT_TRUE(other.empty());
  other.PushBack(d);
  EXPECT_EQ("d", Names(other));
  List third;
  third.TakeAll(list);
  EXPECT_EQ("abc", Names(third));
  EXPECT_EQ(&c, third.back());
}

}  // namespace
}  // namespace nuncio
