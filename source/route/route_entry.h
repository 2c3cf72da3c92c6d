#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "source/config/fraction.h"
#include "source/http/message.h"
#include "source/matcher/header_matcher.h"
#include "source/matcher/metadata.h"
#include "source/matcher/query_parameter_matcher.h"
#include "source/matcher/regex.h"
#include "source/route/forward_action.h"
#include "source/route/header_mutation.h"
#include "source/route/per_filter_config.h"
#include "source/route/redirect.h"

namespace nuncio::route {

// The condition on the path, which is compared without its query.
struct PathPattern {
  enum class Kind : uint8_t { kPrefix, kExact, kSeparatedPrefix, kRegex, kConnect };
  Kind kind = Kind::kPrefix;
  bool case_sensitive = true;
  // In lower case where case does not matter. Empty for kRegex and kConnect.
  std::string text;
  std::optional<matcher::Regex> regex;

  // Of a request that is no CONNECT.
  bool Matches(std::string_view path) const;
  // How much of the matched path a prefix rewrite replaces.
  size_t MatchedLength(std::string_view path) const { return kind == Kind::kRegex ? path.size() : text.size(); }
};

// Answer with a fixed response.
struct DirectResponseAction {
  // 200 to 599.
  uint32_t status = 200;
  std::string body;
};

// A condition and what to do with requests that meet it. Immutable; any thread.
struct RouteEntry {
  std::string name;

  PathPattern path;
  std::vector<matcher::HeaderMatcher> headers;
  std::vector<matcher::QueryParameterMatcher> query_parameters;
  // The share of requests, at random, that may match.
  std::optional<config::Fraction> fraction;
  // Only gRPC, by its content type.
  bool grpc_only = false;

  std::variant<ForwardAction, std::unique_ptr<const RedirectAction>, std::unique_ptr<const DirectResponseAction>>
      action;

  HeaderMutations request_mutations;
  HeaderMutations response_mutations;
  // Null: none.
  std::unique_ptr<const matcher::Metadata> metadata;
  // What it says to HTTP filters. Null: nothing.
  std::unique_ptr<const PerFilterConfigs> per_filter;

  // Null where the action is another.
  const ForwardAction* forward() const { return std::get_if<ForwardAction>(&action); }
  const RedirectAction* redirect() const { return Get<RedirectAction>(); }
  const DirectResponseAction* direct_response() const { return Get<DirectResponseAction>(); }

  // The conditions other than the path.
  bool MatchesRest(const http::RequestHead& request, uint64_t random) const;

 private:
  template <typename Action>
  const Action* Get() const {
    const auto* held = std::get_if<std::unique_ptr<const Action>>(&action);
    return held == nullptr ? nullptr : held->get();
  }
};

}  // namespace nuncio::route
