#pragma once

#include <memory>
#include <utility>

namespace nuncio {

// A value that is T's default in most of the objects that have it, which then hold a null pointer in its place. Copies
// are deep.
template <typename T>
class Rarely {
 public:
  Rarely() = default;
  Rarely(T value) : own_(std::make_unique<T>(std::move(value))) {}
  Rarely(const Rarely& other) : own_(other.own_ == nullptr ? nullptr : std::make_unique<T>(*other.own_)) {}
  Rarely(Rarely&& other) noexcept = default;
  Rarely& operator=(Rarely other) noexcept {
    own_.swap(other.own_);
    return *this;
  }
  ~Rarely() = default;

  const T& operator*() const { return own_ == nullptr ? Default() : *own_; }
  const T* operator->() const { return &**this; }
  // Whether it was never given a value: then it is T's default.
  bool is_default() const { return own_ == nullptr; }
  // To be changed.
  T& Own() {
    if (own_ == nullptr) own_ = std::make_unique<T>();
    return *own_;
  }

 private:
  static const T& Default() {
    static const T value{};
    return value;
  }

  std::unique_ptr<T> own_;
};

}  // namespace nuncio
