#pragma once

#include <utility>

#include "source/base/thread_check.h"

namespace nuncio {

// A priority queue through a base class of its elements (a pairing heap): no allocation; adding an element and lowering
// a key in O(1), removing one in O(log n) on average over many. `Tag` lets one object stand in several heaps.
template <typename Key, typename Tag>
class HeapNode {
 public:
  HeapNode() = default;
  HeapNode(const HeapNode&) = delete;
  HeapNode& operator=(const HeapNode&) = delete;

  bool in_heap() const { return in_heap_; }
  // Meaningful while in a heap.
  const Key& heap_key() const { return key_; }

 protected:
  // It must have been removed before.
  ~HeapNode() { NUNCIO_ASSERT(!in_heap_); }

 private:
  template <typename T, typename K, typename G>
  friend class IntrusiveHeap;

  HeapNode* child_ = nullptr;
  HeapNode* next_ = nullptr;  // Sibling.
  HeapNode* prev_ = nullptr;  // Sibling, or of the first child the parent.
  Key key_{};
  bool in_heap_ = false;
};

// The element with the least key on top. T derives from HeapNode<Key, Tag>. Owns nothing.
template <typename T, typename Key, typename Tag = T>
class IntrusiveHeap {
 public:
  IntrusiveHeap() = default;
  IntrusiveHeap(const IntrusiveHeap&) = delete;
  IntrusiveHeap& operator=(const IntrusiveHeap&) = delete;

  bool empty() const { return root_ == nullptr; }
  T* top() const { return static_cast<T*>(root_); }

  void Push(T& element, Key key) {
    Node& node = element;
    node.key_ = std::move(key);
    node.in_heap_ = true;
    root_ = root_ == nullptr ? &node : Meld(root_, &node);
  }
  // `key` is not above the element's present one.
  void Lower(T& element, Key key) {
    Node& node = element;
    node.key_ = std::move(key);
    if (&node == root_) return;
    Cut(node);
    root_ = Meld(root_, &node);
  }
  // Without effect on an element that is in no heap.
  void Remove(T& element) {
    Node& node = element;
    if (!node.in_heap_) return;
    if (&node == root_) {
      root_ = MeldSiblings(node.child_);
    } else {
      Cut(node);
      if (node.child_ != nullptr) root_ = Meld(root_, MeldSiblings(node.child_));
    }
    node.child_ = nullptr;
    node.in_heap_ = false;
  }

 private:
  using Node = HeapNode<Key, Tag>;

  // Of two heaps without siblings one.
  static Node* Meld(Node* a, Node* b) {
    if (b->key_ < a->key_) std::swap(a, b);
    b->prev_ = a;
    b->next_ = a->child_;
    if (b->next_ != nullptr) b->next_->prev_ = b;
    a->child_ = b;
    return a;
  }
  // Takes a node that is not the root out, with its children.
  static void Cut(Node& node) {
    if (node.prev_->child_ == &node) {
      node.prev_->child_ = node.next_;
    } else {
      node.prev_->next_ = node.next_;
    }
    if (node.next_ != nullptr) node.next_->prev_ = node.prev_;
    node.next_ = node.prev_ = nullptr;
  }
  // Pairs from the first to the last, then all of them from the last to the first: what keeps the average low.
  static Node* MeldSiblings(Node* first) {
    Node* pairs = nullptr;  // Through next_.
    while (first != nullptr) {
      Node* a = first;
      Node* b = a->next_;
      first = b == nullptr ? nullptr : b->next_;
      a->next_ = a->prev_ = nullptr;
      if (b != nullptr) {
        b->next_ = b->prev_ = nullptr;
        a = Meld(a, b);
      }
      a->next_ = pairs;
      pairs = a;
    }
    Node* root = nullptr;
    while (pairs != nullptr) {
      Node* next = std::exchange(pairs->next_, nullptr);
      root = root == nullptr ? pairs : Meld(root, pairs);
      pairs = next;
    }
    return root;
  }

  Node* root_ = nullptr;
};

}  // namespace nuncio
