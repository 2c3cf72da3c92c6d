#pragma once

#include <cstddef>

namespace nuncio {

// A doubly linked list through a base class of its elements: no allocation, removal in O(1). `Tag` lets one object
// stand in several lists. Owns nothing; an element leaves its list when destroyed.
template <typename Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { Unlink(); }

  bool linked() const { return next_ != nullptr; }
  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <typename T, typename G>
  friend class IntrusiveList;
  ListNode* next_ = nullptr;
  ListNode* prev_ = nullptr;
};

// T derives from ListNode<Tag>. An element already in a list of this Tag must be unlinked before it is pushed.
template <typename T, typename Tag = T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  ~IntrusiveList() {
    while (!empty()) head_.next_->Unlink();
    head_.next_ = head_.prev_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : Cast(head_.next_); }
  T* back() { return empty() ? nullptr : Cast(head_.prev_); }
  void PushBack(T& element) { Insert(head_.prev_, element); }
  void PushFront(T& element) { Insert(&head_, element); }
  T* PopFront() {
    T* element = front();
    if (element != nullptr) Node(*element).Unlink();
    return element;
  }
  // The element after `element`, or null.
  T* Next(T& element) {
    Link* next = Node(element).next_;
    return next == &head_ ? nullptr : Cast(next);
  }
  // Moves all of `other` to this list's end.
  void TakeAll(IntrusiveList& other) {
    if (other.empty()) return;
    Link* first = other.head_.next_;
    Link* last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

 private:
  using Link = ListNode<Tag>;
  static Link& Node(T& element) { return static_cast<Link&>(element); }
  static T* Cast(Link* link) { return static_cast<T*>(link); }
  void Insert(Link* after, T& element) {
    Link& node = Node(element);
    node.prev_ = after;
    node.next_ = after->next_;
    after->next_->prev_ = &node;
    after->next_ = &node;
  }

  Link head_;
};

}  // namespace nuncio
