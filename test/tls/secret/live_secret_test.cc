#include "source/tls/secret/live_secret.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "source/telemetry/secret_stats.h"
#include "test/tls/secret/secret_fixture.h"

namespace nuncio::tls {
namespace {

class LiveSecretTest : public SecretFixture, protected LiveSecret::User {
 protected:
  void OnSecret() override { ++told_; }

  // The secret of the first certificate of a context.
  std::shared_ptr<LiveSecret> Use(const SecretUse& use) {
    auto secret = registry_.secrets().Acquire(use, "listener l", scope_);
    if (secret != nullptr) secret->AddUser(*this);
    return secret;
  }
  std::shared_ptr<LiveSecret> UseFiles(const std::string& watched = "") {
    PutPair(first_);
    auto message = DownstreamWithFiles();
    if (!watched.empty()) {
      message.mutable_common_tls_context()->mutable_tls_certificates(0)->mutable_watched_directory()->set_path(watched);
    }
    return Use(Compile(message)->certificates[0]);
  }
  std::shared_ptr<LiveSecret> UseNamed(const std::string& name) {
    return Use(Compile(DownstreamNamed(name))->certificates[0]);
  }

  static std::string NameOf(const LiveSecret& secret) {
    return secret.value() == nullptr ? "none" : secret.value()->certificates[0]->dns_sans[0];
  }
  uint64_t failed() { return scope_->Total(&telemetry::KeyRotationStats::key_rotation_failed); }

  const telemetry::ScopePtr scope_ = stats_.GetScope(telemetry::ScopeName().Add("owner"));
  int told_ = 0;
};

TEST_F(LiveSecretTest, WhatStandsInTheConfigurationIsThereAtOnce) {
  const auto secret = Use(Compile(Downstream(first_))->certificates[0]);
  EXPECT_TRUE(secret->ready());
  EXPECT_EQ("first.test", NameOf(*secret));
  Settle();
  EXPECT_EQ(0, told_);
}

TEST_F(LiveSecretTest, AReplacedPairIsTakenWhole) {
  const auto secret = UseFiles();
  PutPair(second_);
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
  EXPECT_EQ(second_.KeyPem(), std::get<CertificateSecret>(secret->value()->value).private_key->bytes);
  EXPECT_EQ(1, told_);
  EXPECT_EQ(0u, failed());
  PutPair(first_);
  Settle();
  EXPECT_EQ("first.test", NameOf(*secret));
  EXPECT_EQ(2, told_);
}

TEST_F(LiveSecretTest, FilesThatComeOneAfterTheOtherAreReadWhenTheyRest) {
  const auto secret = UseFiles();
  Put("tls.crt", second_.Pem());
  Turn();
  clock_.Advance(LiveSecret::kSettle / 2);
  Turn();
  Put("tls.key", second_.KeyPem());
  Turn();
  clock_.Advance(LiveSecret::kSettle / 2);
  Turn();
  EXPECT_TRUE(jobs_.empty());
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
  EXPECT_EQ(0u, failed());
}

TEST_F(LiveSecretTest, APairThatDoesNotFitIsRefusedWhole) {
  const auto secret = UseFiles();
  Put("tls.crt", second_.Pem());
  Settle();
  EXPECT_EQ("first.test", NameOf(*secret));
  EXPECT_EQ(0, told_);
  EXPECT_EQ(1u, failed());
  Put("tls.key", second_.KeyPem());
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
  EXPECT_EQ(1u, failed());
}

TEST_F(LiveSecretTest, WhatCannotBeReadOrHasExpiredIsRefused) {
  const auto secret = UseFiles();
  ASSERT_EQ(0, unlink(Path("tls.key").c_str()));
  Put("tls.crt", second_.Pem());
  Settle();
  EXPECT_EQ(1u, failed());
  PutPair(Issue({.name = "old", .not_before = -7200, .not_after = -3600}, &authority_, kEpoch));
  Settle();
  EXPECT_EQ(2u, failed());
  Put("tls.key", std::string((1 << 20) + 1, 'x'));
  Settle();
  EXPECT_EQ(3u, failed());
  EXPECT_EQ("first.test", NameOf(*secret));
}

TEST_F(LiveSecretTest, TheSameBytesAreNoChange) {
  const auto secret = UseFiles();
  PutPair(first_);
  Settle();
  EXPECT_EQ(0, told_);
  EXPECT_EQ(0u, failed());
}

TEST_F(LiveSecretTest, KubernetesSwapsTheDataLink) {
  namespace fs = std::filesystem;
  const auto fill = [&](const std::string& name, const Identity& identity) {
    fs::create_directory(Path(name));
    std::ofstream(Path(name + "/tls.crt")) << identity.Pem();
    std::ofstream(Path(name + "/tls.key")) << identity.KeyPem();
    fs::create_symlink(name, Path("..tmp"));
    fs::rename(Path("..tmp"), Path("..data"));
  };
  fill("..1", first_);
  fs::create_symlink("..data/tls.crt", Path("tls.crt"));
  fs::create_symlink("..data/tls.key", Path("tls.key"));
  const auto secret = Use(Compile(DownstreamWithFiles())->certificates[0]);
  fill("..2", second_);
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
  EXPECT_EQ(1, told_);
  EXPECT_EQ(0u, failed());
}

TEST_F(LiveSecretTest, AWatchedDirectoryStandsInPlaceOfTheFilesOwn) {
  std::filesystem::create_directory(Path("watched"));
  const auto secret = UseFiles(Path("watched"));
  PutPair(second_);
  Settle();
  EXPECT_EQ("first.test", NameOf(*secret));
  Put("watched/any", "");
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
}

TEST_F(LiveSecretTest, AChangeBeforeItIsWatchedIsNotMissed) {
  PutPair(first_);
  const auto config = Compile(DownstreamWithFiles());
  PutPair(second_);
  const auto secret = Use(config->certificates[0]);
  EXPECT_EQ("first.test", NameOf(*secret));
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
}

TEST_F(LiveSecretTest, OneByDiscoveryIsWaitedFor) {
  const auto secret = UseNamed("own");
  EXPECT_FALSE(secret->ready());
  EXPECT_EQ(std::vector<std::string>{"own"}, subscriptions_.asked);
  EXPECT_EQ("", subscriptions_.Send("own", CertificateNamed("own", first_), "7"));
  EXPECT_TRUE(secret->ready());
  EXPECT_EQ("first.test", NameOf(*secret));
  EXPECT_EQ("7", secret->resource().version);
  EXPECT_EQ(1, told_);
  EXPECT_EQ(1, Stat("sds.own.update_success"));
  EXPECT_EQ(0, Stat("sds.own.key_rotation_failed"));
}

TEST_F(LiveSecretTest, ItIsNotWaitedForForEver) {
  const auto secret = UseNamed("own");
  subscriptions_.FailFirst("own");
  EXPECT_TRUE(secret->ready());
  EXPECT_EQ(nullptr, secret->value());
  EXPECT_EQ(1, told_);
  EXPECT_EQ(1, Stat("sds.own.init_fetch_timeout"));
  subscriptions_.Send("own", CertificateNamed("own", first_));
  EXPECT_EQ("first.test", NameOf(*secret));
  EXPECT_EQ(2, told_);
}

TEST_F(LiveSecretTest, OneOfAnotherKindIsRefused) {
  const auto secret = UseNamed("own");
  EXPECT_EQ("own: is a validation_context, and a tls_certificate is needed by that name\n",
            subscriptions_.Send("own", RootsNamed("own", authority_)));
  EXPECT_EQ(1, Stat("sds.own.update_rejected"));
  EXPECT_TRUE(secret->ready());
  EXPECT_EQ(nullptr, secret->value());
  EXPECT_EQ("", subscriptions_.Send("own", CertificateNamed("own", first_)));
  EXPECT_NE("", subscriptions_.Send("own", RootsNamed("own", authority_)));
  EXPECT_EQ("first.test", NameOf(*secret));
}

TEST_F(LiveSecretTest, FilesThatADiscoveredOneNamesAreWatched) {
  PutPair(first_);
  v3::Secret message;
  message.set_name("own");
  FillWithFiles(*message.mutable_tls_certificate());
  const auto secret = UseNamed("own");
  subscriptions_.Send("own", Compile(message));
  PutPair(second_);
  Settle();
  EXPECT_EQ("second.test", NameOf(*secret));
  Put("tls.key", "broken");
  Settle();
  EXPECT_EQ(1, Stat("sds.own.key_rotation_failed"));
  EXPECT_EQ("second.test", NameOf(*secret));
}

TEST_F(LiveSecretTest, AVersionThatComesWhileFilesAreReadGoesBefore) {
  PutPair(first_);
  v3::Secret message;
  message.set_name("own");
  FillWithFiles(*message.mutable_tls_certificate());
  const auto secret = UseNamed("own");
  subscriptions_.Send("own", Compile(message));
  Put("tls.key", "broken");
  Turn();
  clock_.Advance(LiveSecret::kSettle);
  Turn();
  ASSERT_EQ(1u, jobs_.size());
  subscriptions_.Send("own", CertificateNamed("own", second_), "2");
  RunJobs();
  EXPECT_EQ("second.test", NameOf(*secret));
  EXPECT_EQ(0, Stat("sds.own.key_rotation_failed"));
}

TEST_F(LiveSecretTest, ItMayGoWhileItsFilesAreRead) {
  auto secret = UseFiles();
  PutPair(second_);
  Turn();
  clock_.Advance(LiveSecret::kSettle);
  Turn();
  ASSERT_EQ(1u, jobs_.size());
  secret.reset();
  RunJobs();
  EXPECT_EQ(0, told_);
}

// Secrets in force are shared, each subscribed to once.

TEST_F(LiveSecretTest, SharedByName) {
  const auto one = UseNamed("own");
  EXPECT_EQ(one, UseNamed("own"));
  const auto other = UseNamed("other");
  EXPECT_NE(one, other);
  EXPECT_EQ(2u, subscriptions_.watchers());
  EXPECT_EQ(2u, registry_.secrets().discovered().size());
}

TEST_F(LiveSecretTest, NotSharedByOtherSourcesAndKinds) {
  SecretUse use = Compile(DownstreamNamed("own"))->certificates[0];
  const auto one = Use(use);
  use.kind = SecretKind::kValidation;
  const auto roots = Use(use);
  EXPECT_NE(one, roots);
  use.source->kind = config::FileSource{"/somewhere", ""};
  const auto elsewhere = Use(use);
  EXPECT_NE(roots, elsewhere);
  EXPECT_EQ(3u, subscriptions_.watchers());
}

TEST_F(LiveSecretTest, TheSubscriptionEndsWithTheLastUser) {
  auto one = UseNamed("own");
  auto two = UseNamed("own");
  one.reset();
  EXPECT_EQ(1u, subscriptions_.watchers());
  two.reset();
  EXPECT_EQ(0u, subscriptions_.watchers());
  EXPECT_TRUE(registry_.secrets().discovered().empty());
  UseNamed("own");
  EXPECT_EQ(2u, subscriptions_.asked.size());
}

TEST_F(LiveSecretTest, OfTheBootstrap) {
  const SecretUse use = Compile(DownstreamNamed("own", /*discovered=*/false))->certificates[0];
  EXPECT_EQ(nullptr, Use(use));
  EXPECT_TRUE(registry_.secrets().AddStatic(CertificateNamed("own", first_), nullptr));
  EXPECT_FALSE(registry_.secrets().AddStatic(CertificateNamed("own", second_), nullptr));
  EXPECT_EQ("first.test", NameOf(*Use(use)));
  EXPECT_TRUE(subscriptions_.asked.empty());
}

}  // namespace
}  // namespace nuncio::tls
