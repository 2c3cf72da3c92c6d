#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "source/http/message.h"
#include "source/matcher/request_field.h"
#include "source/matcher/string_matcher.h"

namespace nuncio::matcher {

// Integers from `start` up to, not including, `end`.
struct IntegerRange {
  int64_t start = 0;
  int64_t end = 0;

  bool Contains(int64_t value) const { return start <= value && value < end; }
  // Whether `text`, all of it, is a decimal integer with an optional sign and in the range.
  bool ContainsText(std::string_view text) const;
};

// Whether the field must be there or must be absent.
struct Presence {
  bool present = true;
};

// A condition on one field of a request. Several values of one header count as one, joined by commas: in a buffer of
// the thread that is kept, since a copy in the arena for each of 10,000 routes would let a client fill the memory.
// Immutable; any thread.
class HeaderMatcher {
 public:
  using Test = std::variant<Presence, IntegerRange, StringMatcher>;

  struct Options {
    // Turns the result round; a missing header still fails every test but Presence.
    bool invert = false;
    // A missing header is tested as an empty value.
    bool treat_missing_as_empty = false;
  };

  HeaderMatcher(RequestField field, Test test, Options options)
      : field_(std::move(field)), test_(std::move(test)), options_(options) {}

  bool Matches(const http::RequestHead& request) const;

 private:
  RequestField field_;
  Test test_;
  Options options_;
};

// Whether every one of them matches.
bool MatchesAll(std::span<const HeaderMatcher> matchers, const http::RequestHead& request);

}  // namespace nuncio::matcher
