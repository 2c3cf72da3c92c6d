#include "source/route/header_mutation.h"

namespace nuncio::route {
namespace {

bool Has(const http::HeaderMap& headers, const HeaderName& name) {
  return name.id == http::HeaderId::kOther ? headers.Find(name.text) != nullptr : headers.Has(name.id);
}

void Replace(http::HeaderMap& headers, const HeaderName& name, std::string_view value) {
  if (!Has(headers, name)) {
    headers.AddReference(name.id, name.text, value);
  } else if (name.id == http::HeaderId::kOther) {
    headers.SetReference(name.text, value);
  } else {
    headers.SetReference(name.id, value);
  }
}

// A formatted value may come from where the rules of header values do not hold, such as a certificate. CR, LF and NUL
// become spaces (RFC 9110 5.5).
std::string_view WithoutLineBreaks(std::string_view value, Arena& arena) {
  static constexpr std::string_view kForbidden("\r\n\0", 3);
  if (value.find_first_of(kForbidden) == std::string_view::npos) return value;
  char* const clean = arena.NewArray<char>(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    clean[i] = kForbidden.find(value[i]) == std::string_view::npos ? value[i] : ' ';
  }
  return {clean, value.size()};
}

// What an addition comes to for one message.
struct Outcome {
  const HeaderAddition* addition;
  std::string_view value;
  bool replaces;
};

}  // namespace

void HeaderMutations::Apply(const FormatInput& input, http::HeaderMap& headers) const {
  for (const HeaderName& name : removals) {
    if (name.id == http::HeaderId::kOther) {
      headers.Remove(name.text);
    } else {
      headers.Remove(name.id);
    }
  }
  if (additions.empty()) return;

  Arena& arena = headers.arena();
  auto* const outcomes = arena.NewArray<Outcome>(additions.size());
  size_t count = 0;
  for (const HeaderAddition& addition : additions) {
    const std::string_view value = addition.formatter == nullptr
                                       ? std::string_view(addition.literal)
                                       : WithoutLineBreaks(addition.formatter->Format(input, arena), arena);
    if (value.empty() && !addition.keep_empty_value) continue;
    bool replaces = false;
    switch (addition.action) {
      case HeaderAddition::Action::kAppend:
        break;
      case HeaderAddition::Action::kAddIfAbsent:
        if (Has(headers, addition.name)) continue;
        break;
      case HeaderAddition::Action::kOverwriteIfExists:
        if (!Has(headers, addition.name)) continue;
        replaces = true;
        break;
      case HeaderAddition::Action::kOverwrite:
        replaces = true;
        break;
    }
    outcomes[count++] = {&addition, value, replaces};
  }
  for (const Outcome* outcome = outcomes; outcome != outcomes + count; ++outcome) {
    if (outcome->replaces) Replace(headers, outcome->addition->name, outcome->value);
  }
  for (const Outcome* outcome = outcomes; outcome != outcomes + count; ++outcome) {
    const HeaderName& name = outcome->addition->name;
    if (!outcome->replaces) headers.AddReference(name.id, name.text, outcome->value);
  }
}

}  // namespace nuncio::route
