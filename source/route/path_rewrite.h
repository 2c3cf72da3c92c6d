#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "source/base/arena.h"
#include "source/matcher/regex.h"

namespace nuncio::route {

// A rewrite may lengthen a path or host by no more than this many bytes.
inline constexpr size_t kMaxRewriteGrowth = 65536;

// The path up to its query or fragment.
std::string_view WithoutQuery(std::string_view path);

// A change of the path; the query stays.
struct PathRewrite {
  // A string takes the place of the part that the route matched. A result that does not begin with a slash gets one.
  std::variant<std::string, matcher::RegexSubstitution> how;

  // `matched` is the length of the part of `path` that the route matched. The result is in the arena. nullopt where it
  // would be longer than kMaxRewriteGrowth allows.
  std::optional<std::string_view> Apply(std::string_view path, size_t matched, Arena& arena) const;
};

}  // namespace nuncio::route
