#pragma once

#include <optional>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/type/matcher/v3/regex.pb.h"
#include "envoy/type/matcher/v3/string.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "source/config/fault.h"
#include "source/matcher/header_matcher.h"
#include "source/matcher/metadata.h"
#include "source/matcher/query_parameter_matcher.h"
#include "source/matcher/regex.h"
#include "source/matcher/string_matcher.h"

// From messages to matchers. What is wrong is recorded at the faults' current path, which stands at the message given,
// and the result is nullopt; of lists the faulty ones are left out. The rules in the .proto have been checked before,
// but nothing here relies on them.
namespace nuncio::matcher {

std::optional<Regex> CompileRegex(const envoy::type::matcher::v3::RegexMatcher& message, config::Faults& faults);

std::optional<RegexSubstitution> CompileRegexSubstitution(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& message, config::Faults& faults);

std::optional<StringMatcher> CompileStringMatcher(const envoy::type::matcher::v3::StringMatcher& message,
                                                  config::Faults& faults);

std::optional<StringMatcherList> CompileStringMatcherList(const envoy::type::matcher::v3::ListStringMatcher& message,
                                                          config::Faults& faults);

std::optional<HeaderMatcher> CompileHeaderMatcher(const envoy::config::route::v3::HeaderMatcher& message,
                                                  config::Faults& faults);

std::optional<QueryParameterMatcher> CompileQueryParameterMatcher(
    const envoy::config::route::v3::QueryParameterMatcher& message, config::Faults& faults);

Metadata CompileMetadata(const envoy::config::core::v3::Metadata& message, config::Faults& faults);

}  // namespace nuncio::matcher
