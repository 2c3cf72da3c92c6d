#include "source/proxy/request_preparation.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "test/net/fake_security_info.h"

namespace nuncio::proxy {
namespace {

using Verdict = PreparedRequest::Verdict;

class RequestPreparationTest : public testing::Test, private access_log::LocalAddressSource {
 protected:
  RequestPreparationTest() {
    head_.method = http::Method::kGet;
    head_.method_text = "GET";
    head_.path = "/";
    head_.authority = "a.test";
    head_.scheme = "http";
    PeerIs("203.0.113.7");
  }

  void PeerIs(std::string_view ip) {
    connection_.peer = *net::Address::FromIp(ip, 4711);
    connection_.peer_ip_text = ip;
  }
  void InternalRange(std::string_view address, uint32_t length) {
    config_.internal_ranges.push_back(*net::CidrRange::Create(address, length));
  }
  PreparedRequest Prepare() {
    const RequestOrigin origin{connection_, *this, "http", "Hash=aa11", "node-1", "cluster-1"};
    return PrepareRequest(config_, origin, random_, head_);
  }
  void Add(std::string_view name, std::string_view value) { head_.headers.Add(name, value); }
  std::string Field(std::string_view name) {
    std::string_view value;
    return head_.headers.Joined(name, &value) ? std::string(value) : "(none)";
  }
  size_t Count(std::string_view name) {
    size_t count = 0;
    for (const http::HeaderField& field : head_.headers) count += field.name == name ? 1 : 0;
    return count;
  }

  ConnectionManagerConfig config_;
  access_log::ConnectionInfo connection_;

 private:
  const net::Address& LocalAddress() override { return local_; }

  net::Address local_ = *net::Address::FromIp("10.0.0.1", 8080);
  Random random_;
  ArenaBlockPool blocks_;
  Arena arena_{blocks_};

 protected:
  http::RequestHead head_{arena_};
};

TEST_F(RequestPreparationTest, AnEdgeNamesItsClientItself) {
  config_.use_remote_address = true;
  Add("x-forwarded-for", "6.6.6.6");
  Add("x-forwarded-for", "7.7.7.7");
  const PreparedRequest prepared = Prepare();
  EXPECT_EQ(prepared.remote_ip, "203.0.113.7");
  EXPECT_EQ(Count("x-forwarded-for"), 1u);
  EXPECT_TRUE(Field("x-forwarded-for").ends_with("7.7.7.7,203.0.113.7"));
  EXPECT_EQ(Field("x-envoy-external-address"), "203.0.113.7");
}

TEST_F(RequestPreparationTest, TrustedHopsInFrontOfAnEdge) {
  config_.use_remote_address = true;
  config_.xff_trusted_hops = 2;
  Add("x-forwarded-for", "6.6.6.6, 198.51.100.1, 198.51.100.2");
  EXPECT_EQ(Prepare().remote_ip, "198.51.100.1");
}

TEST_F(RequestPreparationTest, FewerAddressesThanTrustedHopsLeaveThePeer) {
  config_.use_remote_address = true;
  config_.xff_trusted_hops = 2;
  Add("x-forwarded-for", "198.51.100.2");
  EXPECT_EQ(Prepare().remote_ip, "203.0.113.7");
}

TEST_F(RequestPreparationTest, AnInnerProxyReadsTheHeaderAndLeavesIt) {
  Add("x-forwarded-for", "198.51.100.1, 198.51.100.2");
  EXPECT_EQ(Prepare().remote_ip, "198.51.100.2");
  EXPECT_EQ(Field("x-forwarded-for"), "198.51.100.1, 198.51.100.2");
}

TEST_F(RequestPreparationTest, WhatIsNoAddressIsNotBelieved) {
  Add("x-forwarded-for", "198.51.100.1, unknown");
  EXPECT_EQ(Prepare().remote_ip, "203.0.113.7");
}

TEST_F(RequestPreparationTest, AppendingCanBeLeftOut) {
  config_.use_remote_address = true;
  config_.skip_xff_append = true;
  Prepare();
  EXPECT_EQ(Field("x-forwarded-for"), "(none)");
}

TEST_F(RequestPreparationTest, OnlyAPeerOfAnInternalRangeIsInternal) {
  config_.use_remote_address = true;
  config_.skip_xff_append = true;
  InternalRange("203.0.112.0", 24);
  EXPECT_FALSE(Prepare().internal);
  InternalRange("203.0.113.0", 24);
  EXPECT_TRUE(Prepare().internal);
  EXPECT_EQ(Field("x-envoy-internal"), "true");
}

TEST_F(RequestPreparationTest, AForwardedRequestOfAnInternalPeerIsExternal) {
  config_.use_remote_address = true;
  InternalRange("203.0.113.0", 24);
  Add("x-forwarded-for", "10.0.0.1");
  EXPECT_FALSE(Prepare().internal);
}

TEST_F(RequestPreparationTest, SeveralAddressesAreNeverInternalInside) {
  InternalRange("10.0.0.0", 8);
  Add("x-forwarded-for", "6.6.6.6, 10.0.0.1");
  EXPECT_FALSE(Prepare().internal);
}

TEST_F(RequestPreparationTest, InternalOnlyFieldsOfExternalClientsGo) {
  config_.use_remote_address = true;
  static constexpr std::string_view kNames[] = {
      "x-envoy-internal",           "x-envoy-retry-on",          "x-envoy-max-retries",
      "x-envoy-upstream-rq-timeout-ms", "x-envoy-original-path", "x-envoy-force-trace",
      "x-envoy-attempt-count",      "x-envoy-decorator-operation", "x-envoy-expected-rq-timeout-ms"};
  for (std::string_view name : kNames) Add(name, "1");
  Prepare();
  for (std::string_view name : kNames) EXPECT_EQ(Field(name), "(none)") << name;
}

TEST_F(RequestPreparationTest, InternalClientsKeepThem) {
  config_.use_remote_address = true;
  InternalRange("203.0.113.0", 24);
  Add("x-envoy-upstream-rq-timeout-ms", "1");
  Prepare();
  EXPECT_EQ(Field("x-envoy-upstream-rq-timeout-ms"), "1");
}

TEST_F(RequestPreparationTest, AnEdgeSettlesTheSchemeAndOthersBelieveOnlyKnownOnes) {
  Add("x-forwarded-proto", "https");
  Prepare();
  EXPECT_EQ(head_.scheme, "https");
  head_.headers.SetReference("x-forwarded-proto", "gopher");
  Prepare();
  EXPECT_EQ(Field("x-forwarded-proto"), "http");
  config_.use_remote_address = true;
  head_.headers.SetReference("x-forwarded-proto", "https");
  Prepare();
  EXPECT_EQ(Field("x-forwarded-proto"), "http");
  EXPECT_EQ(head_.scheme, "http");
}

TEST_F(RequestPreparationTest, AnEdgeGivesItsOwnRequestId) {
  config_.use_remote_address = true;
  Add("x-request-id", "mine");
  Prepare();
  EXPECT_EQ(Field("x-request-id").size(), 36u);
}

TEST_F(RequestPreparationTest, ARequestIdIsKeptWhereItIsTrusted) {
  Add("x-request-id", "mine");
  Prepare();
  EXPECT_EQ(Field("x-request-id"), "mine");
  config_.use_remote_address = true;
  config_.preserve_external_request_id = true;
  Prepare();
  EXPECT_EQ(Field("x-request-id"), "mine");
}

TEST_F(RequestPreparationTest, NoRequestIdWhereNoneIsWanted) {
  config_.generate_request_id = false;
  Prepare();
  EXPECT_EQ(Field("x-request-id"), "(none)");
}

TEST_F(RequestPreparationTest, AnOfferOfHttp2IsIgnored) {
  Add("upgrade", "h2c");
  Add("connection", "Upgrade, HTTP2-Settings");
  Add("http2-settings", "AAMAAABk");
  EXPECT_EQ(Prepare().verdict, Verdict::kForward);
  EXPECT_EQ(Field("upgrade"), "(none)");
  EXPECT_EQ(Field("http2-settings"), "(none)");
}

TEST_F(RequestPreparationTest, ConnectKeepsItsPortAndHasNoPath) {
  config_.path.normalize = true;
  config_.strip_port = ConnectionManagerConfig::StripPort::kAny;
  head_.method = http::Method::kConnect;
  head_.authority = "h:443";
  head_.path = "";
  EXPECT_EQ(Prepare().verdict, Verdict::kForward);
  EXPECT_EQ(head_.authority, "h:443");
  EXPECT_EQ(head_.path, "");
}

TEST_F(RequestPreparationTest, FieldsForThisHopGo) {
  Add("connection", "x-mine, keep-alive");
  Add("x-mine", "1");
  Add("keep-alive", "timeout=5");
  Add("x-other", "1");
  Prepare();
  EXPECT_EQ(Field("connection"), "(none)");
  EXPECT_EQ(Field("x-mine"), "(none)");
  EXPECT_EQ(Field("keep-alive"), "(none)");
  EXPECT_EQ(Field("x-other"), "1");
}

TEST_F(RequestPreparationTest, NamesWithUnderscores) {
  Add("x_under", "1");
  Add("x-dash", "1");
  EXPECT_EQ(Prepare().verdict, Verdict::kForward);
  EXPECT_EQ(Field("x_under"), "1");
  config_.underscores = ConnectionManagerConfig::Underscores::kReject;
  const PreparedRequest refused = Prepare();
  EXPECT_EQ(refused.status, 400u);
  EXPECT_TRUE(refused.underscore_refused);
  config_.underscores = ConnectionManagerConfig::Underscores::kDrop;
  const PreparedRequest dropped = Prepare();
  EXPECT_EQ(dropped.verdict, Verdict::kForward);
  EXPECT_EQ(dropped.dropped_headers, 1u);
  EXPECT_EQ(Field("x_under"), "(none)");
  EXPECT_EQ(Field("x-dash"), "1");
}

TEST_F(RequestPreparationTest, PortsAndDotsOfTheAuthority) {
  struct Case {
    ConnectionManagerConfig::StripPort strip;
    bool dot;
    const char* before;
    const char* after;
  };
  using Strip = ConnectionManagerConfig::StripPort;
  for (const Case& each : std::initializer_list<Case>{{Strip::kNone, false, "a.test:8080", "a.test:8080"},
                                                      {Strip::kAny, false, "a.test:1", "a.test"},
                                                      {Strip::kMatching, false, "a.test:8080", "a.test"},
                                                      {Strip::kMatching, false, "a.test:1", "a.test:1"},
                                                      {Strip::kAny, false, "[::1]:80", "[::1]"},
                                                      {Strip::kAny, false, "[::1]", "[::1]"},
                                                      {Strip::kNone, true, "a.test.", "a.test"},
                                                      {Strip::kNone, true, "a.test.:80", "a.test:80"},
                                                      {Strip::kAny, true, "a.test.:80", "a.test"},
                                                      {Strip::kNone, true, "a.test:80", "a.test:80"}}) {
    config_.strip_port = each.strip;
    config_.strip_trailing_host_dot = each.dot;
    head_.authority = each.before;
    Prepare();
    EXPECT_EQ(head_.authority, each.after) << each.before;
  }
}

TEST_F(RequestPreparationTest, PathsAreNormalisedAsConfigured) {
  head_.path = "/a/../b//c?x=/../y";
  Prepare();
  EXPECT_EQ(head_.path, "/a/../b//c?x=/../y");
  config_.path.normalize = true;
  config_.path.merge_slashes = true;
  Prepare();
  EXPECT_EQ(head_.path, "/b/c?x=/../y");
}

TEST_F(RequestPreparationTest, EscapedSlashesAreRefusedOrRedirected) {
  config_.path.normalize = true;
  config_.path.escaped_slashes = http::EscapedSlashes::kRejectRequest;
  head_.path = "/a%2Fb";
  EXPECT_EQ(Prepare().status, 400u);
  config_.path.escaped_slashes = http::EscapedSlashes::kUnescapeAndRedirect;
  head_.path = "/a%2Fb";
  EXPECT_EQ(Prepare().verdict, Verdict::kRedirectToNormalizedPath);
  EXPECT_EQ(head_.path, "/a/b");
}

TEST_F(RequestPreparationTest, GrpcIsRefusedWhereOthersAreRedirected) {
  config_.path.normalize = true;
  config_.path.escaped_slashes = http::EscapedSlashes::kUnescapeAndRedirect;
  head_.path = "/a%2Fb";
  Add("content-type", "application/grpc+proto");
  const PreparedRequest prepared = Prepare();
  EXPECT_EQ(prepared.verdict, Verdict::kReject);
  EXPECT_EQ(prepared.status, 400u);
  EXPECT_EQ(prepared.details, kPathNormalizationFailed);
}

TEST_F(RequestPreparationTest, ViaIsAppended) {
  config_.via = "1.1 gate";
  Add("via", "1.0 first");
  Prepare();
  EXPECT_EQ(Field("via"), "1.0 first, 1.1 gate");
}

TEST_F(RequestPreparationTest, UserAgentAndOriginOfCallsFromHere) {
  config_.add_user_agent = true;
  Prepare();
  EXPECT_EQ(Field("user-agent"), "cluster-1");
  EXPECT_EQ(Field("x-envoy-downstream-service-cluster"), "cluster-1");
  EXPECT_EQ(Field("x-envoy-downstream-service-node"), "node-1");
}

TEST(XffAddressFromEndTest, CountsFromTheEnd) {
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1, 2.2.2.2,3.3.3.3", 0), "3.3.3.3");
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1, 2.2.2.2,3.3.3.3", 1), "2.2.2.2");
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1, 2.2.2.2,3.3.3.3", 2), "1.1.1.1");
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1, 2.2.2.2,3.3.3.3", 3), "");
  EXPECT_EQ(XffAddressFromEnd("", 0), "");
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1,", 0), "");
  EXPECT_EQ(XffAddressFromEnd("a, ::1", 0), "::1");
  EXPECT_EQ(XffAddressFromEnd("a, ::1", 1), "");
  EXPECT_EQ(XffAddressFromEnd(",,,,", 4), "");
  EXPECT_EQ(XffAddressFromEnd("1.1.1.1", 4'000'000'000), "");
}

TEST(RemoveInternalOnlyHeadersTest, KnownAndOtherNames) {
  ArenaBlockPool blocks;
  Arena arena(blocks);
  http::HeaderMap headers(arena);
  headers.Add("X-Tenant", "1");
  headers.Add("x-request-id", "2");
  headers.Add("x-stays", "3");
  RemoveInternalOnlyHeaders({route::HeaderName("x-tenant"), route::HeaderName("x-request-id")}, headers);
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_NE(headers.Find("x-stays"), nullptr);
}

TEST_F(RequestPreparationTest, TheClientsCertificateInEveryMode) {
  using Forward = ConnectionManagerConfig::ForwardClientCert;
  const struct {
    Forward mode;
    bool presented;
    const char* expected;
  } kCases[] = {
      {Forward::kSanitize, true, "(none)"},          {Forward::kSanitize, false, "(none)"},
      {Forward::kForwardOnly, true, "Hash=before"},  {Forward::kForwardOnly, false, "(none)"},
      {Forward::kSanitizeSet, true, "Hash=aa11"},    {Forward::kSanitizeSet, false, "(none)"},
      {Forward::kAppendForward, true, "Hash=before,Hash=aa11"}, {Forward::kAppendForward, false, "(none)"},
      {Forward::kAlwaysForwardOnly, true, "Hash=before"}, {Forward::kAlwaysForwardOnly, false, "Hash=before"},
  };
  net::FakeSecurityInfo security;
  for (const auto& each : kCases) {
    security.presented = each.presented;
    connection_.security = &security;
    config_.forward_client_cert = each.mode;
    head_.headers.Clear();
    Add("x-forwarded-client-cert", "Hash=before");
    Prepare();
    EXPECT_EQ(Field("x-forwarded-client-cert"), each.expected) << static_cast<int>(each.mode) << each.presented;
  }
  // Plaintext, and none to append to.
  connection_.security = nullptr;
  config_.forward_client_cert = Forward::kAppendForward;
  Prepare();
  EXPECT_EQ(Field("x-forwarded-client-cert"), "(none)");
  security.presented = true;
  connection_.security = &security;
  Prepare();
  EXPECT_EQ(Field("x-forwarded-client-cert"), "Hash=aa11");
}

}  // namespace
}  // namespace nuncio::proxy
