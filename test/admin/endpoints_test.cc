#include "source/admin/endpoints.h"

#include "api/linked.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/admin/v3/server_info.pb.h"
#include "source/base/logging.h"
#include "test/admin/admin_fixture.h"

namespace nuncio::admin {
namespace {

using http::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kListener =
    "{name: in, address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: {filters: {name: hcm, "
    "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
    "HttpConnectionManager, stat_prefix: in, route_config: {name: inline, virtual_hosts: [{name: v, domains: ['*'], "
    "routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}, http_filters: {name: router, typed_config: "
    "{'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}}}";

class EndpointsTest : public AdminFixture {
 protected:
  EndpointsTest() { api::LinkAllMessages(); }

  template <typename Message>
  static Message Parse(const std::string& json) {
    Message out;
    const auto status = google::protobuf::util::JsonStringToMessage(json, &out);
    EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json;
    return out;
  }
};

TEST_F(EndpointsTest, ReadyTellsTheState) {
  EXPECT_EQ(200u, Ask("/ready").status);
  EXPECT_EQ("LIVE\n", Get("/ready"));
  server_.now = ServerState::kInitializing;
  EXPECT_EQ(503u, Ask("/ready").status);
  EXPECT_EQ("INITIALIZING\n", Get("/ready"));
  server_.now = ServerState::kDraining;
  EXPECT_EQ(503u, Ask("/ready").status);
  EXPECT_EQ("DRAINING\n", Get("/ready"));
}

TEST_F(EndpointsTest, AnUnknownPathIsAnsweredWithTheList) {
  const AdminAnswer answer = Ask("/metrics");
  EXPECT_EQ(404u, answer.status);
  EXPECT_THAT(answer.body, HasSubstr("/stats/prometheus"));
}

TEST_F(EndpointsTest, ChangesArePostsOnly) {
  for (const char* path : {"/quitquitquit", "/reset_counters", "/healthcheck/fail", "/healthcheck/ok",
                           "/drain_listeners", "/logging?level=debug"}) {
    for (const Method method : {Method::kGet, Method::kHead, Method::kDelete}) {
      const AdminAnswer answer = Ask(path, method);
      EXPECT_EQ(405u, answer.status) << path;
      EXPECT_THAT(std::string(answer.allow), HasSubstr("POST")) << path;
    }
  }
  EXPECT_THAT(server_.calls, ElementsAre());
  EXPECT_EQ(LogLevel::kInfo, Log::level(LogComponent::kAdmin));
}

TEST_F(EndpointsTest, PostsReachTheServer) {
  for (const char* path : {"/healthcheck/fail", "/healthcheck/ok", "/drain_listeners", "/drain_listeners?graceful",
                           "/drain_listeners?inboundonly", "/drain_listeners?graceful&inboundonly",
                           "/drain_listeners?graceful&skip_exit", "/quitquitquit"}) {
    const AdminAnswer answer = Ask(path, Method::kPost);
    EXPECT_EQ(200u, answer.status) << path;
    EXPECT_EQ("OK\n", answer.body);
  }
  EXPECT_THAT(server_.calls, ElementsAre("fail", "ok", "drain", "drain graceful", "drain inbound",
                                         "drain graceful inbound", "drain graceful and go on", "quit"));
  EXPECT_EQ(400u, Ask("/drain_listeners?skip_exit", Method::kPost).status);
}

TEST_F(EndpointsTest, TheIndexHasButtonsForWhatChangesAndLinksForTheRest) {
  const std::string html = Get("/");
  EXPECT_THAT(html, HasSubstr("<form action=\"quitquitquit\" method=\"post\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"stats/prometheus\">"));
  EXPECT_THAT(html, Not(HasSubstr("href=\"quitquitquit\"")));
}

TEST_F(EndpointsTest, ClustersAsText) {
  AddStaticCluster(ClusterText("a"));
  AddDynamicCluster(ClusterText("b", "10.0.0.2"), "1");
  const std::string text = Get("/clusters");
  EXPECT_THAT(text, HasSubstr("a::default_priority::max_connections::1024\n"));
  EXPECT_THAT(text, HasSubstr("a::high_priority::max_retries::3\n"));
  EXPECT_THAT(text, HasSubstr("a::added_via_api::false\n"));
  EXPECT_THAT(text, HasSubstr("a::10.0.0.1:80::cx_active::0\n"));
  EXPECT_THAT(text, HasSubstr("a::10.0.0.1:80::health_flags::healthy\n"));
  EXPECT_THAT(text, HasSubstr("b::added_via_api::true\n"));
  EXPECT_THAT(text, HasSubstr("b::10.0.0.2:80::weight::1\n"));
}

TEST_F(EndpointsTest, ClustersAsJsonAreTheMessageHoweverTheyAreSliced) {
  EXPECT_EQ(0, Parse<envoy::admin::v3::Clusters>(Get("/clusters?format=json")).cluster_statuses_size());
  AddStaticCluster(ClusterText("a"));
  AddStaticCluster("{name: empty, load_assignment: {cluster_name: empty}}");
  AddDynamicCluster(ClusterText("z"), "1");
  const std::string whole = Get("/clusters?format=json");
  EXPECT_EQ(whole, Body(Ask("/clusters?format=json"), 1));
  const auto clusters = Parse<envoy::admin::v3::Clusters>(whole);
  ASSERT_EQ(3, clusters.cluster_statuses_size());
  EXPECT_EQ("a", clusters.cluster_statuses(0).name());
  ASSERT_EQ(1, clusters.cluster_statuses(0).host_statuses_size());
  const auto& host = clusters.cluster_statuses(0).host_statuses(0);
  EXPECT_EQ("10.0.0.1", host.address().socket_address().address());
  EXPECT_EQ(envoy::config::core::v3::HEALTHY, host.health_status().eds_health_status());
  EXPECT_EQ(0, clusters.cluster_statuses(1).host_statuses_size());
  EXPECT_TRUE(clusters.cluster_statuses(2).added_via_api());
}

TEST_F(EndpointsTest, AClusterRemovedBetweenSlicesIsEndedProperly) {
  AddDynamicCluster(ClusterText("a"), "1");
  AddDynamicCluster(ClusterText("b"), "1");
  AdminAnswer answer = Ask("/clusters?format=json");
  std::string json;
  while (json.find("\"b\"") == std::string::npos) ASSERT_TRUE(answer.source->Next(json, 1));
  EXPECT_TRUE(clusters_.Remove("b"));
  loop_.RunOnce();
  while (answer.source->Next(json, 1)) {
  }
  EXPECT_EQ(2, Parse<envoy::admin::v3::Clusters>(json).cluster_statuses_size());
}

TEST_F(EndpointsTest, ListenersShowWhereTheyAreBound) {
  AddListener(kListener);
  const std::string text = Get("/listeners");
  EXPECT_THAT(text, testing::StartsWith("in::127.0.0.1:"));
  EXPECT_THAT(text, Not(HasSubstr(":0\n")));
  EXPECT_THAT(Get("/listeners?format=json"), HasSubstr("\"local_address\""));
  EXPECT_EQ(400u, Ask("/listeners?format=xml").status);
}

TEST_F(EndpointsTest, ConfigDumpIsTheMessageHoweverItIsSliced) {
  AddListener(kListener);
  AddStaticCluster(ClusterText("a"));
  AddDynamicCluster(ClusterText("b"), "42");
  const std::string whole = Get("/config_dump?include_eds");
  EXPECT_EQ(whole, Body(Ask("/config_dump?include_eds"), 1));
  const auto dump = Parse<envoy::admin::v3::ConfigDump>(whole);
  ASSERT_EQ(6, dump.configs_size());
  EXPECT_TRUE(dump.configs(0).Is<envoy::admin::v3::BootstrapConfigDump>());
  envoy::admin::v3::ClustersConfigDump clusters;
  ASSERT_TRUE(dump.configs(1).UnpackTo(&clusters));
  EXPECT_EQ(1, clusters.static_clusters_size());
  ASSERT_EQ(1, clusters.dynamic_active_clusters_size());
  EXPECT_EQ("42", clusters.dynamic_active_clusters(0).version_info());
  envoy::admin::v3::EndpointsConfigDump endpoints;
  ASSERT_TRUE(dump.configs(2).UnpackTo(&endpoints));
  EXPECT_EQ(1, endpoints.static_endpoint_configs_size());
  EXPECT_EQ(1, endpoints.dynamic_endpoint_configs_size());
  envoy::admin::v3::ListenersConfigDump listeners;
  ASSERT_TRUE(dump.configs(3).UnpackTo(&listeners));
  EXPECT_EQ(1, listeners.static_listeners_size());
  envoy::admin::v3::RoutesConfigDump routes;
  ASSERT_TRUE(dump.configs(4).UnpackTo(&routes));
  EXPECT_EQ(1, routes.static_route_configs_size());
  EXPECT_TRUE(dump.configs(5).Is<envoy::admin::v3::SecretsConfigDump>());
  EXPECT_EQ(5, Parse<envoy::admin::v3::ConfigDump>(Get("/config_dump")).configs_size());
}

TEST_F(EndpointsTest, ConfigDumpOfOneListWithAMask) {
  AddStaticCluster(ClusterText("a"));
  const auto dump =
      Parse<envoy::admin::v3::ConfigDump>(Get("/config_dump?resource=static_clusters&mask=cluster.name"));
  ASSERT_EQ(1, dump.configs_size());
  envoy::admin::v3::ClustersConfigDump::StaticCluster cluster;
  ASSERT_TRUE(dump.configs(0).UnpackTo(&cluster));
  EXPECT_FALSE(cluster.has_last_updated());
  EXPECT_THAT(Get("/config_dump?resource=static_clusters&mask=cluster.name"), Not(HasSubstr("load_assignment")));
  EXPECT_EQ("{}\n", Get("/config_dump?resource=dynamic_active_clusters"));
}

TEST_F(EndpointsTest, ConfigDumpByName) {
  AddListener(kListener);
  AddStaticCluster(ClusterText("ab"));
  AddDynamicCluster(ClusterText("b"), "42");
  const auto dump = Parse<envoy::admin::v3::ConfigDump>(Get("/config_dump?include_eds&name_regex=.*b"));
  ASSERT_EQ(6, dump.configs_size());
  envoy::admin::v3::ClustersConfigDump clusters;
  ASSERT_TRUE(dump.configs(1).UnpackTo(&clusters));
  EXPECT_EQ(1, clusters.static_clusters_size());
  EXPECT_EQ(1, clusters.dynamic_active_clusters_size());
  envoy::admin::v3::ListenersConfigDump listeners;
  ASSERT_TRUE(dump.configs(3).UnpackTo(&listeners));
  EXPECT_EQ(0, listeners.static_listeners_size());
  // Of the whole name, and with a list.
  EXPECT_EQ("{}\n", Get("/config_dump?resource=static_clusters&name_regex=b"));
  EXPECT_THAT(Get("/config_dump?resource=static_clusters&name_regex=a."), HasSubstr("\"ab\""));
  EXPECT_THAT(Get("/config_dump?include_eds&resource=dynamic_endpoint_configs&name_regex=b"), HasSubstr("\"b\""));
  EXPECT_EQ("{}\n", Get("/config_dump?include_eds&resource=dynamic_endpoint_configs&name_regex=ab"));
}

TEST_F(EndpointsTest, ConfigDumpRefusesWhatItHasNot) {
  EXPECT_EQ(400u, Ask("/config_dump?name_regex=(").status);
  EXPECT_EQ(404u, Ask("/config_dump?resource=secrets").status);
  EXPECT_EQ(400u, Ask("/config_dump?resource=bootstrap").status);
  EXPECT_EQ(400u, Ask("/config_dump?mask=nothing_of_that_name").status);
  EXPECT_EQ(400u, Ask("/config_dump?mask=").status);
  EXPECT_EQ(400u, Ask("/config_dump?resource=static_clusters&mask=name").status);
}

TEST_F(EndpointsTest, ARefusedResourceIsShownBesideItsLastGoodVersion) {
  AddDynamicCluster(ClusterText("b"), "1");
  const telemetry::ScopePtr scope = stats_.GetScope(telemetry::ScopeName().Add("cluster_manager").Add("cds"));
  scope->Get<telemetry::SubscriptionStats>(telemetry::kMainSlot).version_text.Set("1");
  refused_ = [](std::string_view type) -> std::vector<RefusedResource> {
    if (type.find("Cluster") == std::string_view::npos || type.find("Load") != std::string_view::npos) return {};
    return {{"b", "2", "lb_policy: not known", {}}, {"new", "2", "name: required", {}}};
  };
  const auto dump = Parse<envoy::admin::v3::ConfigDump>(Get("/config_dump"));
  envoy::admin::v3::ClustersConfigDump clusters;
  ASSERT_TRUE(dump.configs(1).UnpackTo(&clusters));
  ASSERT_EQ(1, clusters.dynamic_active_clusters_size());
  EXPECT_EQ("1", clusters.version_info());
  const auto& known = clusters.dynamic_active_clusters(0);
  EXPECT_EQ("1", known.version_info());
  EXPECT_EQ(envoy::admin::v3::NACKED, known.client_status());
  EXPECT_EQ("lb_policy: not known", known.error_state().details());
  ASSERT_EQ(1, clusters.dynamic_warming_clusters_size());
  EXPECT_EQ("name: required", clusters.dynamic_warming_clusters(0).error_state().details());
}

TEST_F(EndpointsTest, StatsInTheirFormats) {
  const telemetry::ScopePtr scope = stats_.GetScope(telemetry::HttpScopeName("p"));
  scope->Get<telemetry::DownstreamHttpStats>(telemetry::kMainSlot).downstream_rq_total.Add(5);
  const std::string filter = "filter=http.p.downstream_rq_total";
  EXPECT_EQ("http.p.downstream_rq_total: 5\n", Get("/stats?usedonly&" + filter));
  EXPECT_EQ(std::string(kJson), Ask("/stats?format=json").content_type);
  EXPECT_THAT(Get("/stats?format=json&" + filter), HasSubstr("\"http.p.downstream_rq_total\""));
  const std::string prometheus = Get("/stats/prometheus?" + filter);
  EXPECT_THAT(prometheus, HasSubstr("# TYPE envoy_http_downstream_rq_total counter\n"));
  EXPECT_EQ(prometheus, Get("/stats?format=prometheus&" + filter));
  EXPECT_EQ("", Get("/stats?type=Gauges&" + filter));
  for (const char* bad : {"/stats?format=html", "/stats?type=Meters", "/stats?filter=("}) {
    EXPECT_EQ(400u, Ask(bad).status) << bad;
  }
  EXPECT_EQ("OK\n", Body(Ask("/reset_counters", Method::kPost)));
  EXPECT_EQ("http.p.downstream_rq_total: 0\n", Get("/stats?" + filter));
}

TEST_F(EndpointsTest, ServerInfoIsTheMessage) {
  options_.config_path = "a.yaml";
  options_.drain_time = std::chrono::seconds(7);
  const auto info = Parse<envoy::admin::v3::ServerInfo>(Get("/server_info"));
  EXPECT_EQ(envoy::admin::v3::ServerInfo::LIVE, info.state());
  EXPECT_EQ(90, info.uptime_current_epoch().seconds());
  EXPECT_EQ(3u, info.command_line_options().concurrency());
  EXPECT_EQ("a.yaml", info.command_line_options().config_path());
  EXPECT_EQ(7, info.command_line_options().drain_time().seconds());
}

TEST_F(EndpointsTest, LoggingChangesOneSeveralOrAllLevelsOrNone) {
  EXPECT_THAT(Get("/logging"), HasSubstr("  admin: info\n"));
  EXPECT_EQ(200u, Ask("/logging?admin=debug", Method::kPost).status);
  EXPECT_EQ(LogLevel::kDebug, Log::level(LogComponent::kAdmin));
  EXPECT_EQ(LogLevel::kInfo, Log::level(LogComponent::kDns));
  EXPECT_EQ(200u, Ask("/logging?paths=dns:error,http:trace", Method::kPost).status);
  EXPECT_EQ(LogLevel::kError, Log::level(LogComponent::kDns));
  EXPECT_EQ(400u, Ask("/logging?admin=error&nobody=debug", Method::kPost).status);
  EXPECT_EQ(400u, Ask("/logging?level=loud", Method::kPost).status);
  EXPECT_EQ(LogLevel::kDebug, Log::level(LogComponent::kAdmin)) << "a request with a fault changes nothing";
  EXPECT_EQ(200u, Ask("/logging?level=info", Method::kPost).status);
  EXPECT_EQ(LogLevel::kInfo, Log::level(LogComponent::kHttp));
}

TEST_F(EndpointsTest, AllowPathsLeavesTheOthersOut) {
  bootstrap_.admin.emplace();
  bootstrap_.admin->allow_paths.emplace(std::vector<matcher::StringMatcher>());
  EXPECT_EQ(403u, Ask("/stats").status);
  EXPECT_EQ(403u, Ask("/quitquitquit", Method::kPost).status);
  EXPECT_THAT(server_.calls, ElementsAre());
}

}  // namespace
}  // namespace nuncio::admin
