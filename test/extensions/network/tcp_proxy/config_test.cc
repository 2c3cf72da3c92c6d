#include "source/extensions/network/tcp_proxy/config.h"

#include <memory>
#include <string>
#include <string_view>

#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "gtest/gtest.h"
#include "source/config/yaml_loader.h"
#include "source/extensions/network/tcp_proxy/filter_config.h"

namespace nuncio::extensions {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Outcome {
  std::shared_ptr<const TcpProxyConfig> config;
  std::string faults;
};

Outcome Compile(std::string_view yaml) {
  envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy message;
  config::Faults faults;
  EXPECT_TRUE(config::LoadText(yaml, config::TextFormat::kYaml, message, faults)) << faults.ToString();
  google::protobuf::Any any;
  any.PackFrom(message);
  Outcome out;
  out.config =
      std::static_pointer_cast<TcpProxyConfig>(CompileTcpProxy(any, config::DataSourceAccess::kRead, faults));
  out.faults = faults.ToString();
  EXPECT_EQ(out.config == nullptr, !out.faults.empty());
  return out;
}

TEST(TcpProxyConfigTest, WhatIsNotSaid) {
  const auto config = Compile("{stat_prefix: s, cluster: c}").config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->stat_prefix, "s");
  ASSERT_EQ(config->clusters.size(), 1u);
  EXPECT_EQ(config->clusters[0].name, "c");
  EXPECT_EQ(config->idle_timeout, hours(1));
  EXPECT_EQ(config->max_connection_duration, Duration::zero());
  EXPECT_EQ(config->max_duration_jitter, Duration::zero());
  EXPECT_EQ(config->max_connect_attempts, 1u);
  EXPECT_EQ(config->log_interval, Duration::zero());
  EXPECT_FALSE(config->log_on_connected);
  EXPECT_FALSE(config->log_on_start);
}

TEST(TcpProxyConfigTest, WhatIsSaid) {
  const auto config = Compile(R"(
stat_prefix: s
cluster: c
idle_timeout: 0s
max_connect_attempts: 4
max_downstream_connection_duration: 20s
max_downstream_connection_duration_jitter_percentage: {value: 12.5}
access_log_options: {access_log_flush_interval: 0.25s, flush_access_log_on_connected: true,
  flush_access_log_on_start: true}
access_log: [{name: l, typed_config: {
  "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]
)")
                          .config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->idle_timeout, Duration::zero());
  EXPECT_EQ(config->max_connect_attempts, 4u);
  EXPECT_EQ(config->max_connection_duration, seconds(20));
  EXPECT_EQ(config->max_duration_jitter, milliseconds(2500));
  EXPECT_EQ(config->log_interval, milliseconds(250));
  EXPECT_TRUE(config->log_on_connected);
  EXPECT_TRUE(config->log_on_start);
  EXPECT_EQ(config->access_logs.size(), 1u);
}

TEST(TcpProxyConfigTest, WeightsAreSummedUp) {
  const auto config =
      Compile("{stat_prefix: s, weighted_clusters: {clusters: [{name: a, weight: 1}, {name: b, weight: 3}]}}").config;
  ASSERT_NE(config, nullptr);
  ASSERT_EQ(config->clusters.size(), 2u);
  EXPECT_EQ(config->clusters[0].weight_so_far, 1u);
  EXPECT_EQ(config->clusters[1].weight_so_far, 4u);
}

TEST(TcpProxyConfigTest, Faults) {
  const struct {
    std::string_view yaml;
    std::string_view fault;
  } cases[] = {
      {"{stat_prefix: s}", "one of cluster, weighted_clusters must be set"},
      {"{cluster: c}", "stat_prefix"},
      {"{stat_prefix: s, cluster: ''}", "cluster: required"},
      {"{stat_prefix: s, weighted_clusters: {}}", "weighted_clusters.clusters"},
      {"{stat_prefix: s, weighted_clusters: {clusters: [{name: a}]}}", "weighted_clusters.clusters[0].weight"},
      {"{stat_prefix: s, weighted_clusters: {clusters: [{name: a, weight: 4294967295}, {name: b, weight: 1}]}}",
       "weighted_clusters.clusters: the sum"},
      {"{stat_prefix: s, cluster: c, max_connect_attempts: 0}", "max_connect_attempts"},
      {"{stat_prefix: s, cluster: c, idle_timeout: -1s}", "idle_timeout"},
      {"{stat_prefix: s, cluster: c, max_downstream_connection_duration: 0s}", "max_downstream_connection_duration"},
      {"{stat_prefix: s, cluster: c, access_log_options: {access_log_flush_interval: 0s}}",
       "access_log_flush_interval"},
      {"{stat_prefix: s, cluster: c, max_downstream_connection_duration_jitter_percentage: {value: 10}}",
       "max_downstream_connection_duration_jitter_percentage: needs"},
      {"{stat_prefix: s, cluster: c, max_downstream_connection_duration: 1s, "
       "max_downstream_connection_duration_jitter_percentage: {value: 101}}",
       "max_downstream_connection_duration_jitter_percentage.value"},
  };
  for (const auto& each : cases) {
    const Outcome out = Compile(each.yaml);
    EXPECT_NE(out.faults.find(each.fault), std::string::npos) << each.yaml << "\n" << out.faults;
  }
}

}  // namespace
}  // namespace nuncio::extensions
