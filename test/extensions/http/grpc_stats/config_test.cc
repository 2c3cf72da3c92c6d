#include "source/extensions/http/grpc_stats/config.h"

#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/extensions/http/grpc_stats/filter_config.h"

namespace nuncio::extensions {
namespace {

using envoy::extensions::filters::http::grpc_stats::v3::FilterConfig;
using testing::UnorderedElementsAre;

std::shared_ptr<const GrpcStatsConfig> Compile(const FilterConfig& message, config::Faults& faults) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return std::static_pointer_cast<const GrpcStatsConfig>(CompileGrpcStats(any, faults));
}

TEST(GrpcStatsConfig, NothingByMethodUnlessAskedFor) {
  config::Faults faults;
  const auto config = Compile({}, faults);
  ASSERT_NE(config, nullptr);
  EXPECT_FALSE(config->all_methods);
  EXPECT_TRUE(config->methods.empty());
  EXPECT_FALSE(config->upstream_time);
  EXPECT_FALSE(config->replace_dots);
}

TEST(GrpcStatsConfig, AllMethods) {
  FilterConfig message;
  message.mutable_stats_for_all_methods()->set_value(true);
  message.set_enable_upstream_stats(true);
  message.set_replace_dots_in_grpc_service_name(true);
  config::Faults faults;
  const auto config = Compile(message, faults);
  ASSERT_NE(config, nullptr);
  EXPECT_TRUE(config->all_methods);
  EXPECT_TRUE(config->upstream_time);
  EXPECT_TRUE(config->replace_dots);
}

TEST(GrpcStatsConfig, SomeMethods) {
  FilterConfig message;
  auto* service = message.mutable_individual_method_stats_allowlist()->add_services();
  service->set_name("a.B");
  service->add_method_names("C");
  service->add_method_names("D");
  config::Faults faults;
  const auto config = Compile(message, faults);
  ASSERT_NE(config, nullptr);
  EXPECT_THAT(config->methods, UnorderedElementsAre("a.B/C", "a.B/D"));
}

TEST(GrpcStatsConfig, AServiceWithoutMethodsIsRefused) {
  FilterConfig message;
  message.mutable_individual_method_stats_allowlist()->add_services()->set_name("a.B");
  config::Faults faults;
  EXPECT_EQ(Compile(message, faults), nullptr);
  EXPECT_FALSE(faults.empty());
}

}  // namespace
}  // namespace nuncio::extensions
