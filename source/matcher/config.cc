#include "source/matcher/config.h"

#include <string>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::matcher {
namespace {

using config::Faults;
using EnvoyStringMatcher = envoy::type::matcher::v3::StringMatcher;
using EnvoyHeaderMatcher = envoy::config::route::v3::HeaderMatcher;
using EnvoyQueryParameterMatcher = envoy::config::route::v3::QueryParameterMatcher;

// A test of text that is not a regular expression.
std::optional<StringMatcher> CompileText(StringMatcher::Kind kind, const EnvoyStringMatcher& message,
                                         std::string_view field, const std::string& text, Faults& faults) {
  // Every value would pass; to say that, `present_match` is there.
  if (text.empty() && kind != StringMatcher::Kind::kExact) {
    faults.Add(field, "must not be empty");
    return std::nullopt;
  }
  return StringMatcher(kind, text, message.ignore_case());
}

// Recursion depth of google.protobuf.Value is bounded by protobuf's own parser (100) and the readers of config/.
MetadataValue CompileValue(const google::protobuf::Value& message, Faults& faults);

MetadataValue CompileStruct(const google::protobuf::Struct& message, Faults& faults) {
  MetadataValue::Fields fields;
  for (const auto& [name, value] : message.fields()) {
    Faults::Scope scope(faults, "fields", name);
    fields.emplace(name, CompileValue(value, faults));
  }
  return {std::move(fields)};
}

MetadataValue CompileValue(const google::protobuf::Value& message, Faults& faults) {
  if (faults.depth() > Faults::kMaxDepth) {
    faults.Add("is nested too deeply");
    return {};
  }
  switch (message.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return {message.bool_value()};
    case google::protobuf::Value::kNumberValue:
      return {message.number_value()};
    case google::protobuf::Value::kStringValue:
      return {message.string_value()};
    case google::protobuf::Value::kStructValue:
      return CompileStruct(message.struct_value(), faults);
    case google::protobuf::Value::kListValue: {
      MetadataValue::List list;
      for (int i = 0; i < message.list_value().values_size(); ++i) {
        Faults::Scope scope(faults, "values", static_cast<size_t>(i));
        list.push_back(CompileValue(message.list_value().values(i), faults));
      }
      return {std::move(list)};
    }
    case google::protobuf::Value::kNullValue:
    case google::protobuf::Value::KIND_NOT_SET:
      break;
  }
  return {};
}

}  // namespace

std::optional<Regex> CompileRegex(const envoy::type::matcher::v3::RegexMatcher& message, Faults& faults) {
  if (message.regex().empty()) {
    faults.Add("regex", "must not be empty");
    return std::nullopt;
  }
  absl::StatusOr<Regex> regex = Regex::Compile(message.regex());
  if (!regex.ok()) {
    faults.Add("regex", ToStd(regex.status().message()));
    return std::nullopt;
  }
  return *std::move(regex);
}

std::optional<RegexSubstitution> CompileRegexSubstitution(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& message, Faults& faults) {
  {
    // First on its own, so that a fault is reported where it is.
    Faults::Scope scope(faults, "pattern");
    if (!CompileRegex(message.pattern(), faults).has_value()) return std::nullopt;
  }
  absl::StatusOr<RegexSubstitution> substitution =
      RegexSubstitution::Compile(message.pattern().regex(), message.substitution());
  if (!substitution.ok()) {
    faults.Add("substitution", ToStd(substitution.status().message()));
    return std::nullopt;
  }
  return *std::move(substitution);
}

std::optional<StringMatcher> CompileStringMatcher(const EnvoyStringMatcher& message, Faults& faults) {
  switch (message.match_pattern_case()) {
    case EnvoyStringMatcher::kExact:
      return CompileText(StringMatcher::Kind::kExact, message, "exact", message.exact(), faults);
    case EnvoyStringMatcher::kPrefix:
      return CompileText(StringMatcher::Kind::kPrefix, message, "prefix", message.prefix(), faults);
    case EnvoyStringMatcher::kSuffix:
      return CompileText(StringMatcher::Kind::kSuffix, message, "suffix", message.suffix(), faults);
    case EnvoyStringMatcher::kContains:
      return CompileText(StringMatcher::Kind::kContains, message, "contains", message.contains(), faults);
    case EnvoyStringMatcher::kSafeRegex: {
      if (message.ignore_case()) {
        faults.Add("ignore_case", "does not go with safe_regex; begin the expression with (?i)");
        return std::nullopt;
      }
      Faults::Scope scope(faults, "safe_regex");
      std::optional<Regex> regex = CompileRegex(message.safe_regex(), faults);
      if (!regex.has_value()) return std::nullopt;
      return StringMatcher(*std::move(regex));
    }
    case EnvoyStringMatcher::MATCH_PATTERN_NOT_SET:
      break;
  }
  faults.Add("must have one of exact, prefix, suffix, contains and safe_regex");
  return std::nullopt;
}

std::optional<StringMatcherList> CompileStringMatcherList(const envoy::type::matcher::v3::ListStringMatcher& message,
                                                          Faults& faults) {
  std::vector<StringMatcher> matchers;
  for (int i = 0; i < message.patterns_size(); ++i) {
    Faults::Scope scope(faults, "patterns", static_cast<size_t>(i));
    std::optional<StringMatcher> matcher = CompileStringMatcher(message.patterns(i), faults);
    if (matcher.has_value()) matchers.push_back(*std::move(matcher));
  }
  if (message.patterns().empty()) faults.Add("patterns", "must not be empty");
  if (matchers.size() != static_cast<size_t>(message.patterns_size()) || matchers.empty()) return std::nullopt;
  return StringMatcherList(std::move(matchers));
}

std::optional<HeaderMatcher> CompileHeaderMatcher(const EnvoyHeaderMatcher& message, Faults& faults) {
  if (message.name().empty()) {
    faults.Add("name", "must not be empty");
    return std::nullopt;
  }
  HeaderMatcher::Test test = Presence{};
  switch (message.header_match_specifier_case()) {
    case EnvoyHeaderMatcher::kExactMatch:
      // As upstream has it: the empty text asks for nothing but the header's presence.
      if (!message.exact_match().empty()) {
        test = StringMatcher(StringMatcher::Kind::kExact, message.exact_match(), false);
      }
      break;
    case EnvoyHeaderMatcher::kRangeMatch:
      test = IntegerRange{message.range_match().start(), message.range_match().end()};
      break;
    case EnvoyHeaderMatcher::kPresentMatch:
      test = Presence{message.present_match()};
      break;
    case EnvoyHeaderMatcher::kStringMatch: {
      Faults::Scope scope(faults, "string_match");
      std::optional<StringMatcher> matcher = CompileStringMatcher(message.string_match(), faults);
      if (!matcher.has_value()) return std::nullopt;
      test = *std::move(matcher);
      break;
    }
    case EnvoyHeaderMatcher::HEADER_MATCH_SPECIFIER_NOT_SET:
      break;
  }
  return HeaderMatcher(RequestField(message.name()), std::move(test),
                       {.invert = message.invert_match(),
                        .treat_missing_as_empty = message.treat_missing_header_as_empty()});
}

std::optional<QueryParameterMatcher> CompileQueryParameterMatcher(const EnvoyQueryParameterMatcher& message,
                                                                  Faults& faults) {
  if (message.name().empty()) {
    faults.Add("name", "must not be empty");
    return std::nullopt;
  }
  QueryParameterMatcher::Test test = Presence{};
  switch (message.query_parameter_match_specifier_case()) {
    case EnvoyQueryParameterMatcher::kStringMatch: {
      Faults::Scope scope(faults, "string_match");
      std::optional<StringMatcher> matcher = CompileStringMatcher(message.string_match(), faults);
      if (!matcher.has_value()) return std::nullopt;
      test = *std::move(matcher);
      break;
    }
    case EnvoyQueryParameterMatcher::kPresentMatch:
      test = Presence{message.present_match()};
      break;
    case EnvoyQueryParameterMatcher::QUERY_PARAMETER_MATCH_SPECIFIER_NOT_SET:
      break;
  }
  return QueryParameterMatcher(message.name(), std::move(test));
}

Metadata CompileMetadata(const envoy::config::core::v3::Metadata& message, Faults& faults) {
  Metadata metadata;
  for (const auto& [name, fields] : message.filter_metadata()) {
    Faults::Scope scope(faults, "filter_metadata", name);
    metadata.namespaces.emplace(name, CompileStruct(fields, faults));
  }
  return metadata;
}

}  // namespace nuncio::matcher
