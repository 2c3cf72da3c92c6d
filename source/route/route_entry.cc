#include "source/route/route_entry.h"

#include "source/base/strings.h"
#include "source/http/grpc/status.h"

namespace nuncio::route {

bool PathPattern::Matches(std::string_view path) const {
  switch (kind) {
    case Kind::kPrefix:
      return case_sensitive ? path.starts_with(text) : StartsWithIgnoreCase(path, text);
    case Kind::kExact:
      return case_sensitive ? path == text : EqualsIgnoreCase(path, text);
    case Kind::kSeparatedPrefix:
      return (path.size() == text.size() || (path.size() > text.size() && path[text.size()] == '/')) &&
             (case_sensitive ? path.starts_with(text) : StartsWithIgnoreCase(path, text));
    case Kind::kRegex:
      return regex->Matches(path);
    case Kind::kConnect:
      return false;
  }
  return false;
}

bool RouteEntry::MatchesRest(const http::RequestHead& request, uint64_t random) const {
  if (fraction.has_value() && !fraction->Includes(random)) return false;
  if (grpc_only && !http::grpc::IsGrpcContentType(request.headers.Value(http::HeaderId::kContentType))) return false;
  if (!matcher::MatchesAll(headers, request)) return false;
  if (query_parameters.empty()) return true;
  const std::string_view query = matcher::QueryOf(request.path);
  for (const matcher::QueryParameterMatcher& parameter : query_parameters) {
    if (!parameter.Matches(query)) return false;
  }
  return true;
}

}  // namespace nuncio::route
