#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/listener_stats.h"
#include "source/telemetry/stats_store.h"
#include "source/telemetry/xds_stats.h"

namespace nuncio::telemetry {
namespace {

#define NUNCIO_SMALL_STATS(X) \
  X(Counter, rq_total) X(Gauge, cx_active) X(Histogram, rq_time) X(StatusCodeCounters, up_rq)
NUNCIO_STATS_BLOCK(SmallStats, "", NUNCIO_SMALL_STATS);
#define NUNCIO_INNER_STATS(X) X(Counter, rx_reset) X(TextReadout, identifier)
NUNCIO_STATS_BLOCK(InnerStats, "http2.", NUNCIO_INNER_STATS);

std::string Show(const StatsStore& store, const StatsQuery& query, size_t slice = 1 << 20) {
  auto cursor = store.Query(query);
  EXPECT_TRUE(cursor.ok()) << cursor.status();
  std::string out;
  while ((*cursor)->Next(out, slice)) {
  }
  return out;
}

std::string Prometheus(const StatsStore& store, size_t slice = 1 << 20) {
  return Show(store, {.format = StatsQuery::Format::kPrometheus}, slice);
}

class StatsOutputTest : public testing::Test {
 protected:
  SmallStats& Cluster(const std::string& name) {
    scopes_.push_back(store_.GetScope(ClusterScopeName(name)));
    return scopes_.back()->Get<SmallStats>(1);
  }

  StatsStore store_;
  std::vector<ScopePtr> scopes_;
};

TEST_F(StatsOutputTest, TextIsSortedWithHistogramsAtTheEnd) {
  SmallStats& b = Cluster("b");
  b.rq_total.Add(2);
  b.up_rq.Inc(503);
  b.rq_time.Record(4);
  Cluster("a").cx_active.Set(-1);
  EXPECT_EQ(Show(store_, {}),
            "cluster.a.cx_active: -1\n"
            "cluster.a.rq_total: 0\n"
            "cluster.b.cx_active: 0\n"
            "cluster.b.rq_total: 2\n"
            "cluster.b.up_rq_503: 1\n"
            "cluster.b.up_rq_5xx: 1\n"
            "cluster.a.rq_time: No recorded values\n"
            "cluster.b.rq_time: P0(nan,4) P25(nan,4) P50(nan,4) P75(nan,4) P90(nan,4) P95(nan,4) P99(nan,4) "
            "P99.5(nan,4) P99.9(nan,4) P100(nan,4)\n");
}

TEST_F(StatsOutputTest, OrderHoldsWhereOneScopeLiesWithinAnother) {
  Cluster("a");
  Cluster("a.pool");
  Cluster("a.zone");
  Cluster("a-b");
  scopes_.push_back(store_.GetScope(ClusterScopeName("a")));
  scopes_.back()->Get<InnerStats>(0);
  std::istringstream lines(Show(store_, {.type = StatsQuery::Type::kCounters}));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) names.push_back(line.substr(0, line.find(": ")));
  EXPECT_EQ(names.size(), 5u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end())) << testing::PrintToString(names);
}

TEST_F(StatsOutputTest, SlicesAddUpToTheSame) {
  for (int i = 0; i < 500; ++i) Cluster(StrCat("c", i)).rq_time.Record(static_cast<uint64_t>(i));
  for (const auto format : {StatsQuery::Format::kText, StatsQuery::Format::kJson, StatsQuery::Format::kPrometheus}) {
    const StatsQuery query{.format = format};
    EXPECT_EQ(Show(store_, query, 1), Show(store_, query));
    auto cursor = store_.Query(query);
    std::string slice;
    size_t largest = 0;
    bool more = true;
    while (more) {
      slice.clear();
      more = (*cursor)->Next(slice, 1000);
      largest = std::max(largest, slice.size());
    }
    // One histogram in Prometheus' format is the longest statistic.
    EXPECT_LT(largest, 1000u + 2500u);
  }
}

TEST_F(StatsOutputTest, UsedOnlyLeavesOutWhatWasNeverWritten) {
  SmallStats& a = Cluster("a");
  a.cx_active.Inc();
  a.cx_active.Dec();
  EXPECT_EQ(Show(store_, {.used_only = true}), "cluster.a.cx_active: 0\n");
  a.rq_total.Inc();
  a.rq_time.Record(0);
  store_.ResetCounters();
  const std::string text = Show(store_, {.used_only = true});
  EXPECT_NE(text.find("cluster.a.rq_total: 0\n"), std::string::npos);
  EXPECT_NE(text.find("cluster.a.rq_time: P0(nan,0)"), std::string::npos);
}

TEST_F(StatsOutputTest, DeclaredBlocksShowAsZero) {
  scopes_.push_back(store_.GetScope(ClusterScopeName("a")));
  EXPECT_EQ(Show(store_, {}), "");
  scopes_.back()->Declare<SmallStats>();
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kCounters}), "cluster.a.rq_total: 0\n");
}

TEST_F(StatsOutputTest, FilterFindsAnywhereInTheFullName) {
  Cluster("alpha");
  Cluster("beta");
  EXPECT_EQ(Show(store_, {.filter = "alpha.*total"}), "cluster.alpha.rq_total: 0\n");
  EXPECT_EQ(Show(store_, {.filter = "^rq_total"}), "");
  const auto bad = store_.Query({.filter = "a("});
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.status().message().find("a("), absl::string_view::npos) << bad.status();
}

TEST_F(StatsOutputTest, MatcherKeepsStatisticsAway) {
  Cluster("alpha");
  Cluster("beta");
  store_.SetMatcher([](std::string_view name) { return name.find("beta") == std::string_view::npos; });
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kCounters}), "cluster.alpha.rq_total: 0\n");
  EXPECT_EQ(Prometheus(store_).find("beta"), std::string::npos);
}

TEST_F(StatsOutputTest, TypesSelect) {
  SmallStats& a = Cluster("a");
  a.up_rq.Inc(200);
  scopes_.back()->Get<InnerStats>(0).identifier.Set("say \"x\"");
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kCounters}),
            "cluster.a.http2.rx_reset: 0\ncluster.a.rq_total: 0\ncluster.a.up_rq_200: 1\ncluster.a.up_rq_2xx: 1\n");
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kGauges}), "cluster.a.cx_active: 0\n");
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kHistograms}), "cluster.a.rq_time: No recorded values\n");
  EXPECT_EQ(Show(store_, {.type = StatsQuery::Type::kTextReadouts}), "cluster.a.http2.identifier: \"say \\\"x\\\"\"\n");
}

TEST_F(StatsOutputTest, JsonHasEnvoysShape) {
  Cluster("a").rq_time.Record(2);
  while (!store_.TurnInterval(100)) {
  }
  const std::string json = Show(store_, {.format = StatsQuery::Format::kJson});
  EXPECT_EQ(json,
            "{\"stats\":[{\"name\":\"cluster.a.cx_active\",\"value\":0},{\"name\":\"cluster.a.rq_total\",\"value\":0},"
            "{\"histograms\":{\"supported_quantiles\":[0,25,50,75,90,95,99,99.5,99.9,100],\"computed_quantiles\":["
            "{\"name\":\"cluster.a.rq_time\",\"values\":["
            "{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},"
            "{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},"
            "{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},{\"interval\":2,\"cumulative\":2},"
            "{\"interval\":2,\"cumulative\":2}]}]}}]}");
}

TEST_F(StatsOutputTest, JsonOfNothingIsStillJson) {
  EXPECT_EQ(Show(store_, {.format = StatsQuery::Format::kJson}), "{\"stats\":[]}");
  Cluster("a");
  EXPECT_EQ(Show(store_, {.format = StatsQuery::Format::kJson, .type = StatsQuery::Type::kHistograms}).substr(0, 24),
            "{\"stats\":[{\"histograms\":");
}

TEST_F(StatsOutputTest, JsonEscapesNames) {
  Cluster("q\"\\\n\xff\xc3\xa4");
  const std::string json = Show(store_, {.format = StatsQuery::Format::kJson, .type = StatsQuery::Type::kCounters});
  EXPECT_EQ(json, "{\"stats\":[{\"name\":\"cluster.q\\\"\\\\_\xef\xbf\xbd\xc3\xa4.rq_total\",\"value\":0}]}");
}

TEST_F(StatsOutputTest, PrometheusTakesTagsOutOfNames) {
  SmallStats& a = Cluster("a");
  a.rq_total.Add(7);
  a.up_rq.Inc(503);
  Cluster("b.c").cx_active.Set(2);
  scopes_.push_back(store_.GetScope(ListenerWorkerScopeName("0.0.0.0:80", 3)));
  scopes_.back()->Get<ListenerWorkerStats>(4).downstream_cx_total.Inc();
  const std::string text = Show(store_, {.format = StatsQuery::Format::kPrometheus, .used_only = true});
  EXPECT_EQ(
      text,
      "# TYPE envoy_cluster_cx_active gauge\n"
      "envoy_cluster_cx_active{envoy_cluster_name=\"b.c\"} 2\n"
      "# TYPE envoy_cluster_rq_total counter\n"
      "envoy_cluster_rq_total{envoy_cluster_name=\"a\"} 7\n"
      "# TYPE envoy_cluster_up_rq counter\n"
      "envoy_cluster_up_rq{envoy_cluster_name=\"a\",envoy_response_code=\"503\"} 1\n"
      "# TYPE envoy_cluster_up_rq_xx counter\n"
      "envoy_cluster_up_rq_xx{envoy_cluster_name=\"a\",envoy_response_code_class=\"5\"} 1\n"
      "# TYPE envoy_listener_worker_downstream_cx_total counter\n"
      "envoy_listener_worker_downstream_cx_total{envoy_listener_address=\"0.0.0.0_80\",envoy_worker_id=\"3\"} 1\n");
}

TEST_F(StatsOutputTest, PrometheusHistogramsAreCumulative) {
  SmallStats& a = Cluster("a");
  for (const uint64_t v : {0, 1, 250, 251, 10000000}) a.rq_time.Record(v);
  const std::string text =
      Show(store_, {.format = StatsQuery::Format::kPrometheus, .type = StatsQuery::Type::kHistograms});
  EXPECT_EQ(text.find("# TYPE envoy_cluster_rq_time histogram\n"), 0u);
  for (const char* line :
       {"_bucket{envoy_cluster_name=\"a\",le=\"0.5\"} 1\n", "_bucket{envoy_cluster_name=\"a\",le=\"1\"} 2\n",
        "_bucket{envoy_cluster_name=\"a\",le=\"100\"} 2\n", "_bucket{envoy_cluster_name=\"a\",le=\"250\"} 3\n",
        "_bucket{envoy_cluster_name=\"a\",le=\"500\"} 4\n", "_bucket{envoy_cluster_name=\"a\",le=\"3600000\"} 4\n",
        "_bucket{envoy_cluster_name=\"a\",le=\"+Inf\"} 5\n", "_sum{envoy_cluster_name=\"a\"} 10000502\n",
        "_count{envoy_cluster_name=\"a\"} 5\n"}) {
    EXPECT_NE(text.find(StrCat("envoy_cluster_rq_time", line)), std::string::npos) << line << text;
  }
}

TEST_F(StatsOutputTest, PrometheusEscapesLabelValues) {
  Cluster("q\"\\");
  EXPECT_NE(Prometheus(store_).find("{envoy_cluster_name=\"q\\\"\\\\\"}"), std::string::npos);
}

// What Prometheus' parser and `promtool check metrics` insist on: one TYPE per metric, before its series, which stand
// together and are all different.
void CheckExposition(const std::string& text) {
  std::set<std::string> typed, series;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(typed.insert(current).second) << line;
      continue;
    }
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    const std::string name = line.substr(0, line.find('{'));
    EXPECT_EQ(name.rfind(current, 0), 0u) << line;
    const std::string rest = name.substr(std::min(name.size(), current.size()));
    EXPECT_TRUE(rest.empty() || rest == "_bucket" || rest == "_sum" || rest == "_count") << line;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
              std::string::npos)
        << line;
  }
  EXPECT_FALSE(series.empty());
}

TEST_F(StatsOutputTest, PrometheusKeepsAMetricTogether) {
  for (const char* name : {"a", "b", "a.b", "a_b", "z z"}) {
    SmallStats& stats = Cluster(name);
    stats.up_rq.Inc(200);
    stats.up_rq.Inc(404);
    stats.rq_time.Record(3);
  }
  CheckExposition(Prometheus(store_));
}

TEST_F(StatsOutputTest, WithoutDefaultTagsNamesStayWholeAndSeriesDiffer) {
  auto rules = TagRules::Create({{.tag = "envoy.response_code"}, {.tag = "site", .fixed_value = "x"}}, false);
  ASSERT_TRUE(rules.ok());
  store_.SetTagRules(*std::move(rules));
  // Both become envoy_cluster_a_b_...
  Cluster("a.b").up_rq.Inc(200);
  Cluster("a_b").up_rq.Inc(404);
  const std::string text = Prometheus(store_);
  CheckExposition(text);
  EXPECT_NE(text.find("envoy_cluster_a_b_up_rq{site=\"x\",envoy_response_code=\"404\"} 1\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("envoy_cluster_a_b_up_rq_2xx{site=\"x\"} 1\n"), std::string::npos) << text;
}

TEST_F(StatsOutputTest, OfTagsThatPrometheusCallsTheSameTheFirstIsShown) {
  auto rules = TagRules::Create({{.tag = "a.b", .fixed_value = "1"},
                                 {.tag = "a-b", .fixed_value = "2"},
                                 {.tag = "7", .fixed_value = "3"},
                                 {.tag = ".7", .fixed_value = "4"},
                                 {.tag = "_8", .fixed_value = "5"},
                                 {.tag = "8", .fixed_value = "6"}},
                                true);
  ASSERT_TRUE(rules.ok()) << rules.status();
  store_.SetTagRules(*std::move(rules));
  Cluster("c").rq_total.Add(1);
  const std::string text = Prometheus(store_);
  EXPECT_NE(text.find("envoy_cluster_rq_total{a_b=\"1\",_7=\"3\",_8=\"5\",envoy_cluster_name=\"c\"} 1\n"),
            std::string::npos)
      << text;
}

TEST_F(StatsOutputTest, ConfiguredRegexTakesATagOut) {
  auto rules = TagRules::Create({{.tag = "team", .regex = "^cluster\\.((\\w+)-)"}}, true);
  ASSERT_TRUE(rules.ok()) << rules.status();
  store_.SetTagRules(*std::move(rules));
  Cluster("red-a").rq_total.Add(1);
  Cluster("plain").rq_total.Add(2);
  const std::string text = Prometheus(store_);
  CheckExposition(text);
  EXPECT_NE(text.find("envoy_cluster_rq_total{team=\"red\",envoy_cluster_name=\"red-a\"} 1\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("envoy_cluster_rq_total{envoy_cluster_name=\"plain\"} 2\n"), std::string::npos) << text;
}

TEST(TagRules, SayWhichEntryIsWrong) {
  const auto unknown = TagRules::Create({{.tag = "envoy.cluster_name"}, {.tag = "nonsense"}}, true);
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.status().message().find("stats_tags[1].tag_name: \"nonsense\""), absl::string_view::npos);
  const auto broken = TagRules::Create({{.tag = "x", .regex = "(a"}}, true);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.status().message().find("stats_tags[0].regex"), absl::string_view::npos);
  EXPECT_FALSE(TagRules::Create({{.tag = "x", .regex = "abc"}}, true).ok());
}

TEST(TagRules, TakeOutWhatEnvoysRulesDo) {
  const TagRules rules;
  ExtractedName out;
  const auto extract = [&](const ScopeName& scope, std::string_view name) {
    const std::string full_name = StrCat(scope.text(), name);
    rules.Extract(scope, full_name, out);
    std::string text = out.name;
    for (const auto& [tag, value] : out.tags) StrAppend(text, ' ', tag, '=', value);
    return text;
  };
  EXPECT_EQ(
      extract(ListenerHttpScopeName("127.0.0.1:80", "in.gress"), "downstream_rq_5xx"),
      "listener.http.downstream_rq_xx envoy.listener_address=127.0.0.1_80 envoy.http_conn_manager_prefix=in.gress "
      "envoy.response_code_class=5");
  EXPECT_EQ(extract(RdsScopeName("p", "r.s"), "update_success"),
            "http.rds.update_success envoy.http_conn_manager_prefix=p envoy.rds_route_config=r.s");
  EXPECT_EQ(extract(ClusterScopeName("c"), "circuit_breakers.high.cx_open"),
            "cluster.circuit_breakers.high.cx_open envoy.cluster_name=c");
  EXPECT_EQ(extract(ListenerScopeName("admin"), "downstream_cx_total"), "listener.admin.downstream_cx_total");
  EXPECT_EQ(extract(ClusterScopeName("c"), "upstream_rq_2000"), "cluster.upstream_rq_2000 envoy.cluster_name=c");
  EXPECT_EQ(extract(ServerScopeName(), "live"), "server.live");
}

}  // namespace
}  // namespace nuncio::telemetry
