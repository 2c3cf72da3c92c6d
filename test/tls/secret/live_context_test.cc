#include "source/tls/secret/live_context.h"

#include "test/tls/secret/secret_fixture.h"

namespace nuncio::tls {
namespace {

class LiveContextTest : public SecretFixture {
 protected:
  // Two secrets by discovery: "own" and "roots".
  std::shared_ptr<LiveServerContext> AcquireNamed() {
    auto message = DownstreamNamed("own");
    Name(*message.mutable_common_tls_context()->mutable_validation_context_sds_secret_config(), "roots");
    return Acquire(message);
  }
  // Main's and the worker's.
  static bool Published(const LiveServerContext& context) {
    for (const auto& cell : context.cells()) {
      if (cell->context != context.current()) return false;
    }
    return true;
  }
  static constexpr std::string_view kFactory = "listener.l.server_ssl_socket_factory.";
  int64_t FactoryStat(std::string_view name) { return Stat(StrCat(kFactory, name)); }
};

TEST_F(LiveContextTest, OneOfInlinedSecretsIsThereAtOnce) {
  const auto context = Acquire(Downstream(first_));
  EXPECT_TRUE(context->ready());
  EXPECT_NE(nullptr, context->current());
  EXPECT_TRUE(Published(*context));
  EXPECT_TRUE(jobs_.empty());
  EXPECT_EQ(0, FactoryStat("ssl_context_update_by_sds"));
}

TEST_F(LiveContextTest, WaitsForAllItsSecrets) {
  const auto context = AcquireNamed();
  int ready = 0;
  const auto guard = std::make_shared<int>();
  context->WhenReady(guard, [&] { ++ready; });
  subscriptions_.Send("own", CertificateNamed("own", first_));
  RunJobs();
  EXPECT_FALSE(context->ready());
  subscriptions_.Send("roots", RootsNamed("roots", authority_));
  EXPECT_FALSE(context->ready());
  RunJobs();
  EXPECT_TRUE(context->ready());
  EXPECT_EQ(1, ready);
  Turn();
  ASSERT_NE(nullptr, context->current());
  EXPECT_TRUE(Published(*context));
  EXPECT_EQ(1, FactoryStat("ssl_context_update_by_sds"));
  context->WhenReady(guard, [&] { ++ready; });
  EXPECT_EQ(2, ready);
}

TEST_F(LiveContextTest, WhoeverIsGoneIsNotTold) {
  const auto context = AcquireNamed();
  auto guard = std::make_shared<int>();
  context->WhenReady(guard, [] { ADD_FAILURE(); });
  guard.reset();
  subscriptions_.FailFirst("own");
  subscriptions_.FailFirst("roots");
  EXPECT_TRUE(context->ready());
}

TEST_F(LiveContextTest, WithoutASecretItIsReadyAndNotThere) {
  const auto context = AcquireNamed();
  subscriptions_.Send("own", CertificateNamed("own", first_));
  subscriptions_.FailFirst("roots");
  RunJobs();
  EXPECT_TRUE(context->ready());
  EXPECT_EQ(nullptr, context->current());
  EXPECT_EQ(nullptr, context->cells()[1]->context);
  subscriptions_.Send("roots", RootsNamed("roots", authority_));
  RunJobs();
  Turn();
  EXPECT_NE(nullptr, context->cells()[1]->context);
}

TEST_F(LiveContextTest, AChangedFileMakesANewOne) {
  PutPair(first_);
  const auto context = Acquire(DownstreamWithFiles());
  const auto before = context->current();
  PutPair(second_);
  Settle();
  EXPECT_NE(before, context->current());
  EXPECT_TRUE(Published(*context));
  EXPECT_EQ("CN=second,O=Nuncio", Subject(*context));
  EXPECT_EQ(1, FactoryStat("ssl_context_update_by_sds"));
}

TEST_F(LiveContextTest, ABadFileLeavesTheOneBefore) {
  PutPair(first_);
  const auto context = Acquire(DownstreamWithFiles());
  const auto before = context->current();
  Put("tls.key", second_.KeyPem());
  Settle();
  EXPECT_EQ(before, context->current());
  EXPECT_EQ(1, FactoryStat("key_rotation_failed"));
  EXPECT_EQ(0, FactoryStat("ssl_context_update_by_sds"));
}

// Each secret is good by itself.
TEST_F(LiveContextTest, SecretsThatMakeNoContextLeaveTheOneBefore) {
  auto message = DownstreamNamed("own");
  message.set_ocsp_staple_policy(v3::DownstreamTlsContext::MUST_STAPLE);
  const auto context = Acquire(message);
  v3::Secret stapled;
  stapled.set_name("own");
  Fill(first_, *stapled.mutable_tls_certificate());
  stapled.mutable_tls_certificate()->mutable_ocsp_staple()->set_inline_bytes(MakeOcspResponse(first_, kEpoch, 86400));
  subscriptions_.Send("own", Compile(stapled));
  RunJobs();
  const auto before = context->current();
  ASSERT_NE(nullptr, before);
  subscriptions_.Send("own", CertificateNamed("own", second_));
  RunJobs();
  EXPECT_EQ(before, context->current());
  EXPECT_EQ("CN=first,O=Nuncio", Subject(*context));
  EXPECT_EQ(1, FactoryStat("ssl_context_update_failed"));
  EXPECT_EQ(86400, registry_.SecondsUntilFirstOcspExpiry());
}

TEST_F(LiveContextTest, ASecretThatComesWhileOneIsMadeIsInTheNext) {
  const auto context = Acquire(DownstreamNamed("own"));
  subscriptions_.Send("own", CertificateNamed("own", first_));
  ASSERT_EQ(1u, jobs_.size());
  subscriptions_.Send("own", CertificateNamed("own", second_), "2");
  EXPECT_EQ(1u, jobs_.size());
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  job()();
  EXPECT_EQ("CN=first,O=Nuncio", Subject(*context));
  RunJobs();
  EXPECT_EQ("CN=second,O=Nuncio", Subject(*context));
  EXPECT_EQ(2, FactoryStat("ssl_context_update_by_sds"));
}

TEST_F(LiveContextTest, ItMayGoWhileOneIsMade) {
  auto context = Acquire(DownstreamNamed("own"));
  const auto cell = context->cells()[0];
  subscriptions_.Send("own", CertificateNamed("own", first_));
  context.reset();
  RunJobs();
  EXPECT_EQ(nullptr, cell->context);
}

TEST_F(LiveContextTest, AWorkerGetsItByAClosureAndGivesTheOneBeforeBack) {
  const auto context = Acquire(DownstreamNamed("own"));
  subscriptions_.Send("own", CertificateNamed("own", first_));
  RunJobs();
  EXPECT_NE(nullptr, context->cells()[0]->context);
  EXPECT_EQ(nullptr, context->cells()[1]->context);
  worker_.RunOnce();
  const std::weak_ptr<const ServerContext> before = context->cells()[1]->context;
  EXPECT_FALSE(before.expired());
  subscriptions_.Send("own", CertificateNamed("own", second_), "2");
  RunJobs();
  worker_.RunOnce();
  EXPECT_FALSE(before.expired());
  loop_.RunOnce();
  EXPECT_TRUE(before.expired());
}

TEST_F(LiveContextTest, GaugesOfExpiry) {
  auto message = Downstream(first_);
  auto& common = *message.mutable_common_tls_context();
  common.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(authority_.Pem());
  const auto context = Acquire(message);
  EXPECT_EQ(kEpoch + (3650 + 100) * 86400,
            Stat("listener.l.ssl.certificate.tls_certificates[0].expiration_unix_time_seconds"));
  EXPECT_EQ(kEpoch + 3650 * 86400, Stat("listener.l.ssl.certificate.validation_context.expiration_unix_time_seconds"));
  const auto named = AcquireNamed();
  EXPECT_EQ(-1, Stat("listener.l.ssl.certificate.own.expiration_unix_time_seconds"));
  subscriptions_.Send("own", CertificateNamed("own", second_));
  subscriptions_.Send("roots", RootsNamed("roots", authority_));
  RunJobs();
  EXPECT_EQ(kEpoch + (3650 + 200) * 86400, Stat("listener.l.ssl.certificate.own.expiration_unix_time_seconds"));
  EXPECT_EQ(kEpoch + 3650 * 86400, Stat("listener.l.ssl.certificate.roots.expiration_unix_time_seconds"));
}

TEST_F(LiveContextTest, FilesOfADefaultValidationContextAreWatched) {
  Put("ca.pem", authority_.Pem());
  v3::UpstreamTlsContext message;
  auto& combined = *message.mutable_common_tls_context()->mutable_combined_validation_context();
  combined.mutable_default_validation_context()->mutable_trusted_ca()->set_filename(Path("ca.pem"));
  Name(*combined.mutable_validation_context_sds_secret_config(), "rest");
  config::Faults faults;
  const auto context = registry_.AcquireClient(Compile(message), "c", "c", faults);
  v3::Secret rest;
  rest.set_name("rest");
  rest.mutable_validation_context()->add_verify_certificate_hash(std::string(64, 'a'));
  subscriptions_.Send("rest", Compile(rest));
  RunJobs();
  const auto before = context->current();
  ASSERT_NE(nullptr, before);
  EXPECT_EQ(kEpoch + 3650 * 86400,
            Stat("cluster.c.ssl.certificate.default_validation_context.expiration_unix_time_seconds"));
  Put("ca.pem", Issue({.name = "other", .ca = true, .not_after = 86400}, nullptr, kEpoch).Pem());
  Settle();
  EXPECT_NE(before, context->current());
  EXPECT_EQ(kEpoch + 86400, Stat("cluster.c.ssl.certificate.default_validation_context.expiration_unix_time_seconds"));
  EXPECT_EQ(2, Stat("cluster.c.client_ssl_socket_factory.ssl_context_update_by_sds"));
}

TEST_F(LiveContextTest, TicketKeysByDiscovery) {
  auto message = Downstream(first_);
  Name(*message.mutable_session_ticket_keys_sds_secret_config(), "tickets");
  const auto context = Acquire(message);
  EXPECT_FALSE(context->ready());
  v3::Secret keys;
  keys.set_name("tickets");
  keys.mutable_session_ticket_keys()->add_keys()->set_inline_bytes(std::string(80, 'k'));
  subscriptions_.Send("tickets", Compile(keys));
  RunJobs();
  EXPECT_TRUE(context->ready());
  EXPECT_NE(nullptr, context->current());
}

// Contexts in force are shared.

TEST_F(LiveContextTest, EqualContextsOfOneOwnerAreOne) {
  const auto one = Acquire(DownstreamNamed("own"));
  EXPECT_EQ(one, Acquire(DownstreamNamed("own")));
  const auto another = Acquire(DownstreamNamed("own"), "another");
  const auto other = Acquire(DownstreamNamed("other"));
  EXPECT_NE(one, another);
  EXPECT_NE(one, other);
  EXPECT_EQ(3u, registry_.All().size());
}

TEST_F(LiveContextTest, TheLastToUseItEndsIt) {
  auto one = Acquire(DownstreamNamed("own"));
  one.reset();
  EXPECT_TRUE(registry_.All().empty());
  EXPECT_EQ(0u, subscriptions_.watchers());
}

TEST_F(LiveContextTest, SecretsOfTheBootstrapMustBeThereAndOfTheirKind) {
  EXPECT_EQ(
      "common_tls_context.tls_certificate_sds_secret_configs[0].name: no secret of static_resources is named \"own\"; "
      "one by discovery needs sds_config",
      AcquireFault(DownstreamNamed("own", false)));
  registry_.secrets().AddStatic(RootsNamed("own", authority_), nullptr);
  EXPECT_EQ(
      "common_tls_context.tls_certificate_sds_secret_configs[0].name: the secret \"own\" is a validation_context, no "
      "tls_certificate",
      AcquireFault(DownstreamNamed("own", false)));
}

struct Lines final : KeyLogSink {
  void Write(std::string_view line) override { text += line; }
  std::string text;
};

TEST_F(LiveContextTest, AKeyLogMustBeOpened) {
  auto message = Downstream(first_);
  message.mutable_common_tls_context()->mutable_key_log()->set_path("/no/such/keys.log");
  EXPECT_EQ("common_tls_context.key_log.path: \"/no/such/keys.log\" cannot be written", AcquireFault(message));
  key_log_ = std::make_shared<Lines>();
  const auto context = Acquire(message);
  EXPECT_FALSE(context->ready());
  RunJobs();
  EXPECT_NE(nullptr, context->current());
  EXPECT_GT(key_log_.use_count(), 1);
}

TEST_F(LiveContextTest, TheFirstToExpire) {
  EXPECT_EQ(std::nullopt, registry_.DaysUntilFirstExpiry());
  EXPECT_EQ(std::nullopt, registry_.SecondsUntilFirstOcspExpiry());
  const auto one = Acquire(Downstream(first_));
  EXPECT_EQ(3750, registry_.DaysUntilFirstExpiry());
  auto message = Downstream(second_);
  auto& trusted = *message.mutable_common_tls_context()->mutable_validation_context()->mutable_trusted_ca();
  // Of a bundle the first counts.
  trusted.set_inline_string(authority_.Pem() +
                            Issue({.name = "old", .ca = true, .not_after = 86400}, nullptr, kEpoch).Pem());
  const auto two = Acquire(message);
  EXPECT_EQ(3650, registry_.DaysUntilFirstExpiry());
  clock_.Advance(std::chrono::days(3649) + std::chrono::hours(1));
  EXPECT_EQ(0, registry_.DaysUntilFirstExpiry());
  clock_.Advance(std::chrono::days(100));
  EXPECT_EQ(0, registry_.DaysUntilFirstExpiry());
}

}  // namespace
}  // namespace nuncio::tls
