#include "source/matcher/header_matcher.h"

#include <charconv>
#include <string>

namespace nuncio::matcher {

bool IntegerRange::ContainsText(std::string_view text) const {
  // from_chars takes a minus, but no plus.
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return false;
  }
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() && Contains(value);
}

bool HeaderMatcher::Matches(const http::RequestHead& request) const {
  std::string_view value;
  if (const auto* presence = std::get_if<Presence>(&test_)) {
    const bool found = field_.First(request, &value) || options_.treat_missing_as_empty;
    return (found == presence->present) != options_.invert;
  }
  static thread_local std::string joined;
  if (!field_.Joined(request, joined, &value)) {
    if (!options_.treat_missing_as_empty) return false;
    value = {};
  }
  const auto* text = std::get_if<StringMatcher>(&test_);
  const bool passes = text != nullptr ? text->Matches(value) : std::get<IntegerRange>(test_).ContainsText(value);
  return passes != options_.invert;
}

bool MatchesAll(std::span<const HeaderMatcher> matchers, const http::RequestHead& request) {
  for (const HeaderMatcher& matcher : matchers) {
    if (!matcher.Matches(request)) return false;
  }
  return true;
}

}  // namespace nuncio::matcher
