#include <string>
#include <string_view>
#include <utility>

#include "source/base/strings.h"
#include "source/route/config.h"

namespace nuncio::route {
namespace {

using config::Faults;
using envoy::config::core::v3::HeaderValueOption;

// RFC 9110 5.6.2.
bool IsToken(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const char lower = ToLower(c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos) continue;
    return false;
  }
  return !text.empty();
}

bool IsPseudoOrHost(std::string_view name) { return name.starts_with(':') || EqualsIgnoreCase(name, "host"); }

void CheckAddedName(std::string_view name, Faults& faults) {
  if (IsPseudoOrHost(name)) {
    faults.Add("key", StrCat(":-prefixed or host headers may not be modified (is ", config::Quote(name),
                             "); use the rewrites of the route"));
  } else if (EqualsIgnoreCase(name, "content-length") || EqualsIgnoreCase(name, "transfer-encoding")) {
    faults.Add("key", StrCat(config::Quote(name), " frames the message and may not be set"));
  } else if (!IsToken(name)) {
    faults.Add("key",
               StrCat("must be a header name: letters, digits and !#$%&'*+-.^_`|~ (is ", config::Quote(name), ")"));
  }
}

HeaderAddition::Action CompileAction(const HeaderValueOption& message, Faults& faults) {
  if (message.has_append()) {
    if (message.append_action() != HeaderValueOption::APPEND_IF_EXISTS_OR_ADD) {
      faults.Add("append", "does not go with append_action; leave append out");
    }
    return message.append().value() ? HeaderAddition::Action::kAppend : HeaderAddition::Action::kOverwrite;
  }
  switch (message.append_action()) {
    case HeaderValueOption::APPEND_IF_EXISTS_OR_ADD:
      return HeaderAddition::Action::kAppend;
    case HeaderValueOption::ADD_IF_ABSENT:
      return HeaderAddition::Action::kAddIfAbsent;
    case HeaderValueOption::OVERWRITE_IF_EXISTS_OR_ADD:
      return HeaderAddition::Action::kOverwrite;
    case HeaderValueOption::OVERWRITE_IF_EXISTS:
      return HeaderAddition::Action::kOverwriteIfExists;
    default:
      faults.Add("append_action", StrCat("has no value ", static_cast<int>(message.append_action())));
      return HeaderAddition::Action::kAppend;
  }
}

HeaderAddition CompileAddition(const HeaderValueOption& message, const CompileOptions& options, Faults& faults) {
  HeaderAddition addition(HeaderName(message.header().key()));
  addition.action = CompileAction(message, faults);
  addition.keep_empty_value = message.keep_empty_value();
  Faults::Scope scope(faults, "header");
  CheckAddedName(message.header().key(), faults);
  const std::string& value = message.header().value();
  const std::string& raw_value = message.header().raw_value();
  if (!value.empty() && !raw_value.empty()) faults.Add("raw_value", "does not go with value; set one of them");
  if (value.find('%') != std::string::npos) {
    Faults::Scope value_scope(faults, "value");
    if (options.formatters != nullptr) {
      addition.formatter = options.formatters->Parse(value, faults);
    } else {
      faults.Add("holds a %OPERATOR%, which is not allowed here");
    }
    return addition;
  }
  addition.literal = value.empty() ? raw_value : value;
  if (addition.literal.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    faults.Add(value.empty() ? "raw_value" : "value", "must not contain CR, LF or NUL");
  }
  return addition;
}

}  // namespace

HeaderMutations CompileHeaderMutations(const google::protobuf::RepeatedPtrField<std::string>& removals,
                                       std::string_view removal_field,
                                       const google::protobuf::RepeatedPtrField<HeaderValueOption>& additions,
                                       std::string_view addition_field, const CompileOptions& options,
                                       Faults& faults) {
  HeaderMutations mutations;
  for (int i = 0; i < removals.size(); ++i) {
    if (IsPseudoOrHost(removals[i])) {
      Faults::Scope scope(faults, removal_field, static_cast<size_t>(i));
      faults.Add(StrCat(":-prefixed or host headers may not be removed (is ", config::Quote(removals[i]), ")"));
    }
    mutations.removals.emplace_back(removals[i]);
  }
  mutations.additions.reserve(static_cast<size_t>(additions.size()));
  for (int i = 0; i < additions.size(); ++i) {
    Faults::Scope scope(faults, addition_field, static_cast<size_t>(i));
    mutations.additions.push_back(CompileAddition(additions[i], options, faults));
  }
  return mutations;
}

}  // namespace nuncio::route
