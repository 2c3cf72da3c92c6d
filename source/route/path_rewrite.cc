#include "source/route/path_rewrite.h"

#include <algorithm>

namespace nuncio::route {

std::string_view WithoutQuery(std::string_view path) { return path.substr(0, path.find_first_of("?#")); }

std::optional<std::string_view> PathRewrite::Apply(std::string_view path, size_t matched, Arena& arena) const {
  std::string_view head;
  std::string_view tail;
  if (const auto* prefix = std::get_if<std::string>(&how)) {
    head = *prefix;
    // A filter may have changed the path since it was matched.
    tail = path.substr(std::min(matched, path.size()));
  } else {
    const std::string_view compared = WithoutQuery(path);
    const std::optional<std::string_view> result =
        std::get<matcher::RegexSubstitution>(how).Apply(compared, compared.size() + kMaxRewriteGrowth, arena);
    if (!result.has_value()) return std::nullopt;
    head = *result;
    tail = path.substr(compared.size());
  }
  if (head.size() + tail.size() > path.size() + kMaxRewriteGrowth) return std::nullopt;
  // An origin-form target begins with a slash (RFC 9112 3.2.1).
  const char first = !head.empty() ? head.front() : !tail.empty() ? tail.front() : '\0';
  return arena.Concat(first == '/' ? std::string_view() : std::string_view("/"), head, tail);
}

}  // namespace nuncio::route
