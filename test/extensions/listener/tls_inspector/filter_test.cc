#include "source/extensions/listener/tls_inspector/filter.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::extensions {
namespace {

using filter::ListenerFilterVerdict;

std::string Number(size_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}
std::string Vector(int length_bytes, const std::string& body) { return Number(body.size(), length_bytes) + body; }
std::string Extension(size_t type, const std::string& body) { return Number(type, 2) + Vector(2, body); }

std::string Hello(const std::string& extensions) {
  const std::string body = "\x03\x03" + std::string(32, 'r') + Vector(1, "") + Vector(2, "\x13\x01") +
                           Vector(1, std::string(1, '\0')) + Vector(2, extensions);
  return "\x16\x03\x01" + Vector(2, "\x01" + Vector(3, body));
}
std::string Named() {
  return Hello(Extension(0, Vector(2, std::string(1, '\0') + Vector(2, "A.test"))) +
               Extension(16, Vector(2, Vector(1, "h2") + Vector(1, "x"))));
}

class TlsInspectorTest : public testing::Test {
 protected:
  ListenerFilterVerdict Inspect(std::string_view bytes) {
    TlsInspector filter(std::make_shared<TlsInspectorConfig>(config_), stats_store_, telemetry::WorkerSlot(0));
    EXPECT_LE(bytes.size(), filter.max_bytes());
    EXPECT_LE(filter.max_bytes(), filter::ListenerFilter::kMaxBytes);
    const auto outcome = filter.Inspect(bytes, connection_);
    EXPECT_EQ(outcome.consumed, 0u);
    return outcome.verdict;
  }
  const filter::ConnectionFacts& facts() const { return connection_.facts; }

  telemetry::StatsStore stats_store_;
  const telemetry::ScopePtr scope_ = stats_store_.GetScope(telemetry::ScopeName());
  TlsInspectorStats& stats_ = scope_->Get<TlsInspectorStats>(telemetry::WorkerSlot(0));
  TlsInspectorConfig config_;
  filter::AcceptedConnection connection_;
};

TEST_F(TlsInspectorTest, NameAndProtocolsOfAClientHello) {
  EXPECT_EQ(Inspect(Named()), ListenerFilterVerdict::kContinue);
  EXPECT_EQ(facts().transport_protocol, "tls");
  EXPECT_EQ(facts().server_name, "a.test");
  EXPECT_EQ(facts().application_protocols, (std::vector<std::string>{"h2", "x"}));
  EXPECT_EQ(facts().ja3, "");
  EXPECT_EQ(facts().ja4, "");
  EXPECT_EQ(stats_.tls_found.value(), 1u);
  EXPECT_EQ(stats_.sni_found.value(), 1u);
  EXPECT_EQ(stats_.alpn_found.value(), 1u);
}

TEST_F(TlsInspectorTest, AClientHelloWithoutEither) {
  EXPECT_EQ(Inspect(Hello("")), ListenerFilterVerdict::kContinue);
  EXPECT_EQ(facts().transport_protocol, "tls");
  EXPECT_EQ(facts().server_name, "");
  EXPECT_EQ(stats_.sni_not_found.value(), 1u);
  EXPECT_EQ(stats_.alpn_not_found.value(), 1u);
}

TEST_F(TlsInspectorTest, EveryBeginningIsWaitedOn) {
  const std::string hello = Named();
  for (size_t size = 0; size < hello.size(); ++size) {
    EXPECT_EQ(Inspect(hello.substr(0, size)), ListenerFilterVerdict::kNeedMore) << size;
  }
  EXPECT_EQ(stats_.tls_found.value() + stats_.tls_not_found.value(), 0u);
  EXPECT_EQ(facts().transport_protocol, "");
}

TEST_F(TlsInspectorTest, PlaintextIsNotTls) {
  EXPECT_EQ(Inspect("G"), ListenerFilterVerdict::kContinue);
  EXPECT_EQ(facts().transport_protocol, "");
  EXPECT_EQ(stats_.tls_not_found.value(), 1u);
}

TEST_F(TlsInspectorTest, AMalformedHelloGoesOnAsPlaintextUnlessItIsToClose) {
  std::string hello = Named();
  hello[43] = '\x21';  // The session id's length, beyond what is allowed.
  EXPECT_EQ(Inspect(hello), ListenerFilterVerdict::kContinue);
  EXPECT_EQ(facts().transport_protocol, "");
  config_.close_on_malformed = true;
  EXPECT_EQ(Inspect(hello), ListenerFilterVerdict::kReject);
  EXPECT_EQ(stats_.tls_not_found.value(), 2u);
}

TEST_F(TlsInspectorTest, ALargeHelloIsClosedAsSoonAsItSaysSo) {
  config_.max_client_hello = 256;
  const std::string hello = Hello(Extension(21, std::string(300, '\0')));
  EXPECT_EQ(Inspect(hello.substr(0, 9)), ListenerFilterVerdict::kReject);
  EXPECT_EQ(stats_.client_hello_too_large.value(), 1u);
}

TEST_F(TlsInspectorTest, FingerprintsWhereAskedFor) {
  config_.ja3 = config_.ja4 = true;
  EXPECT_EQ(Inspect(Named()), ListenerFilterVerdict::kContinue);
  EXPECT_EQ(facts().ja3.size(), 32u);
  EXPECT_EQ(facts().ja4.substr(0, 4), "t12d");
}

}  // namespace
}  // namespace nuncio::extensions
