#include "source/route/config.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/route/table.h"

namespace nuncio::route {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono_literals::operator""s;

// A table of one route.
std::string Route(std::string_view route) {
  return StrCat("virtual_hosts: [{name: v, domains: ['*'], routes: [{", route, "}]}]");
}
std::string Forward(std::string_view action) { return Route(StrCat("match: {prefix: /}, route: {", action, "}")); }

std::shared_ptr<const RouteTable> table;  // Holds what the functions below point into.
const RouteEntry& Only(std::string_view yaml) {
  table = TableOf(yaml);
  return table->virtual_hosts().at(0)->routes().at(0);
}

TEST(CompileRouteTableTest, TableFields) {
  const auto compiled = TableOf(R"(
name: local
internal_only_headers: [X-Internal, x-envoy-internal]
validate_clusters: false
virtual_hosts: [{name: v, domains: [a.com], include_request_attempt_count: true,
  include_attempt_count_in_response: true,
                 metadata: {filter_metadata: {ns: {k: v}}}}]
)");
  EXPECT_EQ(compiled->name(), "local");
  ASSERT_EQ(compiled->internal_only_headers().size(), 2u);
  EXPECT_EQ(compiled->internal_only_headers()[0].text, "X-Internal");
  EXPECT_EQ(compiled->internal_only_headers()[1].id, http::HeaderId::kXEnvoyInternal);
  EXPECT_EQ(compiled->validate_clusters(), false);
  const VirtualHost& host = *compiled->virtual_hosts().at(0);
  EXPECT_EQ(host.name(), "v");
  EXPECT_TRUE(host.include_request_attempt_count());
  EXPECT_TRUE(host.include_attempt_count_in_response());
  ASSERT_NE(host.metadata(), nullptr);
  EXPECT_NE(host.metadata()->Find("ns", {}), nullptr);
  EXPECT_EQ(TableOf("name: x")->validate_clusters(), std::nullopt);
}

TEST(CompileRouteTableTest, ForwardActionDefaults) {
  const ForwardAction& action = *Only(Forward("cluster: c")).forward();
  EXPECT_EQ(std::get<std::string>(action.cluster), "c");
  EXPECT_EQ(action.timeout, 15s);
  EXPECT_EQ(action.idle_timeout, std::nullopt);
  EXPECT_EQ(action.priority, Priority::kDefault);
  EXPECT_EQ(action.max_stream_duration, nullptr);
  EXPECT_EQ(action.cluster_not_found_status, 503u);
  EXPECT_EQ(action.path_rewrite, nullptr);
  EXPECT_EQ(action.host_rewrite, nullptr);
  EXPECT_FALSE(action.auto_host_rewrite());
}

TEST(CompileRouteTableTest, ForwardActionFields) {
  const ForwardAction& action = *Only(Forward(R"(
    cluster: c, timeout: 0s, idle_timeout: 3s, priority: HIGH, auto_host_rewrite: true,
    cluster_not_found_response_code: INTERNAL_SERVER_ERROR,
    max_stream_duration: {max_stream_duration: 9s, grpc_timeout_header_max: 0s})"))
                                     .forward();
  EXPECT_EQ(action.timeout, 0s);
  EXPECT_EQ(action.idle_timeout, 3s);
  EXPECT_EQ(action.priority, Priority::kHigh);
  EXPECT_TRUE(action.auto_host_rewrite());
  EXPECT_EQ(action.cluster_not_found_status, 500u);
  ASSERT_NE(action.max_stream_duration, nullptr);
  EXPECT_EQ(action.max_stream_duration->max, 9s);
  EXPECT_EQ(action.max_stream_duration->grpc_timeout_max, 0s);
  EXPECT_EQ(action.max_stream_duration->grpc_timeout_offset, std::nullopt);
}

TEST(CompileRouteTableTest, RouteFields) {
  const RouteEntry& route = Only(Route(
      "name: r, match: {prefix: /}, route: {cluster: c}, metadata: {filter_metadata: {ns: {k: v}}}"));
  EXPECT_EQ(route.name, "r");
  ASSERT_NE(route.metadata, nullptr);
  EXPECT_NE(route.metadata->Find("ns", {}), nullptr);
  // All requests: no share to draw.
  EXPECT_FALSE(
      Only(Route("match: {prefix: /, runtime_fraction: {default_value: {numerator: 100}}}, route: {cluster: c}"))
          .fraction.has_value());
}

TEST(CompileRouteTableTest, FaultsNamePathAndReason) {
  const struct {
    std::string yaml;
    std::string_view fault;
  } cases[] = {
      {Route("match: {}, route: {cluster: c}"), "virtual_hosts[0].routes[0].match: must have one of prefix"},
      {Route("match: {prefix: /}"), "virtual_hosts[0].routes[0]: must have one of route, redirect"},
      {Route("match: {safe_regex: {regex: '/('}}, route: {cluster: c}"),
       "virtual_hosts[0].routes[0].match.safe_regex.regex: is no RE2 expression: missing )"},
      {Route("match: {prefix: /, headers: [{name: a}, {name: b, string_match: {}}]}, route: {cluster: c}"),
       "routes[0].match.headers[1].string_match: must have one of"},
      {Route("match: {prefix: /, query_parameters: [{}]}, route: {cluster: c}"),
       "routes[0].match.query_parameters[0].name: must not be empty"},
      {Forward("timeout: 1s"), "routes[0].route: must have one of cluster"},
      {Forward("cluster: ''"), "routes[0].route.cluster: must not be empty"},
      {Forward("cluster: c, timeout: -1s"), "routes[0].route.timeout: "},
      {Forward("cluster: c, idle_timeout: -1s"), "routes[0].route.idle_timeout: "},
      {Forward("cluster: c, max_stream_duration: {grpc_timeout_header_offset: -1s}"),
       "routes[0].route.max_stream_duration.grpc_timeout_header_offset: "},
      {Forward("cluster: c, prefix_rewrite: '/a b'"), "route.prefix_rewrite: must not contain white space"},
      {Forward("cluster: c, host_rewrite_literal: 'a b'"), "route.host_rewrite_literal: must not contain white space"},
      {Forward("cluster: c, prefix_rewrite: /a, regex_rewrite: {pattern: {regex: a}, substitution: b}"),
       "route.prefix_rewrite: does not go with regex_rewrite"},
      {Forward("cluster: c, regex_rewrite: {pattern: {regex: a}, substitution: '\\1'}"),
       "route.regex_rewrite.substitution: refers to group"},
      {Forward("cluster: c, regex_rewrite: {pattern: {regex: a}, substitution: 'a b'}"),
       "route.regex_rewrite.substitution: must not contain white space"},
      {Forward("weighted_clusters: {clusters: [{name: a, weight: 0}]}"),
       "route.weighted_clusters.clusters: must have weights whose sum is between 1 and 4294967295 (is 0)"},
      {Forward("weighted_clusters: {clusters: [{name: a, weight: 4294967295}, {name: b, weight: 1}]}"),
       "(is 4294967296)"},
      {Forward("weighted_clusters: {clusters: [{weight: 1}]}"),
       "clusters[0].name: must be set, or else cluster_header"},
      {Forward("weighted_clusters: {clusters: [{name: a, cluster_header: b, weight: 1}]}"),
       "clusters[0].name: must be set, or else cluster_header, but not both"},
      {Route("match: {prefix: /}, direct_response: {status: 99}"),
       "direct_response.status: must be between 200 and 599"},
      {Route("match: {prefix: /}, direct_response: {status: 200, body: {}}"), "direct_response.body: must have one of"},
      {Route("match: {prefix: /}, direct_response: {status: 200, body: {filename: /no/such/file}}"),
       "direct_response.body.filename: cannot open \"/no/such/file\""},
      {Route("match: {prefix: /}, redirect: {port_redirect: 65536}"), "redirect.port_redirect: must be at most 65535"},
      {Route("match: {prefix: /}, redirect: {scheme_redirect: 'ht tp'}"), "redirect.scheme_redirect: must be a scheme"},
      {Route("match: {prefix: /}, redirect: {host_redirect: 'a b'}"), "redirect.host_redirect: must not contain"},
      {Route("match: {prefix: /}, redirect: {path_redirect: '/a b'}"), "redirect.path_redirect: must not contain"},
      {Route("match: {prefix: /}, redirect: {regex_rewrite: {pattern: {regex: '('}, substitution: a}}"),
       "redirect.regex_rewrite.pattern.regex: is no RE2 expression"},
  };
  for (const auto& c : cases) EXPECT_THAT(FaultsOf(c.yaml), HasSubstr(c.fault)) << c.yaml;
}

TEST(CompileRouteTableTest, HeaderMutationFaults) {
  const auto faults = [](std::string_view addition) {
    return FaultsOf(StrCat("request_headers_to_add: [{", addition, "}]"));
  };
  EXPECT_THAT(faults("header: {key: ':path', value: /}"),
              HasSubstr("request_headers_to_add[0].header.key: :-prefixed or host headers may not be modified"));
  EXPECT_THAT(faults("header: {key: Host, value: a}"), HasSubstr(":-prefixed or host headers may not be modified"));
  EXPECT_THAT(faults("header: {key: 'a b', value: a}"), HasSubstr("header.key: must be a header name"));
  EXPECT_THAT(faults("header: {key: '', value: a}"), HasSubstr("header.key: must be a header name"));
  EXPECT_THAT(faults("header: {key: Transfer-Encoding, value: chunked}"), HasSubstr("frames the message"));
  EXPECT_THAT(faults("header: {key: a, value: a, raw_value: YQ==}"), HasSubstr("header.raw_value: does not go with"));
  EXPECT_THAT(faults("header: {key: a, raw_value: DQo=}"), HasSubstr("header.raw_value: must not contain CR"));
  EXPECT_THAT(faults("header: {key: a, value: '100%'}"), HasSubstr("header.value: is no template"));
  EXPECT_THAT(faults("header: {key: a, value: b}, append: true, append_action: ADD_IF_ABSENT"),
              HasSubstr("request_headers_to_add[0].append: does not go with append_action"));
  EXPECT_EQ(faults("header: {key: a, raw_value: JSUl}"), "");
  EXPECT_THAT(FaultsOf("response_headers_to_remove: [a, ':status']"),
              HasSubstr("response_headers_to_remove[1]: :-prefixed or host headers may not be removed"));
  EXPECT_THAT(FaultsOf("request_headers_to_remove: [HOST]"), HasSubstr("may not be removed"));
}

TEST(CompileRouteTableTest, AllFaultsAreToldAtOnce) {
  config::Faults faults;
  EXPECT_EQ(CompileTable(LoadTable(R"(
request_headers_to_remove: [host]
virtual_hosts:
- {name: v, domains: [a], routes: [{match: {prefix: /}, route: {cluster: ''}}, {match: {safe_regex: {regex: '('}},
  route: {cluster: c}}]}
- {name: w, domains: [A], routes: [{match: {prefix: /}, direct_response: {status: 1}}]}
)"),
                         faults),
            nullptr);
  EXPECT_EQ(faults.count(), 5u) << faults.ToString();
}

TEST(CompileRouteTableTest, ADomainMayAppearOnlyOnce) {
  const auto faults = [](std::string_view first, std::string_view second) {
    return FaultsOf(
        StrCat("virtual_hosts: [{name: v, domains: ['", first, "']}, {name: w, domains: [x, '", second, "']}]"));
  };
  EXPECT_THAT(faults("a.com", "A.com"),
              HasSubstr("virtual_hosts[1].domains[1]: \"A.com\" is already a domain of virtual host \"v\""));
  EXPECT_THAT(faults("*", "*"), HasSubstr("virtual_hosts[1].domains[1]: "));
  EXPECT_THAT(faults("*.a", "*.a"), HasSubstr("virtual_hosts[1].domains[1]: "));
  EXPECT_EQ(faults("a", "a:80"), "");
}

TEST(CompileRouteTableTest, WarnsOfWhatWillHardlyBeMeant) {
  config::Faults faults;
  EXPECT_NE(
      CompileTable(LoadTable("virtual_hosts: [{name: v, domains: [a.*.com]}, {name: v, domains: ['*.b.*']}]"), faults),
      nullptr);
  ASSERT_EQ(faults.warning_count(), 3u);
  EXPECT_EQ(faults.warnings()[0].field_path, "virtual_hosts[0].domains[0]");
  EXPECT_EQ(faults.warnings()[1].field_path, "virtual_hosts[1].name");
  EXPECT_EQ(faults.warnings()[2].field_path, "virtual_hosts[1].domains[0]");
}

TEST(CompileRouteTableTest, BodiesOfDirectResponsesHaveALimit) {
  const auto body = [](std::string_view head, size_t size) {
    return FaultsOf(
        StrCat(head, Route(StrCat("match: {prefix: /}, direct_response: {status: 200, body: {inline_string: '",
                                  std::string(size, 'x'), "'}}"))));
  };
  EXPECT_EQ(body("", 4096), "");
  EXPECT_THAT(body("", 4097), HasSubstr("body.inline_string: holds more than the 4096 bytes that are allowed"));
  EXPECT_EQ(body("max_direct_response_body_size_bytes: 5000\n", 5000), "");
  EXPECT_THAT(body("max_direct_response_body_size_bytes: 10\n", 11), HasSubstr("holds more than the 10 bytes"));
}

TEST(CompileRouteTableTest, BodiesComeFromFilesAndVariables) {
  const std::string path = StrCat(::testing::TempDir(), "/body");
  std::ofstream(path) << "from a file";
  setenv("NUNCIO_TEST_BODY", "from a variable", 1);
  const auto body = [](std::string_view source) {
    return Only(Route(StrCat("match: {prefix: /}, direct_response: {status: 200, body: {", source, "}}")))
        .direct_response()
        ->body;
  };
  EXPECT_EQ(body(StrCat("filename: ", path)), "from a file");
  EXPECT_EQ(body("environment_variable: NUNCIO_TEST_BODY"), "from a variable");
  EXPECT_EQ(body("inline_bytes: aGk="), "hi");
}

TEST(CompileRouteTableTest, TheControlPlaneDoesNotReadTheProxysFiles) {
  config::Faults faults;
  const auto compiled = CompileRouteTable(
      LoadTable(Route("match: {prefix: /}, direct_response: {status: 200, body: {filename: /no/such/file}}")),
      {.data_sources = config::DataSourceAccess::kNamesOnly}, faults);
  EXPECT_NE(compiled, nullptr) << faults.ToString();
}

TEST(CompileRouteTableTest, UnchangedVirtualHostsAreTakenOver) {
  const std::string path = StrCat(::testing::TempDir(), "/shared_body");
  std::ofstream(path) << "one";
  const auto message = [&](std::string_view cluster) {
    return LoadTable(
        StrCat("virtual_hosts: [{name: v, domains: [a], routes: [{match: {prefix: /}, route: {cluster: c}}]}, ",
               "{name: w, domains: [b], routes: [{match: {prefix: /}, route: {cluster: ", cluster, "}}]}, ",
               "{name: x, domains: [c], routes: [{match: {prefix: /}, direct_response: {status: 200, body: ",
               "{filename: ", path, "}}}]}]"));
  };
  config::Faults faults;
  const auto first = CompileTable(message("d"), faults);
  ASSERT_NE(first, nullptr) << faults.ToString();
  std::ofstream(path) << "two";
  const auto second = CompileTable(message("e"), faults, first.get());
  ASSERT_NE(second, nullptr) << faults.ToString();
  EXPECT_EQ(second->virtual_hosts()[0], first->virtual_hosts()[0]);
  EXPECT_NE(second->virtual_hosts()[1], first->virtual_hosts()[1]);
  // Its message is the same, but the file is not.
  EXPECT_EQ(second->virtual_hosts()[2]->routes()[0].direct_response()->body, "two");
  // What the table's own fields say to a virtual host counts as well.
  auto smaller = message("e");
  smaller.mutable_max_direct_response_body_size_bytes()->set_value(100);
  EXPECT_NE(CompileTable(smaller, faults, second.get())->virtual_hosts()[0], second->virtual_hosts()[0]);
}

TEST(ClusterReferencesTest, NamesEveryClusterAndWhere) {
  const auto message = LoadTable(R"(
virtual_hosts:
- {name: v, domains: [a], routes: [{match: {prefix: /}, route: {cluster: one}}, {match: {prefix: /},
  route: {cluster_header: x}}]}
- name: w
  domains: [b]
  routes:
  - {match: {prefix: /}, route: {weighted_clusters: {clusters: [{name: two, weight: 1}, {cluster_header: y, weight: 1},
    {name: one, weight: 0}]}}}
  - {match: {prefix: /}, redirect: {}}
)");
  EXPECT_THAT(ReferencedClusters(message), ElementsAre("one", "two"));
  const auto references = ClusterReferences(message);
  ASSERT_EQ(references.size(), 3u);
  EXPECT_EQ(references[0].field_path, "virtual_hosts[0].routes[0].route.cluster");
  EXPECT_EQ(references[1].field_path, "virtual_hosts[1].routes[0].route.weighted_clusters.clusters[0].name");
  EXPECT_EQ(references[2].cluster, "one");
}

}  // namespace
}  // namespace nuncio::route
