#include "source/base/intrusive_heap.h"

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

struct Item : HeapNode<int, Item> {};
using Heap = IntrusiveHeap<Item, int>;

TEST(IntrusiveHeapTest, TheLeastIsOnTop) {
  Heap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.top(), nullptr);
  Item a, b, c;
  heap.Push(b, 2);
  EXPECT_EQ(heap.top(), &b);
  heap.Push(a, 1);
  heap.Push(c, 3);
  EXPECT_EQ(heap.top(), &a);
  EXPECT_EQ(a.heap_key(), 1);
  heap.Remove(a);
  EXPECT_FALSE(a.in_heap());
  EXPECT_EQ(heap.top(), &b);
  heap.Lower(c, 0);
  EXPECT_EQ(heap.top(), &c);
  heap.Remove(b);
  heap.Remove(b);
  heap.Remove(c);
  EXPECT_TRUE(heap.empty());
}

TEST(IntrusiveHeapTest, AgreesWithASearchWhateverIsDone) {
  std::mt19937 random(1);
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 200; ++i) items.push_back(std::make_unique<Item>());
  Heap heap;
  for (int step = 0; step < 20000; ++step) {
    Item& item = *items[random() % items.size()];
    if (!item.in_heap()) {
      heap.Push(item, static_cast<int>(random() % 1000));
    } else if (random() % 2 == 0) {
      heap.Lower(item, item.heap_key() - static_cast<int>(random() % 100));
    } else {
      heap.Remove(item);
    }
    const Item* least = nullptr;
    for (const auto& each : items) {
      if (each->in_heap() && (least == nullptr || each->heap_key() < least->heap_key())) least = each.get();
    }
    ASSERT_EQ(heap.empty(), least == nullptr);
    if (least == nullptr) continue;
    ASSERT_EQ(heap.top()->heap_key(), least->heap_key());
  }
  for (const auto& each : items) heap.Remove(*each);
  EXPECT_TRUE(heap.empty());
}

}  // namespace
}  // namespace nuncio
