#include "source/matcher/query_parameter_matcher.h"

namespace nuncio::matcher {

std::string_view QueryOf(std::string_view path) {
  const size_t fragment = path.find('#');
  if (fragment != std::string_view::npos) path = path.substr(0, fragment);
  const size_t mark = path.find('?');
  return mark == std::string_view::npos ? std::string_view() : path.substr(mark + 1);
}

bool FindQueryParameter(std::string_view query, std::string_view name, std::string_view* value) {
  while (!query.empty()) {
    const size_t length = query.find('&');
    const std::string_view parameter = query.substr(0, length);
    if (parameter.starts_with(name)) {
      if (parameter.size() == name.size()) {
        *value = {};
        return true;
      }
      if (parameter[name.size()] == '=') {
        *value = parameter.substr(name.size() + 1);
        return true;
      }
    }
    if (length == std::string_view::npos) break;
    query.remove_prefix(length + 1);
  }
  return false;
}

bool QueryParameterMatcher::Matches(std::string_view query) const {
  std::string_view value;
  const bool found = FindQueryParameter(query, name_, &value);
  if (const auto* presence = std::get_if<Presence>(&test_)) return found == presence->present;
  return found && std::get<StringMatcher>(test_).Matches(value);
}

}  // namespace nuncio::matcher
