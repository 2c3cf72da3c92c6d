#include "source/config/config_source_reader.h"

#include <chrono>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/yaml_loader.h"

namespace nuncio::config {
namespace {

using namespace std::chrono_literals;

ConfigSource Read(std::string_view yaml, Faults& faults) {
  envoy::config::core::v3::ConfigSource proto;
  EXPECT_TRUE(LoadText(yaml, TextFormat::kYaml, proto, faults)) << faults.ToString();
  return ReadConfigSource(proto, faults);
}

ConfigSource MustRead(std::string_view yaml) {
  Faults faults;
  ConfigSource source = Read(yaml, faults);
  EXPECT_TRUE(faults.empty()) << faults.ToString();
  return source;
}

TEST(ConfigSourceReaderTest, AdsWithDefaults) {
  const ConfigSource source = MustRead("{ads: {}, resource_api_version: V3}");
  EXPECT_TRUE(std::holds_alternative<AdsSource>(source.kind));
  EXPECT_EQ(source.initial_fetch_timeout, 15s);
  EXPECT_EQ(source, MustRead("{ads: {}}"));
}

TEST(ConfigSourceReaderTest, ZeroTimeoutStaysZero) {
  EXPECT_EQ(MustRead("{ads: {}, initial_fetch_timeout: 0s}").initial_fetch_timeout, 0ns);
}

TEST(ConfigSourceReaderTest, GrpcServer) {
  const ConfigSource source = MustRead(R"(
api_config_source:
  api_type: GRPC
  transport_api_version: V3
  set_node_on_first_message_only: true
  rate_limit_settings: {max_tokens: 5}
  grpc_services:
  - envoy_grpc: {cluster_name: xds, max_receive_message_length: 1000}
    initial_metadata: [{key: X-Token, value: t}, {key: raw-bin, raw_value: aGk=}]
)");
  const auto& grpc = std::get<GrpcSource>(source.kind);
  EXPECT_EQ(grpc.target.cluster, "xds");
  EXPECT_EQ(grpc.target.authority, "xds");
  EXPECT_EQ(grpc.target.max_receive_message_bytes, 1000u);
  const std::vector<std::pair<std::string, std::string>> metadata = {{"x-token", "t"}, {"raw-bin", "hi"}};
  EXPECT_EQ(grpc.target.initial_metadata, metadata);
  EXPECT_TRUE(grpc.node_on_first_message_only);
  EXPECT_TRUE(grpc.limited);
  EXPECT_EQ(grpc.rate_limit.max_tokens, 5u);
  EXPECT_EQ(grpc.rate_limit.tokens_per_second, 10);
}

TEST(ConfigSourceReaderTest, GrpcDefaults) {
  const ConfigSource source = MustRead(R"(
api_config_source:
  api_type: GRPC
  grpc_services: {envoy_grpc: {cluster_name: xds, authority: a.example, max_receive_message_length: 0}}
)");
  const auto& grpc = std::get<GrpcSource>(source.kind);
  EXPECT_EQ(grpc.target.authority, "a.example");
  EXPECT_EQ(grpc.target.max_receive_message_bytes, GrpcTarget::kDefaultMaxReceiveMessageBytes);
  EXPECT_FALSE(grpc.limited);
}

TEST(ConfigSourceReaderTest, Files) {
  EXPECT_EQ(std::get<FileSource>(MustRead("path: /a.yaml").kind), (FileSource{"/a.yaml", ""}));
  EXPECT_EQ(std::get<FileSource>(MustRead("path_config_source: {path: /a.yaml, watched_directory: {path: /d}}").kind),
            (FileSource{"/a.yaml", "/d"}));
}

TEST(ConfigSourceReaderTest, TellsWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"{}", "one of ads, api_config_source, path_config_source must be set"},
      {"path: ''", "path: must not be empty"},
      {"path_config_source: {}", "path_config_source.path: must not be empty"},
      {"api_config_source: {}",
       "api_config_source.api_type: must be GRPC\napi_config_source.grpc_services: must name the server"},
      {"api_config_source: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: a}}, {}]}",
       "api_config_source.grpc_services: must name exactly one server (has 2)"},
      {"api_config_source: {api_type: GRPC, grpc_services: [{}]}",
       "api_config_source.grpc_services[0].envoy_grpc: must be set"},
      {"api_config_source: {api_type: GRPC, grpc_services: [{envoy_grpc: {}}]}",
       "api_config_source.grpc_services[0].envoy_grpc.cluster_name: must not be empty"},
      {"api_config_source: {api_type: GRPC, grpc_services: {envoy_grpc: {cluster_name: a}, initial_metadata: [{key: "
       "':path', value: x}, {key: a, value: x, raw_value: eA==}]}}",
       "api_config_source.grpc_services[0].initial_metadata[0].key: must not begin with \":\" or \"grpc-\", which "
       "belong "
       "to the protocol (is \":path\")\n"
       "api_config_source.grpc_services[0].initial_metadata[1]: cannot have both value and raw_value: one of the two "
       "only"},
      {"api_config_source: {api_type: GRPC, grpc_services: {envoy_grpc: {cluster_name: a}}, rate_limit_settings: "
       "{max_tokens: 0, fill_rate: -1}}",
       "api_config_source.rate_limit_settings.max_tokens: must be at least 1 (is 0): no request would be sent\n"
       "api_config_source.rate_limit_settings.fill_rate: must be greater than 0 (is -1)"},
      {"{ads: {}, initial_fetch_timeout: -1s}", "initial_fetch_timeout: must not be negative (is -1s)"},
  };
  for (const auto& [yaml, expected] : cases) {
    Faults faults;
    Read(yaml, faults);
    EXPECT_EQ(faults.ToString(), expected) << yaml;
  }
}

TEST(ConfigSourceReaderTest, OtherVersionsAreRefused) {
  envoy::config::core::v3::ConfigSource proto;
  proto.mutable_ads();
  proto.set_resource_api_version(static_cast<envoy::config::core::v3::ApiVersion>(1));
  Faults faults;
  ReadConfigSource(proto, faults);
  EXPECT_EQ(faults.ToString(), "resource_api_version: must be V3 or AUTO: no other version of the API is spoken");
}

}  // namespace
}  // namespace nuncio::config
