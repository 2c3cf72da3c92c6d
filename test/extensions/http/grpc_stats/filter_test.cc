#include "source/extensions/http/grpc_stats/filter.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/telemetry/scope_name.h"
#include "test/extensions/http/http_filter_fixture.h"

namespace nuncio::extensions {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr std::string_view kHello = "/helloworld.Greeter/SayHello";
constexpr std::string_view kHelloStats = "cluster.backend.grpc.helloworld.Greeter.SayHello.";

class GrpcStatsTest : public HttpFilterFixture {
 protected:
  // The filter is made of `config_` at its first use.
  void Begin() {
    if (factory_ == nullptr) factory_ = MakeGrpcStatsFactory(config_, services());
    BeginExchange(*factory_);
  }
  void Request(std::string_view path, std::string_view type = "application/grpc") {
    Begin();
    RequestHead(path, {{"content-type", type}});
  }
  // A call that ends with this status after `messages` of the host.
  void Call(std::string_view path, std::string_view status, int messages = 1) {
    Request(path);
    RequestData(Frame("question"), true);
    ResponseHead(200, {{"content-type", "application/grpc"}});
    for (int i = 0; i < messages; ++i) ResponseData(Frame("answer"));
    ResponseTrailers({{"grpc-status", status}});
  }
  int64_t Hello(std::string_view name) const { return Stat(StrCat(kHelloStats, name)); }

  std::shared_ptr<GrpcStatsConfig> config_ = std::make_shared<GrpcStatsConfig>();
  std::unique_ptr<filter::HttpFilterFactory> factory_;
};

TEST_F(GrpcStatsTest, CallsOfEachMethodByStatus) {
  config_->all_methods = true;
  Call(kHello, "0");
  Call(kHello, "0");
  Call(kHello, "14");
  Call("/helloworld.Greeter/Other", "5");
  EXPECT_EQ(Hello("total"), 3);
  EXPECT_EQ(Hello("success"), 2);
  EXPECT_EQ(Hello("failure"), 1);
  EXPECT_EQ(Hello("0"), 2);
  EXPECT_EQ(Hello("14"), 1);
  EXPECT_EQ(Stat("cluster.backend.grpc.helloworld.Greeter.Other.5"), 1);
  EXPECT_EQ(Hello("5"), -1);
  EXPECT_EQ(Stat("cluster.backend.grpc.total"), -1);
}

TEST_F(GrpcStatsTest, WhatPassesIsLeftAsItIs) {
  config_->all_methods = true;
  Call(kHello, "0");
  EXPECT_THAT(log(), ElementsAre("Q head", StrCat("Q ", Frame("question"), "."), "A 200", StrCat("A ", Frame("answer")),
                                 "A trailers."));
}

TEST_F(GrpcStatsTest, AStatusThatGrpcDoesNotKnowIsAFailureWithoutNumber) {
  config_->all_methods = true;
  Call(kHello, "17");
  Call(kHello, "no number");
  EXPECT_EQ(Hello("failure"), 2);
  EXPECT_EQ(Hello("17"), -1);
}

TEST_F(GrpcStatsTest, MessagesAreCountedHoweverTheyAreCut) {
  config_->all_methods = true;
  const std::string messages = Frame("") + Frame("one") + Frame(std::string(70000, 'x')) + Frame("");
  Request(kHello);
  for (const char c : messages) RequestData(std::string_view(&c, 1));
  EXPECT_EQ(Hello("request_message_count"), 4);
  ResponseHead(200, {{"content-type", "application/grpc+proto"}});
  ResponseData(messages);
  ResponseData(messages.substr(0, 7));
  EXPECT_EQ(Hello("response_message_count"), 4 + 2);
}

TEST_F(GrpcStatsTest, AnAnswerOfTrailersOnly) {
  config_->all_methods = true;
  Request(kHello);
  ResponseHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "7"}}, true);
  EXPECT_EQ(Hello("7"), 1);
  EXPECT_EQ(Hello("failure"), 1);
  EXPECT_EQ(Hello("response_message_count"), -1);
}

TEST_F(GrpcStatsTest, ACallThatWasCutOffHasNoStatus) {
  config_->all_methods = true;
  Request(kHello);
  RequestData(Frame("question"));
  ResponseHead(200, {{"content-type", "application/grpc"}});
  EndExchange();
  EXPECT_EQ(Hello("request_message_count"), 1);
  EXPECT_EQ(Hello("total"), -1);
}

TEST_F(GrpcStatsTest, MethodsThatAreNotListedAreCountedTogether) {
  config_->methods = {"helloworld.Greeter/SayHello"};
  Call(kHello, "0");
  Call("/helloworld.Greeter/Other", "0");
  Call("/Greeter/SayHello", "3", 2);
  EXPECT_EQ(Hello("total"), 1);
  EXPECT_EQ(Stat("cluster.backend.grpc.total"), 2);
  EXPECT_EQ(Stat("cluster.backend.grpc.3"), 1);
  EXPECT_EQ(Stat("cluster.backend.grpc.response_message_count"), 3);
  EXPECT_EQ(Stat("cluster.backend.grpc.helloworld.Greeter.Other.total"), -1);
}

TEST_F(GrpcStatsTest, DotsOfTheServiceReplaced) {
  config_->all_methods = true;
  config_->replace_dots = true;
  Call(kHello, "0");
  EXPECT_EQ(Stat("cluster.backend.grpc.helloworld_Greeter.SayHello.total"), 1);
}

TEST_F(GrpcStatsTest, OnlyGrpcToAClusterIsCounted) {
  config_->all_methods = true;
  Request(kHello, "application/json");
  ResponseHead(200, {{"grpc-status", "0"}}, true);
  Request(kHello, "application/grpc-web");
  ResponseHead(200, {{"grpc-status", "0"}}, true);
  for (const std::string_view path : {"/", "/a", "/a/", "//b", "/a/b/c", "a/b", ""}) Call(path, "0");
  Begin();
  ends().route_decision.kind = route::Decision::Kind::kDirectResponse;
  RequestHead(kHello, {{"content-type", "application/grpc"}});
  ResponseHead(200, {{"grpc-status", "0"}}, true);
  Begin();
  ends().route_decision.cluster = "nowhere";
  RequestHead(kHello, {{"content-type", "application/grpc"}});
  ResponseHead(200, {{"grpc-status", "14"}}, true);
  EXPECT_EQ(Hello("total"), -1);
  EXPECT_EQ(Stat("cluster.backend.grpc.total"), -1);
}

TEST_F(GrpcStatsTest, TheQueryIsNoPartOfTheMethod) {
  config_->all_methods = true;
  Call("/helloworld.Greeter/SayHello?a/b", "0");
  EXPECT_EQ(Hello("total"), 1);
}

TEST_F(GrpcStatsTest, TimeFromTheEndOfTheRequestToTheEndOfTheAnswer) {
  config_->all_methods = true;
  config_->upstream_time = true;
  Request(kHello);
  RequestData(Frame("question"), true);
  ends().stream_info.upstream_request_end = milliseconds(100);
  ResponseHead(200, {{"content-type", "application/grpc"}});
  ends().stream_info.response_end = milliseconds(350);
  ResponseTrailers({{"grpc-status", "0"}});
  const auto times = store_.FindHistogram(StrCat(kHelloStats, "upstream_rq_time"));
  ASSERT_TRUE(times.has_value());
  EXPECT_EQ(times->count(), 1u);
  EXPECT_EQ(times->sum(), 250u);
  // One whose host answered first.
  Request(kHello);
  ends().stream_info.response_end = milliseconds(350);
  ResponseHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "3"}}, true);
  EXPECT_EQ(store_.FindHistogram(StrCat(kHelloStats, "upstream_rq_time"))->count(), 1u);
}

TEST_F(GrpcStatsTest, NoTimesUnlessAskedFor) {
  config_->all_methods = true;
  Request(kHello);
  ends().stream_info.upstream_request_end = milliseconds(1);
  ends().stream_info.response_end = milliseconds(2);
  ResponseHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "0"}}, true);
  EXPECT_FALSE(store_.FindHistogram(StrCat(kHelloStats, "upstream_rq_time")).has_value());
}

TEST_F(GrpcStatsTest, NamesBeyondTheLimitAreCountedWithoutMethod) {
  config_->all_methods = true;
  for (size_t i = 0; i < telemetry::GrpcStats::kMaxMethods; ++i) Call(StrCat("/service/method", i), "0");
  EXPECT_EQ(Stat("cluster.backend.grpc.service.method999.total"), 1);
  EXPECT_EQ(Stat("cluster.backend.grpc.methods_overflow"), -1);
  // Some room is kept for what is counted without method.
  for (int i = 0; i < 10; ++i) Call(StrCat("/more/method", i), "2");
  EXPECT_GE(Stat("cluster.backend.grpc.methods_overflow"), 7);
  EXPECT_EQ(Stat("cluster.backend.grpc.methods_overflow"), Stat("cluster.backend.grpc.2"));
  EXPECT_EQ(Stat("cluster.backend.grpc.more.method9.total"), -1);
  Call("/service/method0", "0");
  EXPECT_EQ(Stat("cluster.backend.grpc.service.method0.total"), 2);
}

TEST_F(GrpcStatsTest, ANameTooLongIsCountedWithoutMethod) {
  config_->all_methods = true;
  Call("/service/" + std::string(telemetry::GrpcStats::kMaxNameLength, 'm'), "0");
  EXPECT_EQ(Stat("cluster.backend.grpc.methods_overflow"), 1);
  EXPECT_EQ(Stat("cluster.backend.grpc.total"), 1);
}

TEST_F(GrpcStatsTest, FiguresOutliveAnUpdateOfTheClusterWithTheirTags) {
  config_->all_methods = true;
  // Main holds it as long as the cluster is configured.
  const auto scope = store_.GetScope(telemetry::ClusterScopeName("backend"));
  Call(kHello, "0");
  EndExchange();
  PutCluster();
  EXPECT_EQ(Hello("total"), 1);
  Call(kHello, "0");
  EXPECT_EQ(Hello("total"), 2);

  auto cursor = store_.Query({.format = telemetry::StatsQuery::Format::kPrometheus});
  ASSERT_TRUE(cursor.ok());
  std::string text;
  while ((*cursor)->Next(text, 1 << 20)) {
  }
  EXPECT_THAT(text, testing::HasSubstr("envoy_cluster_grpc_success{envoy_cluster_name=\"backend\","
                                       "envoy_grpc_bridge_service=\"helloworld.Greeter\","
                                       "envoy_grpc_bridge_method=\"SayHello\"} 2"));
}

}  // namespace
}  // namespace nuncio::extensions
