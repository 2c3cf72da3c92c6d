#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/base/strings.h"
#include "source/config/converters.h"
#include "source/config/data_source.h"
#include "source/matcher/config.h"
#include "source/route/compiler.h"

namespace nuncio::route {
namespace {

using config::Faults;
using EnvoyRoute = envoy::config::route::v3::Route;
using EnvoyRouteMatch = envoy::config::route::v3::RouteMatch;

PathPattern CompilePathPattern(const EnvoyRouteMatch& message, Faults& faults) {
  PathPattern pattern;
  pattern.case_sensitive = !message.has_case_sensitive() || message.case_sensitive().value();
  switch (message.path_specifier_case()) {
    case EnvoyRouteMatch::kPrefix:
      pattern.kind = PathPattern::Kind::kPrefix;
      pattern.text = message.prefix();
      break;
    case EnvoyRouteMatch::kPath:
      pattern.kind = PathPattern::Kind::kExact;
      pattern.text = message.path();
      break;
    case EnvoyRouteMatch::kPathSeparatedPrefix:
      pattern.kind = PathPattern::Kind::kSeparatedPrefix;
      pattern.text = message.path_separated_prefix();
      break;
    case EnvoyRouteMatch::kSafeRegex: {
      Faults::Scope scope(faults, "safe_regex");
      pattern.kind = PathPattern::Kind::kRegex;
      pattern.regex = matcher::CompileRegex(message.safe_regex(), faults);
      break;
    }
    case EnvoyRouteMatch::kConnectMatcher:
      pattern.kind = PathPattern::Kind::kConnect;
      break;
    case EnvoyRouteMatch::PATH_SPECIFIER_NOT_SET:
      faults.Add("must have one of prefix, path, path_separated_prefix, safe_regex and connect_matcher");
      break;
  }
  if (!pattern.case_sensitive) pattern.text = AsciiToLower(pattern.text);
  return pattern;
}

void CompileMatch(const EnvoyRouteMatch& message, RouteEntry& route, Faults& faults) {
  route.path = CompilePathPattern(message, faults);
  for (int i = 0; i < message.headers_size(); ++i) {
    Faults::Scope scope(faults, "headers", static_cast<size_t>(i));
    std::optional<matcher::HeaderMatcher> matcher = matcher::CompileHeaderMatcher(message.headers(i), faults);
    if (matcher.has_value()) route.headers.push_back(*std::move(matcher));
  }
  for (int i = 0; i < message.query_parameters_size(); ++i) {
    Faults::Scope scope(faults, "query_parameters", static_cast<size_t>(i));
    std::optional<matcher::QueryParameterMatcher> matcher =
        matcher::CompileQueryParameterMatcher(message.query_parameters(i), faults);
    if (matcher.has_value()) route.query_parameters.push_back(*std::move(matcher));
  }
  route.grpc_only = message.has_grpc();
  if (message.has_runtime_fraction()) {
    Faults::Scope scope(faults, "runtime_fraction");
    Faults::Scope default_scope(faults, "default_value");
    const config::Fraction fraction = config::ToFraction(message.runtime_fraction().default_value(), faults);
    if (!fraction.always()) route.fraction = fraction;
  }
}

std::unique_ptr<const DirectResponseAction> CompileDirectResponse(
    const envoy::config::route::v3::DirectResponseAction& message, const CompileEnvironment& environment,
    Faults& faults) {
  auto action = std::make_unique<DirectResponseAction>();
  action->status = message.status();
  if (message.status() < 200 || message.status() > 599) {
    faults.Add("status", StrCat("must be between 200 and 599 (is ", message.status(), ")"));
  }
  if (message.has_body()) {
    Faults::Scope scope(faults, "body");
    action->body = config::ReadDataSource(message.body(), environment.max_direct_response_body_size,
                                          environment.options.data_sources, faults)
                       .value_or(std::string());
  }
  return action;
}

}  // namespace

std::unique_ptr<const matcher::Metadata> CompileOptionalMetadata(bool is_set,
                                                                 const envoy::config::core::v3::Metadata& message,
                                                                 Faults& faults) {
  if (!is_set || message.filter_metadata().empty()) return nullptr;
  Faults::Scope scope(faults, "metadata");
  return std::make_unique<const matcher::Metadata>(matcher::CompileMetadata(message, faults));
}

RouteEntry CompileRoute(const EnvoyRoute& message, const CompileEnvironment& environment, Faults& faults) {
  RouteEntry route;
  route.name = message.name();
  {
    Faults::Scope scope(faults, "match");
    CompileMatch(message.match(), route, faults);
  }
  switch (message.action_case()) {
    case EnvoyRoute::kRoute: {
      Faults::Scope scope(faults, "route");
      route.action = CompileForwardAction(message.route(), environment, faults);
      break;
    }
    case EnvoyRoute::kRedirect: {
      Faults::Scope scope(faults, "redirect");
      route.action = CompileRedirectAction(message.redirect(), faults);
      break;
    }
    case EnvoyRoute::kDirectResponse: {
      Faults::Scope scope(faults, "direct_response");
      route.action = CompileDirectResponse(message.direct_response(), environment, faults);
      break;
    }
    case EnvoyRoute::ACTION_NOT_SET:
      faults.Add("must have one of route, redirect and direct_response");
      break;
  }
  route.request_mutations =
      CompileHeaderMutations(message.request_headers_to_remove(), "request_headers_to_remove",
                             message.request_headers_to_add(), "request_headers_to_add", environment.options, faults);
  route.response_mutations =
      CompileHeaderMutations(message.response_headers_to_remove(), "response_headers_to_remove",
                             message.response_headers_to_add(), "response_headers_to_add", environment.options, faults);
  route.per_filter = CompilePerFilterConfigs(message.typed_per_filter_config(), environment.options, faults);
  route.metadata = CompileOptionalMetadata(message.has_metadata(), message.metadata(), faults);
  return route;
}

}  // namespace nuncio::route
