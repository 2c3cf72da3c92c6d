#include "source/route/decision.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/matcher/request.h"
#include "test/route/table.h"

namespace nuncio::route {
namespace {

using ::testing::ElementsAre;
using matcher::TestRequest;
using Kind = Decision::Kind;

Decision Decided(const RouteTable& table, TestRequest& request, uint64_t random = 0) {
  return Decide(table, request.head, random);
}

// The name of the cluster, or of the kind of decision where it is another.
std::string Outcome(const RouteTable& table, std::string_view authority, std::string_view path,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {},
                    uint64_t random = 0) {
  TestRequest request(authority, path, headers);
  const Decision decision = Decided(table, request, random);
  return std::string(decision.kind == Kind::kForward ? decision.cluster : DecisionKindName(decision.kind));
}

std::vector<std::string> Fields(const http::HeaderMap& headers) {
  std::vector<std::string> fields;
  for (const http::HeaderField& field : headers) fields.push_back(StrCat(field.name, "=", field.value));
  return fields;
}

TEST(DecideTest, VirtualHostThenFirstMatchingRoute) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: exact
  domains: [a.com, "b.com:8080"]
  routes:
  - match: {path: /x}
    route: {cluster: path}
  - match: {path_separated_prefix: /sep}
    route: {cluster: separated}
  - match: {prefix: /p, case_sensitive: false}
    route: {cluster: prefix}
  - match: {safe_regex: {regex: "/r/[0-9]+"}}
    route: {cluster: regex}
- name: wild
  domains: ["*.com"]
  routes: [{match: {prefix: ""}, route: {cluster: wild}}]
)");
  EXPECT_EQ(Outcome(*table, "A.com", "/x"), "path");
  EXPECT_EQ(Outcome(*table, "a.com", "/x?q=1"), "path");
  EXPECT_EQ(Outcome(*table, "a.com", "/x/"), "no_route");
  EXPECT_EQ(Outcome(*table, "a.com", "/sep/y?z"), "separated");
  EXPECT_EQ(Outcome(*table, "a.com", "/sepy"), "no_route");
  EXPECT_EQ(Outcome(*table, "a.com", "/Page"), "prefix");
  EXPECT_EQ(Outcome(*table, "a.com", "/r/17?/r/x"), "regex");
  EXPECT_EQ(Outcome(*table, "a.com", "/r/17/"), "no_route");
  EXPECT_EQ(Outcome(*table, "b.com:8080", "/x"), "path");
  EXPECT_EQ(Outcome(*table, "b.com", "/x"), "wild");
  EXPECT_EQ(Outcome(*table, "b.org", "/x"), "no_virtual_host");
  // The request of OPTIONS *.
  EXPECT_EQ(Outcome(*table, "a.com", "*"), "no_route");
}

TEST(DecideTest, ARequestThatMustComeOverTls) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: all
  domains: [all.com]
  require_tls: ALL
  routes: [{match: {prefix: /}, route: {cluster: all}}]
- name: external
  domains: [external.com]
  require_tls: EXTERNAL_ONLY
  routes: [{match: {prefix: /}, route: {cluster: external}}]
- name: none
  domains: ["*"]
  routes: [{match: {prefix: /}, route: {cluster: none}}]
)");
  EXPECT_EQ(Outcome(*table, "all.com", "/", {{"x-forwarded-proto", "https"}}), "all");
  EXPECT_EQ(Outcome(*table, "all.com", "/", {{"x-forwarded-proto", "http"}}), "require_tls");
  EXPECT_EQ(Outcome(*table, "all.com", "/", {{"x-forwarded-proto", "http"}, {"x-envoy-internal", "true"}}),
            "require_tls");
  EXPECT_EQ(Outcome(*table, "external.com", "/", {{"x-forwarded-proto", "http"}}), "require_tls");
  EXPECT_EQ(Outcome(*table, "external.com", "/", {{"x-forwarded-proto", "https"}}), "external");
  EXPECT_EQ(Outcome(*table, "external.com", "/", {{"x-forwarded-proto", "http"}, {"x-envoy-internal", "true"}}),
            "external");
  EXPECT_EQ(Outcome(*table, "none.com", "/", {{"x-forwarded-proto", "http"}}), "none");
  const auto location = [&](std::string_view authority, std::string_view path) {
    TestRequest request(authority, path, {{"x-forwarded-proto", "http"}});
    return std::string(RedirectLocation(Decided(*table, request), request.head).value());
  };
  EXPECT_EQ(location("all.com", "/a?b=c"), "https://all.com/a?b=c");
  EXPECT_EQ(location("ALL.com", "//x"), "https://ALL.com//x");
  EXPECT_EQ(location("all.com", "*"), "https://all.com");
}

TEST(DecideTest, HeadersAndQueryParametersDecideAmongEqualPaths) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /, headers: [{name: x-user, string_match: {exact: eve}}, {name: ":method", exact_match: GET}]}
    route: {cluster: header}
  - match: {prefix: /, query_parameters: [{name: v, string_match: {prefix: "2"}}]}
    route: {cluster: query}
  - match: {prefix: /}
    route: {cluster: rest}
)");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"X-User", "eve"}}), "header");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"X-User", "adam"}}), "rest");
  EXPECT_EQ(Outcome(*table, "a", "/?v=2.1"), "query");
  EXPECT_EQ(Outcome(*table, "a", "/?v=1"), "rest");
}

TEST(DecideTest, PortsAndParametersMayBeIgnored) {
  const std::string_view hosts = R"(
virtual_hosts:
- {name: v, domains: [a.com], routes: [{match: {path: /x}, route: {cluster: c}}]}
)";
  const auto strict = TableOf(hosts);
  EXPECT_EQ(Outcome(*strict, "a.com:80", "/x"), "no_virtual_host");
  EXPECT_EQ(Outcome(*strict, "a.com", "/x;v=1"), "no_route");
  const auto lax = TableOf(StrCat("ignore_port_in_host_matching: true\n",
                                  "ignore_path_parameters_in_path_matching: true\n", hosts));
  EXPECT_EQ(Outcome(*lax, "a.com:80", "/x"), "c");
  EXPECT_EQ(Outcome(*lax, "a.com", "/x;v=1?q"), "c");
}

TEST(DecideTest, AHeaderMayChooseTheVirtualHost) {
  const auto table = TableOf(R"(
vhost_header: x-tenant
virtual_hosts:
- {name: v, domains: [one], routes: [{match: {prefix: /}, route: {cluster: c}}]}
- {name: w, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: d}}]}
)");
  EXPECT_EQ(Outcome(*table, "two", "/", {{"X-Tenant", "ONE"}}), "c");
  EXPECT_EQ(Outcome(*table, "one", "/", {{"x-tenant", "two"}}), "d");
  EXPECT_EQ(Outcome(*table, "one", "/"), "no_virtual_host");
}

TEST(DecideTest, RuntimeFractionTakesItsShare) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /, runtime_fraction: {default_value: {numerator: 30}}}
    route: {cluster: first}
  - match: {prefix: /, runtime_fraction: {default_value: {numerator: 50}}}
    route: {cluster: second}
  - match: {prefix: /none, runtime_fraction: {default_value: {numerator: 0}}}
    route: {cluster: never}
  - match: {prefix: /, runtime_fraction: {default_value: {numerator: 1000000, denominator: MILLION}}}
    route: {cluster: rest}
)");
  int first = 0;
  int second = 0;
  constexpr int kRounds = 20000;
  for (uint64_t random = 0; random < kRounds; ++random) {
    const std::string outcome = Outcome(*table, "a", "/none", {}, random * 0x9e3779b97f4a7c15u);
    ASSERT_NE(outcome, "never");
    first += outcome == "first";
    second += outcome == "second";
  }
  EXPECT_NEAR(first, kRounds * 0.30, kRounds * 0.02);
  // The second share is of what the first left, whatever the first did.
  EXPECT_NEAR(second, kRounds * 0.35, kRounds * 0.02);
}

TEST(DecideTest, GrpcByItsContentType) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /, grpc: {}}
    route: {cluster: grpc}
  - match: {prefix: /}
    route: {cluster: rest}
)");
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;v=1"}) {
    EXPECT_EQ(Outcome(*table, "a", "/s/m", {{"content-type", type}}), "grpc") << type;
  }
  for (const char* type : {"application/grpc-web", "application/grpcx", "text/plain"}) {
    EXPECT_EQ(Outcome(*table, "a", "/s/m", {{"content-type", type}}), "rest") << type;
  }
  EXPECT_EQ(Outcome(*table, "a", "/s/m"), "rest");
}

TEST(DecideTest, WeightedClusters) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /}
    route:
      weighted_clusters:
        header_name: x-draw
        clusters:
        - {name: zero, weight: 0}
        - {name: one, weight: 10}
        - {name: nothing}
        - {cluster_header: x-cluster, weight: 30}
)");
  EXPECT_EQ(Outcome(*table, "a", "/", {}, 0), "one");
  EXPECT_EQ(Outcome(*table, "a", "/", {}, 9), "one");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"x-cluster", "named"}}, 10), "named");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"x-cluster", "named"}}, 39), "named");
  EXPECT_EQ(Outcome(*table, "a", "/", {}, 40), "one");
  // A cluster that no header names is an unknown one.
  EXPECT_EQ(Outcome(*table, "a", "/", {}, 10), "");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"x-draw", "49"}, {"x-cluster", "named"}}, 10), "one");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"x-draw", "no number"}, {"x-cluster", "named"}}, 10), "named");
}

TEST(DecideTest, ClusterByHeaderAndItsAbsence) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes: [{match: {prefix: /}, route: {cluster_header: X-Cluster, cluster_not_found_response_code: NOT_FOUND}}]
)");
  EXPECT_EQ(Outcome(*table, "a", "/", {{"x-cluster", "c1"}}), "c1");
  TestRequest request("a", "/");
  const Decision decision = Decided(*table, request);
  EXPECT_EQ(decision.kind, Kind::kForward);
  EXPECT_EQ(decision.cluster, "");
  EXPECT_EQ(decision.forward->cluster_not_found_status, 404u);
}

TEST(DecideTest, DirectResponseAndRedirect) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {path: /hello}
    direct_response: {status: 418, body: {inline_string: "short and stout"}}
  - match: {prefix: /old}
    redirect: {https_redirect: true, host_redirect: b.org, port_redirect: 8443, prefix_rewrite: /new,
      response_code: SEE_OTHER}
)");
  TestRequest hello("a", "/hello");
  Decision decision = Decided(*table, hello);
  ASSERT_EQ(decision.kind, Kind::kDirectResponse);
  EXPECT_EQ(decision.route->direct_response()->status, 418u);
  EXPECT_EQ(decision.route->direct_response()->body, "short and stout");
  EXPECT_EQ(decision.route->redirect(), nullptr);

  TestRequest old("a:80", "/old/x?q=1");
  decision = Decided(*table, old);
  ASSERT_EQ(decision.kind, Kind::kRedirect);
  EXPECT_EQ(decision.route->redirect()->status, 303u);
  EXPECT_EQ(RedirectLocation(decision, old.head), "https://b.org:8443/new/x?q=1");
}

// Header changes of the four levels, each of which sets `x` and adds to `y`.
std::string LevelsTable(bool most_specific_wins) {
  return StrCat("most_specific_header_mutations_wins: ", most_specific_wins, R"(
request_headers_to_add: [{header: {key: x, value: table}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}, {header: {key: y,
  value: table}}]
response_headers_to_add: [{header: {key: x, value: table}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
virtual_hosts:
- name: v
  domains: ["*"]
  request_headers_to_add: [{header: {key: x, value: host}, append: false}, {header: {key: y, value: host},
    append: true}]
  response_headers_to_remove: [server]
  routes:
  - match: {prefix: /}
    request_headers_to_add: [{header: {key: x, value: route}, append: false}, {header: {key: y, value: route}}]
    request_headers_to_remove: [x-secret]
    response_headers_to_add: [{header: {key: x, value: route}, append: false}]
    route:
      weighted_clusters:
        clusters:
        - name: c
          weight: 1
          request_headers_to_add: [{header: {key: x, value: cluster}, append: false}, {header: {key: y,
            value: cluster}}]
          response_headers_to_remove: [x-upstream]
)");
}

TEST(RewriteRequestTest, TheTableHasTheLastWordUnlessTheMostSpecificWins) {
  for (const bool most_specific_wins : {false, true}) {
    const auto table = TableOf(LevelsTable(most_specific_wins));
    TestRequest request("a", "/", {{"X-Secret", "s"}});
    const Decision decision = Decided(*table, request);
    ASSERT_TRUE(RewriteRequest(decision, TestInput(request.head), true, request.head));
    if (most_specific_wins) {
      EXPECT_THAT(Fields(request.head.headers), ElementsAre("x=cluster", "y=table", "y=host", "y=route", "y=cluster"));
    } else {
      EXPECT_THAT(Fields(request.head.headers), ElementsAre("x=table", "y=cluster", "y=route", "y=host", "y=table"));
    }
    TestRequest answer("a", "/", {{"server", "s"}, {"x-upstream", "u"}, {"z", "1"}});
    RewriteResponse(decision, TestInput(request.head), answer.head.headers);
    EXPECT_THAT(Fields(answer.head.headers), ElementsAre("z=1", most_specific_wins ? "x=route" : "x=table"));
  }
}

TEST(RewriteRequestTest, TemplatesSeeTheRequest) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /}
    route: {cluster: c}
    request_headers_to_add: [{header: {key: x-copy, value: "%x-original%"}}, {header: {key: x-none,
      value: "%x-missing%"}}]
)");
  TestRequest request("a", "/", {{"x-original", "o"}});
  ASSERT_TRUE(RewriteRequest(Decided(*table, request), TestInput(request.head), true, request.head));
  EXPECT_THAT(Fields(request.head.headers), ElementsAre("x-original=o", "x-copy=o"));
}

struct Rewritten {
  std::string authority;
  std::string path;
  std::vector<std::string> headers;
};

Rewritten Rewrite(std::string_view match, std::string_view action, std::string_view path,
                  std::initializer_list<std::pair<std::string_view, std::string_view>> headers = {},
                  bool keep_original_path = true) {
  const auto table = TableOf(StrCat("virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {", match,
                                    "}, route: {cluster: c, ", action, "}}]}]"));
  TestRequest request("a.com", path, headers);
  const Decision decision = Decided(*table, request);
  EXPECT_EQ(decision.kind, Kind::kForward);
  EXPECT_TRUE(RewriteRequest(decision, TestInput(request.head), keep_original_path, request.head));
  return {std::string(request.head.authority), std::string(request.head.path), Fields(request.head.headers)};
}

TEST(RewriteRequestTest, PathRewrites) {
  EXPECT_EQ(Rewrite("prefix: /old", "prefix_rewrite: /new", "/old/x?q=/old").path, "/new/x?q=/old");
  EXPECT_EQ(Rewrite("path: /old", "prefix_rewrite: /new", "/old?q").path, "/new?q");
  EXPECT_EQ(Rewrite("path_separated_prefix: /old", "prefix_rewrite: /new", "/old/x").path, "/new/x");
  EXPECT_EQ(Rewrite("prefix: /OLD, case_sensitive: false", "prefix_rewrite: /new", "/old/x").path, "/new/x");
  EXPECT_EQ(Rewrite("safe_regex: {regex: '/o.*'}", "prefix_rewrite: /new", "/old/x?q").path, "/new?q");
  EXPECT_EQ(Rewrite("prefix: /", "regex_rewrite: {pattern: {regex: '^/v1/(.*)$'}, substitution: '/\\1/v1'}",
                    "/v1/x?a=/v1/b")
                .path,
            "/x/v1?a=/v1/b");
  EXPECT_EQ(Rewrite("prefix: /", "timeout: 1s", "/old").path, "/old");
}

TEST(RewriteRequestTest, TheOriginalPathIsToldOnRequest) {
  EXPECT_THAT(Rewrite("prefix: /old", "prefix_rewrite: /new", "/old?q", {{"x-envoy-original-path", "forged"}}).headers,
              ElementsAre("x-envoy-original-path=/old?q"));
  EXPECT_THAT(Rewrite("prefix: /old", "prefix_rewrite: /new", "/old?q", {}, false).headers, ElementsAre());
  EXPECT_THAT(Rewrite("prefix: /old", "timeout: 1s", "/old?q").headers, ElementsAre());
}

TEST(RewriteRequestTest, HostRewrites) {
  EXPECT_EQ(Rewrite("prefix: /", "host_rewrite_literal: b.org", "/").authority, "b.org");
  EXPECT_EQ(Rewrite("prefix: /", "host_rewrite_header: x-host", "/", {{"X-Host", "h.org"}}).authority, "h.org");
  EXPECT_EQ(Rewrite("prefix: /", "host_rewrite_header: x-host", "/").authority, "a.com");
  EXPECT_EQ(Rewrite("prefix: /", "host_rewrite_header: x-host", "/", {{"X-Host", ""}}).authority, "a.com");
  EXPECT_EQ(Rewrite("prefix: /", "host_rewrite_path_regex: {pattern: {regex: '^/(.+)/.+$'}, substitution: '\\1'}",
                    "/h.org/x?y/z")
                .authority,
            "h.org");
  EXPECT_EQ(Rewrite("prefix: /", "auto_host_rewrite: true", "/").authority, "a.com");
  // Made of the path as it came, even where that is rewritten too.
  const Rewritten both = Rewrite(
      "prefix: /old",
      "prefix_rewrite: /new, host_rewrite_path_regex: {pattern: {regex: '^/(.+)$'}, substitution: '\\1.org'}", "/old");
  EXPECT_EQ(both.authority, "old.org");
  EXPECT_EQ(both.path, "/new");
}

TEST(RewriteRequestTest, TheOldHostIsAppendedToXForwardedHost) {
  const std::string_view action = "host_rewrite_literal: b.org, append_x_forwarded_host: true";
  EXPECT_THAT(Rewrite("prefix: /", action, "/").headers, ElementsAre("x-forwarded-host=a.com"));
  EXPECT_THAT(Rewrite("prefix: /", action, "/", {{"X-Forwarded-Host", "1"}, {"x-forwarded-host", "2"}}).headers,
              ElementsAre("X-Forwarded-Host=1,2,a.com"));
  // Without a rewrite there is nothing to tell.
  EXPECT_THAT(Rewrite("prefix: /", "append_x_forwarded_host: true", "/").headers, ElementsAre());
}

TEST(RewriteRequestTest, AWeightedClustersHostWins) {
  const auto table = TableOf(R"(
virtual_hosts:
- name: v
  domains: ["*"]
  routes:
  - match: {prefix: /}
    route:
      host_rewrite_literal: route.org
      weighted_clusters: {clusters: [{name: c, weight: 1, host_rewrite_literal: cluster.org}, {name: d, weight: 1}]}
)");
  for (const auto& [random, host] : {std::pair(0, "cluster.org"), std::pair(1, "route.org")}) {
    TestRequest request("a.com", "/");
    const Decision decision = Decided(*table, request, static_cast<uint64_t>(random));
    ASSERT_TRUE(RewriteRequest(decision, TestInput(request.head), true, request.head));
    EXPECT_EQ(request.head.authority, host);
  }
}

TEST(RewriteRequestTest, ATooLongPathIsToldAndNotSent) {
  const auto table = TableOf(StrCat(
      "virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: c, regex_rewrite: ",
      "{pattern: {regex: 'a'}, substitution: '", std::string(1000, 'b'), "'}}}]}]"));
  TestRequest request("a.com", StrCat("/", std::string(1000, 'a')));
  EXPECT_FALSE(RewriteRequest(Decided(*table, request), TestInput(request.head), true, request.head));
}

}  // namespace
}  // namespace nuncio::route
