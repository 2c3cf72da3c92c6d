#include "source/extensions/http_filter_types.h"

#include <string>
#include <string_view>

#include "api/linked.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/config/yaml_loader.h"
#include "source/extensions/type_names.h"
#include "source/filter/http_filter_chain.h"
#include "source/proxy/config.h"

namespace nuncio::extensions {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kStats =
    "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig}";
constexpr std::string_view kRouter =
    "{name: router, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
constexpr std::string_view kUnknown =
    "typed_config: {'@type': type.googleapis.com/google.protobuf.Duration, value: 1s}";
constexpr std::string_view kWrapper = "'@type': type.googleapis.com/envoy.config.route.v3.FilterConfig";

struct Outcome {
  std::shared_ptr<const proxy::ConnectionManagerConfig> config;
  std::string faults;
};

// `filters`: before the router. `hosts`: fields of the one virtual host; `route`: of its one route.
Outcome Compile(std::string_view filters, std::string_view hosts = "", std::string_view route = "") {
  api::LinkAllMessages();
  envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager message;
  config::Faults faults;
  EXPECT_TRUE(config::LoadText(
      StrCat("stat_prefix: s\nhttp_filters: [", filters, filters.empty() ? "" : ", ", kRouter,
             "]\nroute_config: {virtual_hosts: [{name: v, domains: ['*'], ", hosts,
             hosts.empty() ? "" : ", ", "routes: [{match: {prefix: /}, route: {cluster: c}", route.empty() ? "" : ", ",
             route, "}]}]}\n"),
      config::TextFormat::kYaml, message, faults))
      << faults.ToString();
  Outcome out;
  const auto compiled =
      proxy::CompileConnectionManager(message, {config::DataSourceAccess::kRead, HttpFilterTypes()}, faults);
  if (compiled.has_value()) out.config = compiled->config;
  out.faults = faults.ToString();
  EXPECT_EQ(out.config == nullptr, !out.faults.empty()) << out.faults;
  return out;
}

// Whether a request has the one filter.
bool Chosen(const proxy::ConnectionManagerConfig& config) {
  ArenaBlockPool pool;
  Arena arena(pool);
  http::RequestHead request(arena);
  request.method_text = "GET";
  request.path = "/";
  request.authority = "a";
  return filter::ChooseFilter(config.filters.at(0), route::Decide(*config.route_table, request, 0)).enabled;
}

std::string PerFilter(std::string_view fields) {
  return StrCat("typed_per_filter_config: {stats: {", fields, "}}");
}

TEST(HttpFilterTypesTest, FiltersInTheirOrderBeforeTheRouter) {
  const auto config =
      Compile(StrCat("{name: web, typed_config: {'@type': "
                     "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb}}, {name: stats, ",
                     kStats, "}"))
          .config;
  ASSERT_NE(config, nullptr);
  ASSERT_EQ(config->filters.size(), 2u);
  EXPECT_EQ(config->filters[0].name, "web");
  EXPECT_EQ(config->filters[0].type, kGrpcWeb);
  EXPECT_EQ(config->filters[1].name, "stats");
  EXPECT_EQ(config->filters[1].type, kGrpcStats);
  EXPECT_TRUE(Compile("").config->filters.empty());
}

TEST(HttpFilterTypesTest, AnUnknownFilterIsRefusedUnlessOptional) {
  const std::string faults = Compile(StrCat("{name: odd, ", kUnknown, "}")).faults;
  EXPECT_THAT(faults, StartsWith("http_filters[0].typed_config"));
  EXPECT_THAT(faults, HasSubstr("google.protobuf.Duration"));
  EXPECT_THAT(faults, HasSubstr("known: envoy.filters.http.grpc_stats, envoy.filters.http.grpc_web, "));
  const auto config =
      Compile(StrCat("{name: odd, is_optional: true, ", kUnknown, "}, {name: stats, ", kStats, "}")).config;
  ASSERT_NE(config, nullptr);
  ASSERT_EQ(config->filters.size(), 1u);
  EXPECT_EQ(config->filters[0].name, "stats");
}

TEST(HttpFilterTypesTest, AFaultInAnOptionalFilterIsOne) {
  const std::string faults =
      Compile("{name: stats, is_optional: true, typed_config: {'@type': "
              "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig, "
              "individual_method_stats_allowlist: {services: [{name: a}]}}}")
          .faults;
  EXPECT_THAT(faults, HasSubstr("individual_method_stats_allowlist.services[0].method_names"));
}

TEST(HttpFilterTypesTest, TheRouterIsLastAndOn) {
  EXPECT_THAT(Compile(std::string(kRouter)).faults, HasSubstr("must be the last filter"));
  EXPECT_THAT(Compile(StrCat(kRouter, ", {name: stats, ", kStats, "}")).faults, HasSubstr("must be the last filter"));
}

TEST(HttpFilterTypesTest, OffUntilARoutePutsItIn) {
  const std::string off = StrCat("{name: stats, disabled: true, ", kStats, "}");
  EXPECT_FALSE(Chosen(*Compile(off).config));
  const std::string in = PerFilter(StrCat(kWrapper, ", config: {}"));
  EXPECT_TRUE(Chosen(*Compile(off, "", in).config));
  EXPECT_TRUE(Chosen(*Compile(off, in).config));
  const std::string out = PerFilter(StrCat(kWrapper, ", disabled: true"));
  EXPECT_FALSE(Chosen(*Compile(off, in, out).config));
  EXPECT_TRUE(Chosen(*Compile(off, out, in).config));
}

TEST(HttpFilterTypesTest, OnUntilARouteTakesItOut) {
  const std::string on = StrCat("{name: stats, ", kStats, "}");
  EXPECT_TRUE(Chosen(*Compile(on).config));
  EXPECT_FALSE(Chosen(*Compile(on, "", PerFilter(StrCat(kWrapper, ", disabled: true"))).config));
  // What is said to a filter of another name is not for it.
  const std::string other = StrCat("typed_per_filter_config: {other: {", kWrapper, ", disabled: true}}");
  EXPECT_TRUE(Chosen(*Compile(on, "", other).config));
}

TEST(HttpFilterTypesTest, SettingsThatNoFilterTakesAreRefusedUnlessOptional) {
  const std::string on = StrCat("{name: stats, ", kStats, "}");
  // grpc_stats takes none.
  constexpr std::string_view kSettings =
      "'@type': type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig";
  const std::string faults = Compile(on, "", PerFilter(kSettings)).faults;
  EXPECT_THAT(faults, HasSubstr("typed_per_filter_config"));
  EXPECT_THAT(faults, HasSubstr("stats"));
  EXPECT_THAT(faults, HasSubstr("grpc_stats.v3.FilterConfig"));
  EXPECT_THAT(Compile(on, "", PerFilter(StrCat(kWrapper, ", config: {", kSettings, "}"))).faults, HasSubstr("config"));
  const auto config =
      Compile(on, "", PerFilter(StrCat(kWrapper, ", is_optional: true, config: {", kSettings, "}"))).config;
  ASSERT_NE(config, nullptr);
  EXPECT_TRUE(Chosen(*config));
}

TEST(HttpFilterTypesTest, AWrapperThatSaysNothingIsRefused) {
  const std::string on = StrCat("{name: stats, ", kStats, "}");
  EXPECT_THAT(Compile(on, "", PerFilter(kWrapper)).faults, HasSubstr("required, unless disabled"));
}

}  // namespace
}  // namespace nuncio::extensions
