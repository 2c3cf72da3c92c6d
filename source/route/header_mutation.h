#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/header_id.h"
#include "source/http/header_map.h"
#include "source/route/value_formatter.h"

namespace nuncio::route {

// A header name with its id, looked up once.
struct HeaderName {
  explicit HeaderName(std::string_view name) : text(name), id(http::FindHeaderId(name)) {}
  std::string text;
  http::HeaderId id;
};

// A header to add.
struct HeaderAddition {
  enum class Action : uint8_t { kAppend, kAddIfAbsent, kOverwrite, kOverwriteIfExists };

  explicit HeaderAddition(HeaderName header_name) : name(std::move(header_name)) {}

  HeaderName name;
  Action action = Action::kAppend;
  // Added even when the value comes out empty.
  bool keep_empty_value = false;
  std::string literal;
  // Null: the value is `literal`.
  std::unique_ptr<const ValueFormatter> formatter;
};

// The header changes of one level of the configuration. Immutable; any thread.
struct HeaderMutations {
  std::vector<HeaderName> removals;
  std::vector<HeaderAddition> additions;

  bool empty() const { return removals.empty() && additions.empty(); }
  // Removals first. Then every value is worked out from what the map now holds, then headers are replaced, then added.
  // Texts of literals are referred to, not copied: whoever owns this must outlive the map.
  void Apply(const FormatInput& input, http::HeaderMap& headers) const;
};

}  // namespace nuncio::route
