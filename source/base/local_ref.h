#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace nuncio {

// Where immutable objects go when a worker has let go of them, so that a large one is not freed on the request path.
class ObjectHome {
 public:
  virtual void TakeBack(std::shared_ptr<const void> object) = 0;

 protected:
  ~ObjectHome() = default;
};

// A worker's handle on an immutable object that the main thread published: copies on the same worker count without
// atomics, and the last one sends the object home. Belongs to one thread; made there from a shared_ptr.
template <typename T>
class LocalRef {
 public:
  LocalRef() = default;
  LocalRef(std::shared_ptr<const T> object, ObjectHome& home)
      : box_(object == nullptr ? nullptr : new Box{std::move(object), &home, 1}) {}
  LocalRef(const LocalRef& other) : box_(other.box_) {
    if (box_ != nullptr) ++box_->refs;
  }
  LocalRef(LocalRef&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  LocalRef& operator=(LocalRef other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~LocalRef() { reset(); }

  void reset() {
    Box* box = std::exchange(box_, nullptr);
    if (box == nullptr || --box->refs > 0) return;
    box->home->TakeBack(std::move(box->object));
    delete box;
  }
  const T* get() const { return box_ == nullptr ? nullptr : box_->object.get(); }
  const T& operator*() const { return *box_->object; }
  const T* operator->() const { return box_->object.get(); }
  explicit operator bool() const { return box_ != nullptr; }
  const std::shared_ptr<const T>& shared() const { return box_->object; }

 private:
  struct Box {
    std::shared_ptr<const T> object;
    ObjectHome* home;
    uint32_t refs;
  };
  Box* box_ = nullptr;
};

}  // namespace nuncio
