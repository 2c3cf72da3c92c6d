#include "source/matcher/string_matcher.h"

#include "source/base/strings.h"

namespace nuncio::matcher {

StringMatcher::StringMatcher(Kind kind, std::string_view text, bool ignore_case)
    : kind_(kind), ignore_case_(ignore_case), text_(ignore_case ? AsciiToLower(text) : std::string(text)) {
  if (kind != Kind::kContains || !ignore_case) return;
  failure_.assign(text_.size(), 0);
  for (uint32_t i = 1, border = 0; i < text_.size(); ++i) {
    while (border > 0 && text_[i] != text_[border]) border = failure_[border - 1];
    if (text_[i] == text_[border]) ++border;
    failure_[i] = border;
  }
}

bool StringMatcher::Matches(std::string_view s) const {
  switch (kind_) {
    case Kind::kExact:
      return ignore_case_ ? EqualsIgnoreCase(s, text_) : s == text_;
    case Kind::kPrefix:
      return ignore_case_ ? StartsWithIgnoreCase(s, text_) : s.starts_with(text_);
    case Kind::kSuffix:
      return ignore_case_ ? EndsWithIgnoreCase(s, text_) : s.ends_with(text_);
    case Kind::kContains:
      return ignore_case_ ? ContainsIgnoreCase(s) : s.find(text_) != std::string_view::npos;
    case Kind::kRegex:
      return regex_->Matches(s);
  }
  return false;
}

bool StringMatcher::ContainsIgnoreCase(std::string_view s) const {
  if (text_.empty()) return true;
  size_t matched = 0;
  for (const char raw : s) {
    const char c = ToLower(raw);
    while (matched > 0 && c != text_[matched]) matched = failure_[matched - 1];
    if (c == text_[matched] && ++matched == text_.size()) return true;
  }
  return false;
}

}  // namespace nuncio::matcher
