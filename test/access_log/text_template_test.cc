#include "source/access_log/text_template.h"

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "test/access_log/sample_stream.h"
#include "test/net/fake_security_info.h"

namespace nuncio::access_log {
namespace {

std::string Format(std::string_view format, const StreamInfo& info, bool omit_empty = false) {
  config::Faults faults;
  const auto parsed = TextTemplate::Parse(format, faults);
  EXPECT_TRUE(parsed.has_value()) << faults.ToString();
  if (!parsed.has_value()) return "";
  std::string scratch, out;
  parsed->Append(info, omit_empty, scratch, out);
  return out;
}

std::string Json(std::string_view format, const StreamInfo& info) {
  config::Faults faults;
  const auto parsed = TextTemplate::Parse(format, faults);
  EXPECT_TRUE(parsed.has_value()) << faults.ToString();
  if (!parsed.has_value()) return "";
  std::string scratch, out;
  parsed->AppendJson(info, false, scratch, out);
  return out;
}

std::string Fault(std::string_view format) {
  config::Faults faults;
  EXPECT_FALSE(TextTemplate::Parse(format, faults).has_value()) << format;
  return faults.ToString();
}

class TextTemplateTest : public testing::Test {
 protected:
  // The value of a format in a stream of which everything is known, and in one of which nothing is.
  void Expect(std::string_view format, std::string_view full, std::string_view empty) {
    EXPECT_EQ(Format(format, stream_.info), full) << format;
    EXPECT_EQ(Format(format, nothing_), empty) << format;
  }

  SampleStream stream_;
  StreamInfo nothing_;
};

TEST_F(TextTemplateTest, Tls) {
  net::FakeSecurityInfo security;
  stream_.connection.security = &security;
  Expect("%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_TLS_SESSION_ID%",
         "TLSv1.3 TLS_AES_128_GCM_SHA256 5e55", "- - -");
  Expect("%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER% %DOWNSTREAM_PEER_SERIAL%",
         "CN=client,O=Test \\\"One\\\" CN=Root 1f", "- - -");
  Expect("%DOWNSTREAM_PEER_FINGERPRINT_256% %DOWNSTREAM_PEER_FINGERPRINT_1% %DOWNSTREAM_PEER_CERT%",
         "aa11 bb22 leaf%0A", "- - -");
  Expect("%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_DNS_SAN% %DOWNSTREAM_PEER_IP_SAN% %DOWNSTREAM_PEER_EMAIL_SAN%",
         "spiffe://test/client client.test,www.client.test 10.1.1.1 me@client.test", "- - - -");
  Expect("%DOWNSTREAM_LOCAL_SUBJECT% %DOWNSTREAM_LOCAL_URI_SAN% %DOWNSTREAM_LOCAL_DNS_SAN%",
         "CN=server spiffe://test/server,spiffe://test/other server.test", "- - -");
  Expect("%DOWNSTREAM_LOCAL_IP_SAN% %DOWNSTREAM_LOCAL_EMAIL_SAN%", "10.2.2.2 me@server.test", "- -");
  Expect("%DOWNSTREAM_PEER_CERT_V_START% %DOWNSTREAM_PEER_CERT_V_END(%Y/%m/%d)%", "2026-01-02T03:04:05.000Z 2027/01/02",
         "- -");
  // Nothing of a client without a certificate.
  security.presented = false;
  EXPECT_EQ(Format("%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_CERT% %DOWNSTREAM_PEER_CERT_V_END%", stream_.info),
            "- - -");
}

TEST_F(TextTemplateTest, TlsOfTheUpstream) {
  const auto security = std::make_shared<net::FakeSecurityInfo>();
  stream_.info.upstream_security = net::MakeSecurityRef(security);
  Expect("%UPSTREAM_TLS_VERSION% %UPSTREAM_TLS_CIPHER% %UPSTREAM_TLS_SESSION_ID%",
         "TLSv1.3 TLS_AES_128_GCM_SHA256 5e55", "- - -");
  Expect("%UPSTREAM_PEER_SUBJECT% %UPSTREAM_PEER_ISSUER% %UPSTREAM_PEER_CERT%",
         "CN=client,O=Test \\\"One\\\" CN=Root leaf%0A", "- - -");
  Expect("%UPSTREAM_PEER_URI_SAN% %UPSTREAM_PEER_DNS_SAN% %UPSTREAM_PEER_IP_SAN%",
         "spiffe://test/client client.test,www.client.test 10.1.1.1", "- - -");
  Expect("%UPSTREAM_LOCAL_URI_SAN% %UPSTREAM_LOCAL_DNS_SAN% %UPSTREAM_LOCAL_IP_SAN%",
         "spiffe://test/server,spiffe://test/other server.test 10.2.2.2", "- - -");
}

TEST_F(TextTemplateTest, TheServerNameIsTheListenerFiltersOrTheHandshakes) {
  net::FakeSecurityInfo security;
  stream_.connection.security = &security;
  Expect("%REQUESTED_SERVER_NAME%", "server.test", "-");
  stream_.connection.requested_server_name = "seen.test";
  Expect("%REQUESTED_SERVER_NAME%", "seen.test", "-");
  stream_.connection.requested_server_name = "a b\r\nx: y";
  Expect("%REQUESTED_SERVER_NAME%", "a_b__x__y", "-");
}

TEST_F(TextTemplateTest, WhyTheClientsTransportFailed) {
  stream_.connection.transport_failure = "TLS_error: wrong version number";
  Expect("%DOWNSTREAM_TRANSPORT_FAILURE_REASON%", "TLS_error:_wrong_version_number", "-");
}

TEST_F(TextTemplateTest, RequestsAndAnswers) {
  Expect("%REQ(:METHOD)% %REQ(:path)% %REQ(:AUTHORITY)% %REQ(:SCHEME)%", "GET /new?x=1 example.com http", "- - - -");
  Expect("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "/old?x=1", "-");
  Expect("%REQ(MISSING?USER-AGENT)%", "curl/8.0 \"quoted\"", "-");
  Expect("%REQ(user-agent):4%", "curl", "-");
  Expect("%REQ(X-MANY)%", "one", "-");
  Expect("%REQ(MISSING)%", "-", "-");
  Expect("%RESP(CONTENT-TYPE)% %RESP(:STATUS)%", "text/plain 200", "- -");
  Expect("%RESP(MISSING?X-Envoy-Upstream-Service-Time)%", "7", "-");
  Expect("%TRAILER(GRPC-STATUS)%", "5", "-");
  Expect("%PROTOCOL%", "HTTP/1.1", "-");
  Expect("%RESPONSE_CODE%", "200", "0");
  Expect("%RESPONSE_CODE_DETAILS%", "via_upstream", "-");
  Expect("%BYTES_RECEIVED% %BYTES_SENT%", "12 3456", "0 0");
  Expect("%RESPONSE_HEADERS_BYTES%", "62", "0");
}

TEST_F(TextTemplateTest, LinesOfAnyLength) {
  const std::string path = "/" + std::string(100'000, 'p');
  stream_.request.path = path;
  for (size_t length : {0, 1, 1000, 1017, 1018, 1019, 1020, 1021, 1022, 1023, 1024, 1025, 2048, 5000}) {
    const std::string fill(length, 'x');
    EXPECT_EQ(Format(fill + "%RESPONSE_CODE%%REQ(:METHOD)%" + fill + "%BYTES_SENT%", stream_.info),
              fill + "200GET" + fill + "3456");
    EXPECT_EQ(Format(fill + "%REQ(:PATH)%%RESPONSE_CODE%", stream_.info), fill + path + "200");
  }
}

TEST_F(TextTemplateTest, OriginalPathIsThePathWhereNothingWasRewritten) {
  stream_.info.original_path = stream_.request.path;
  EXPECT_EQ(Format("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", stream_.info), "/new?x=1");
  EXPECT_EQ(Format("%REQ(X-ENVOY-ORIGINAL-PATH)%", stream_.info), "-");
}

TEST_F(TextTemplateTest, Times) {
  Expect("%START_TIME%", "2026-01-02T03:04:05.678Z", "1970-01-01T00:00:00.000Z");
  Expect("%START_TIME(%Y/%m/%d (%H:%M) %3f)%", "2026/01/02 (03:04) 678", "1970/01/01 (00:00) 000");
  EXPECT_EQ(Format("%EMIT_TIME(%s.%3f)%", stream_.info), "1767323045.698");
  Expect("%DURATION%", "20", "-");
  Expect("%REQUEST_DURATION%", "1", "-");
  Expect("%REQUEST_TX_DURATION%", "3", "-");
  Expect("%RESPONSE_DURATION%", "10", "-");
  Expect("%RESPONSE_TX_DURATION%", "10", "-");
  Expect("%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%", "8000", "-");
  Expect("%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ns)%", "1500000", "-");
  Expect("%COMMON_DURATION(US_RX_END:DS_TX_END:ms)%", "1", "-");
}

TEST_F(TextTemplateTest, Addresses) {
  Expect("%DOWNSTREAM_REMOTE_ADDRESS%", "10.0.0.1:4711", "-");
  Expect("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%", "10.0.0.1 4711", "- -");
  Expect("%DOWNSTREAM_LOCAL_ADDRESS%", "127.0.0.1:8080", "-");
  Expect("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%", "127.0.0.1 8080", "- -");
  Expect("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%", "10.0.0.2:80 10.0.0.2:80", "- -");
  Expect("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%", "10.0.0.2 80", "- -");
  Expect("%UPSTREAM_LOCAL_ADDRESS%", "10.0.0.9:55555", "-");
  Expect("%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_LOCAL_PORT%", "10.0.0.9 55555", "- -");
  stream_.info.upstream_local = *net::Address::FromIp("2001:db8::1", 9);
  stream_.info.upstream_host_text = "[::1]:90";
  EXPECT_EQ(Format("%UPSTREAM_LOCAL_ADDRESS%", stream_.info), "[2001:db8::1]:9");
  EXPECT_EQ(Format("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%", stream_.info), "::1 90");
  stream_.info.upstream_host_text = "/run/backend.sock";
  EXPECT_EQ(Format("%UPSTREAM_HOST% %UPSTREAM_REMOTE_PORT%", stream_.info), "/run/backend.sock -");
}

TEST_F(TextTemplateTest, TheClientIsWhomForwardedForTells) {
  stream_.info.remote_ip = "192.0.2.7";
  EXPECT_EQ(Format("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", stream_.info),
            "192.0.2.7:0 10.0.0.1:4711");
  EXPECT_EQ(
      Format("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", stream_.info),
      "192.0.2.7 10.0.0.1");
  stream_.info.remote_ip = "2001:db8::7";
  EXPECT_EQ(Format("%DOWNSTREAM_REMOTE_ADDRESS%", stream_.info), "[2001:db8::7]:0");
}

TEST_F(TextTemplateTest, PlacesAndNames) {
  Expect("%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%", "backend backend", "- -");
  Expect("%ROUTE_NAME% %VIRTUAL_HOST_NAME%", "home all", "- -");
  Expect("%FILTER_CHAIN_NAME%", "main-chain", "-");
  Expect("%CONNECTION_ID% %UPSTREAM_CONNECTION_ID%", "42 7", "- 0");
  Expect("%STREAM_ID%", "abc-123", "-");
  Expect("%UPSTREAM_REQUEST_ATTEMPT_COUNT%", "1", "0");
  Expect("%REQUESTED_SERVER_NAME%", "-", "-");
  stream_.request.headers.Remove("x-request-id");
  EXPECT_EQ(Format("%STREAM_ID%", stream_.info), "99");
  setenv("NUNCIO_TEST_REGION", "eu-west", 1);
  unsetenv("NUNCIO_TEST_NOTHING");
  EXPECT_EQ(
      Format("%ENVIRONMENT(NUNCIO_TEST_REGION)% %ENVIRONMENT(NUNCIO_TEST_REGION):2% %ENVIRONMENT(NUNCIO_TEST_NOTHING)%",
             nothing_),
      "eu-west eu -");
  EXPECT_NE(Format("%HOSTNAME%", nothing_), "-");
}

TEST_F(TextTemplateTest, FlagsAndReasons) {
  Expect("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", "- -", "- -");
  stream_.info.flags.Set(ResponseFlag::kUpstreamRetryLimitExceeded);
  stream_.info.flags.Set(ResponseFlag::kUpstreamConnectionFailure);
  EXPECT_EQ(Format("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", stream_.info),
            "UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded");
  stream_.info.upstream_failure_reason = "connection refused";
  stream_.info.response_code_details = "reset { by peer }";
  EXPECT_EQ(Format("%UPSTREAM_TRANSPORT_FAILURE_REASON% %RESPONSE_CODE_DETAILS%", stream_.info),
            "connection_refused reset_{_by_peer_}");
  EXPECT_EQ(Format("%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", stream_.info), "reset { by peer }");
  stream_.info.connection_termination_details = "idle_timeout";
  EXPECT_EQ(Format("%CONNECTION_TERMINATION_DETAILS%", stream_.info), "idle_timeout");
}

TEST_F(TextTemplateTest, GrpcStatusIsForGrpcOnly) {
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "-");
  stream_.request.headers.Add("content-type", "application/grpc+proto");
  EXPECT_EQ(
      Format("%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%", stream_.info),
      "NotFound NOT_FOUND 5 5");
  stream_.trailers.SetReference(http::HeaderId::kGrpcStatus, "77");
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "77");
  stream_.trailers.SetReference(http::HeaderId::kGrpcStatus, "x");
  EXPECT_EQ(Format("%GRPC_STATUS% %GRPC_STATUS_NUMBER%", stream_.info), "InvalidCode -1");
}

TEST_F(TextTemplateTest, GrpcStatusWithoutTrailers) {
  stream_.request.headers.Add("content-type", "application/grpc; x=y");
  stream_.info.response_trailers = nullptr;
  // What was cut off has the status that gRPC makes of HTTP's.
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "Unknown");
  stream_.info.response_code = 503;
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "Unavailable");
  stream_.response.headers.Add("grpc-status", "7");
  EXPECT_EQ(Format("%GRPC_STATUS(SNAKE_STRING)%", stream_.info), "PERMISSION_DENIED");
  stream_.info.moved_grpc_status = "0";
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "OK");
  stream_.info.moved_grpc_status = {};
  stream_.info.response = nullptr;
  stream_.info.response_code = 0;
  EXPECT_EQ(Format("%GRPC_STATUS%", stream_.info), "-");
}

TEST_F(TextTemplateTest, MetadataOfRouteClusterListenerAndChain) {
  matcher::Metadata metadata;
  matcher::MetadataValue::Fields inner;
  inner["name"].value = std::string("blue");
  inner["weight"].value = 2.0;
  metadata.namespaces["team"].value = inner;
  stream_.info.route_metadata = &metadata;
  Expect("%METADATA(ROUTE:team:name)% %METADATA(ROUTE:team:weight)% %METADATA(ROUTE:team:none)%", "blue 2 -", "- - -");
  Expect("%METADATA(CLUSTER:team:name)%", "-", "-");
  EXPECT_EQ(Json("%METADATA(ROUTE:team)%", stream_.info), R"({"name":"blue","weight":2})");
  stream_.info.upstream_cluster_metadata = &metadata;
  EXPECT_EQ(Format("%CLUSTER_METADATA(team:name)%", stream_.info), "blue");
  EXPECT_EQ(Format("%METADATA(LISTENER:team:name)%", stream_.info), "-");
  stream_.connection.listener_metadata = &metadata;
  EXPECT_EQ(Format("%METADATA(LISTENER:team:name)%", stream_.info), "blue");
  EXPECT_EQ(Format("%METADATA(LISTENER_FILTER_CHAIN:team:name)%", stream_.info), "-");
  stream_.connection.filter_chain_metadata = &metadata;
  EXPECT_EQ(Format("%METADATA(LISTENER_FILTER_CHAIN:team:name)%", stream_.info), "blue");
}

TEST_F(TextTemplateTest, OmitEmptyWritesNothingForAbsentValues) {
  EXPECT_EQ(Format("<%REQ(MISSING)%|%RESPONSE_CODE%>", stream_.info, true), "<|200>");
}

TEST_F(TextTemplateTest, JsonKeepsTheTypeOfOneOperatorAlone) {
  EXPECT_EQ(Json("%RESPONSE_CODE%", stream_.info), "200");
  EXPECT_EQ(Json("%REQ(USER-AGENT)%", stream_.info), R"("curl/8.0 \"quoted\"")");
  EXPECT_EQ(Json("%REQ(MISSING)%", stream_.info), "null");
  EXPECT_EQ(Json("code=%RESPONSE_CODE% %REQ(MISSING)% \"%REQ(:METHOD)%\"", stream_.info), R"("code=200 - \"GET\"")");
  EXPECT_EQ(Json("plain", stream_.info), "\"plain\"");
  EXPECT_EQ(Json("", stream_.info), "\"\"");
}

TEST_F(TextTemplateTest, JsonEscapesWhatPeersSend) {
  stream_.request.headers.Add("x-evil", "a\tb\x01\xff\xe2\x82\xac\\");
  EXPECT_EQ(Json("%REQ(X-EVIL)%", stream_.info), "\"a\\tb\\u0001\xef\xbf\xbd\xe2\x82\xac\\\\\"");
}

TEST_F(TextTemplateTest, PercentSignsAreDoubled) {
  EXPECT_EQ(Format("100%% of %PROTOCOL%%%", stream_.info), "100% of HTTP/1.1%");
}

TEST_F(TextTemplateTest, FaultsNameTheOperator) {
  EXPECT_NE(Fault("%NONSENSE%").find("there is no operator %NONSENSE%"), std::string::npos);
  EXPECT_NE(Fault("abc %DYNAMIC_METADATA(a:b)%").find("(at byte 5 of the format)"), std::string::npos);
  EXPECT_NE(Fault("%REQ%").find("%REQ% needs a parameter"), std::string::npos);
  EXPECT_NE(Fault("%REQ()%").find("header's name"), std::string::npos);
  EXPECT_NE(Fault("%REQ(a?b?c)%").find("one alternative"), std::string::npos);
  EXPECT_NE(Fault("%REQ(a%").find("not closed"), std::string::npos);
  EXPECT_NE(Fault("%PROTOCOL(x)%").find("takes no parameter"), std::string::npos);
  EXPECT_NE(Fault("%PROTOCOL:3%").find("takes no length"), std::string::npos);
  EXPECT_NE(Fault("%REQ(a):99999999999%").find("length"), std::string::npos);
  EXPECT_NE(Fault("%PROTOCOL").find("not closed"), std::string::npos);
  EXPECT_NE(Fault("100% sure").find("doubled"), std::string::npos);
  EXPECT_NE(Fault("%").find("doubled"), std::string::npos);
  EXPECT_NE(Fault("%START_TIME(%Q)%").find("unknown conversion %Q"), std::string::npos);
  EXPECT_NE(Fault("%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%").find("unknown moment US_CX_BEG"), std::string::npos);
  EXPECT_NE(Fault("%COMMON_DURATION(DS_RX_BEG:DS_RX_END)%").find("FROM:TO:UNIT"), std::string::npos);
  EXPECT_NE(Fault("%METADATA(HOST:a:b)%").find("ROUTE, CLUSTER, LISTENER and"), std::string::npos);
  EXPECT_NE(Fault("%METADATA(ROUTE::b)%").find("empty parts"), std::string::npos);
  EXPECT_NE(Fault("%GRPC_STATUS(LOUD)%").find("LOUD"), std::string::npos);
}

}  // namespace
}  // namespace nuncio::access_log
