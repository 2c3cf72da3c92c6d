#pragma once

namespace nuncio {

// A bound member function: two words, never allocates, does not own its object. For callbacks on the request path.
template <typename Signature>
class Delegate;

template <typename R, typename... Args>
class Delegate<R(Args...)> {
 public:
  Delegate() = default;

  // Delegate<void()>::Bind<&Stream::OnTimeout>(this)
  template <auto Method, typename T>
  static Delegate Bind(T* object) {
    Delegate d;
    d.object_ = object;
    d.call_ = [](void* o, Args... args) -> R { return (static_cast<T*>(o)->*Method)(args...); };
    return d;
  }

  explicit operator bool() const { return call_ != nullptr; }
  R operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_ = nullptr;
  R (*call_)(void*, Args...) = nullptr;
};

}  // namespace nuncio
