#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "source/matcher/header_matcher.h"
#include "source/matcher/string_matcher.h"

namespace nuncio::matcher {

// What stands between `?` and `#` of a request's path; empty where there is no query.
std::string_view QueryOf(std::string_view path);

// The value of the first parameter of that name, as written, not decoded. False where there is none.
bool FindQueryParameter(std::string_view query, std::string_view name, std::string_view* value);

// A condition on one parameter of the query. Names and values are compared as written. Immutable; any thread.
class QueryParameterMatcher {
 public:
  using Test = std::variant<Presence, StringMatcher>;

  QueryParameterMatcher(std::string name, Test test) : name_(std::move(name)), test_(std::move(test)) {}

  // `query` without its question mark.
  bool Matches(std::string_view query) const;

 private:
  std::string name_;
  Test test_;
};

}  // namespace nuncio::matcher
