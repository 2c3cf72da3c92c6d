#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/matcher/regex.h"

namespace nuncio::matcher {

// A test of one string. Immutable; any thread; Matches allocates nothing.
class StringMatcher {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kRegex };

  // `ignore_case` speaks of ASCII letters. Not for kRegex.
  StringMatcher(Kind kind, std::string_view text, bool ignore_case);
  explicit StringMatcher(Regex regex) : kind_(Kind::kRegex), regex_(std::move(regex)) {}

  bool Matches(std::string_view s) const;

  Kind kind() const { return kind_; }
  bool ignore_case() const { return ignore_case_; }
  // As configured; in lower case where case is ignored. Empty for kRegex.
  const std::string& text() const { return text_; }
  // The same, or the expression.
  const std::string& pattern() const { return regex_.has_value() ? regex_->pattern() : text_; }

 private:
  bool ContainsIgnoreCase(std::string_view s) const;

  Kind kind_;
  bool ignore_case_ = false;
  std::string text_;
  std::optional<Regex> regex_;
  // For kContains without regard to case: Knuth, Morris and Pratt's table, so that no header makes the search
  // quadratic.
  std::vector<uint32_t> failure_;
};

// Matches what one of its matchers matches.
class StringMatcherList {
 public:
  explicit StringMatcherList(std::vector<StringMatcher> matchers) : matchers_(std::move(matchers)) {}
  bool Matches(std::string_view s) const {
    for (const StringMatcher& matcher : matchers_) {
      if (matcher.Matches(s)) return true;
    }
    return false;
  }

 private:
  std::vector<StringMatcher> matchers_;
};

}  // namespace nuncio::matcher
