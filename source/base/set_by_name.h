#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <type_traits>

#include "absl/container/flat_hash_set.h"

namespace nuncio {

// A set of elements that have their names within, found by these. NameOf()(element) is a name that does not change
// while the element is in the set.
template <typename T, typename NameOf>
class ByName {
  template <typename U>
  static std::string_view Name(const U& of) {
    if constexpr (std::is_convertible_v<const U&, std::string_view>) {
      return of;
    } else {
      return NameOf()(of);
    }
  }

 public:
  struct Hash {
    using is_transparent = void;
    template <typename U>
    size_t operator()(const U& of) const {
      return std::hash<std::string_view>{}(Name(of));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename U, typename V>
    bool operator()(const U& a, const V& b) const {
      return Name(a) == Name(b);
    }
  };
  using Set = absl::flat_hash_set<T, Hash, Equal>;
};

template <typename T, typename NameOf>
using SetByName = typename ByName<T, NameOf>::Set;

}  // namespace nuncio
