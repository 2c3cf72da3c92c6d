#include "source/proxy/timeouts.h"

#include <memory>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/base/longest_duration.h"

namespace nuncio::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TimeoutsTest : public testing::Test {
 protected:
  RouteTimeouts Compute() { return ComputeTimeouts(config_, route_, headers_); }

  ConnectionManagerConfig config_;
  route::ForwardAction route_;
  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  http::HeaderMap headers_{arena_};
};

TEST_F(TimeoutsTest, TheRouteSaysFifteenSecondsUnlessToldOtherwise) {
  EXPECT_EQ(Compute().route, seconds(15));
  EXPECT_FALSE(Compute().idle.has_value());
  EXPECT_FALSE(Compute().max_duration.has_value());
  route_.timeout = Duration::zero();
  route_.idle_timeout = seconds(3);
  EXPECT_EQ(Compute().route, Duration::zero());
  EXPECT_EQ(Compute().idle, seconds(3));
}

TEST_F(TimeoutsTest, TheHeaderOverridesTheRoute) {
  headers_.Add("x-envoy-upstream-rq-timeout-ms", "250");
  EXPECT_EQ(Compute().route, milliseconds(250));
}

TEST_F(TimeoutsTest, AMalformedHeaderIsIgnoredUnlessItIsChecked) {
  for (const char* value : {"", "abc", "-1", "1.5", "99999999999"}) {
    headers_.SetReference("x-envoy-upstream-rq-timeout-ms", value);
    EXPECT_EQ(Compute().route, seconds(15)) << value;
    EXPECT_TRUE(Compute().valid_headers) << value;
  }
  config_.router.strict_check_headers = {"x-envoy-upstream-rq-timeout-ms"};
  EXPECT_FALSE(Compute().valid_headers);
  headers_.SetReference("x-envoy-upstream-rq-timeout-ms", "1");
  EXPECT_TRUE(Compute().valid_headers);
}

TEST_F(TimeoutsTest, HeadersThatAreOnlyChecked) {
  config_.router.strict_check_headers = {"x-envoy-max-retries"};
  headers_.Add("x-envoy-max-retries", "many");
  EXPECT_FALSE(Compute().valid_headers);
}

TEST_F(TimeoutsTest, TheExpectedTimeoutOfTheProxyBeforeGoesFirstWhereRespected) {
  headers_.Add("x-envoy-upstream-rq-timeout-ms", "250");
  headers_.Add("x-envoy-expected-rq-timeout-ms", "100");
  EXPECT_EQ(Compute().route, milliseconds(250));
  config_.router.respect_expected_rq_timeout = true;
  EXPECT_EQ(Compute().route, milliseconds(100));
}

TEST_F(TimeoutsTest, GrpcTimeout) {
  auto limits = std::make_unique<route::StreamDurationLimits>();
  limits->max = seconds(60);
  route_.max_stream_duration = std::make_unique<route::StreamDurationLimits>(*limits);
  headers_.Add("grpc-timeout", "10S");
  // Not asked for.
  EXPECT_EQ(Compute().max_duration, seconds(60));
  limits->grpc_timeout_max = seconds(5);
  route_.max_stream_duration = std::make_unique<route::StreamDurationLimits>(*limits);
  EXPECT_EQ(Compute().max_duration, seconds(5));
  limits->grpc_timeout_max = Duration::zero();
  limits->grpc_timeout_offset = seconds(1);
  route_.max_stream_duration = std::make_unique<route::StreamDurationLimits>(*limits);
  EXPECT_EQ(Compute().max_duration, seconds(9));
  headers_.SetReference("grpc-timeout", "99999999H");
  EXPECT_EQ(Compute().max_duration, kLongestDuration - seconds(1));
  headers_.SetReference("grpc-timeout", "never");
  EXPECT_EQ(Compute().max_duration, seconds(60));
}

TEST_F(TimeoutsTest, TheUpstreamIsToldAndTheProxysOwnFieldsEnd) {
  headers_.Add("x-envoy-upstream-rq-timeout-ms", "250");
  headers_.Add("x-envoy-upstream-rq-per-try-timeout-ms", "10");
  const RouteTimeouts timeouts = Compute();
  timeouts.WriteHeaders(config_, headers_);
  EXPECT_EQ(headers_.Value(http::HeaderId::kXEnvoyExpectedRqTimeoutMs), "250");
  EXPECT_FALSE(headers_.Has(http::HeaderId::kXEnvoyUpstreamRqTimeoutMs));
  EXPECT_FALSE(headers_.Has(http::HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs));
}

TEST_F(TimeoutsTest, NothingIsToldWhereThereIsNoLimitOrItIsNotWanted) {
  route_.timeout = Duration::zero();
  Compute().WriteHeaders(config_, headers_);
  EXPECT_FALSE(headers_.Has(http::HeaderId::kXEnvoyExpectedRqTimeoutMs));
  route_.timeout = seconds(1);
  config_.router.suppress_envoy_headers = true;
  Compute().WriteHeaders(config_, headers_);
  EXPECT_FALSE(headers_.Has(http::HeaderId::kXEnvoyExpectedRqTimeoutMs));
}

}  // namespace
}  // namespace nuncio::proxy
