#include "source/control/server/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "test/control/support/certificates.h"

namespace nuncio::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TlsFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clock_.Advance(std::chrono::duration_cast<Duration>(Clock::Real().System() - clock_.System()));
    files_.MakeAuthority("ca");
    files_.MakeLeaf("one", "one");
    files_.MakeLeaf("two", "two");
    files_.Replace(files_.Pem("one"), Used("pem"));
    files_.Replace(files_.Key("one"), Used("key"));
    files_.Replace(files_.Pem("ca"), Used("ca"));
  }

  std::string Used(const std::string& ending) const { return files_.File("used." + ending); }
  absl::StatusOr<std::shared_ptr<TlsFiles>> Open() {
    return TlsFiles::Open({.certificate = Used("pem"), .key = Used("key"), .client_ca = Used("ca")}, clock_);
  }
  // What opening says that fails.
  std::string Fault() {
    const auto opened = Open();
    EXPECT_FALSE(opened.ok());
    return std::string(ToStd(opened.status().message()));
  }
  static void Settle(TlsFiles& tls) {
    tls.Tick();
    tls.Tick();
  }

  SimulatedClock clock_;
  test::Certificates files_;
};

TEST_F(TlsFilesTest, WhatFitsIsTaken) {
  const auto tls = Open();
  ASSERT_TRUE(tls.ok()) << tls.status();
  const auto material = (*tls)->current();
  EXPECT_EQ(material->certificate, test::ReadFile(files_.Pem("one")));
  EXPECT_EQ(material->key, test::ReadFile(files_.Key("one")));
  EXPECT_EQ(material->client_ca, test::ReadFile(files_.Pem("ca")));
  const auto left = material->certificate_not_after - clock_.System();
  EXPECT_GT(left, std::chrono::hours(47));
  EXPECT_LE(left, std::chrono::hours(48));
  EXPECT_TRUE(material->client_ca_not_after.has_value());
}

TEST_F(TlsFilesTest, WhatDoesNotFitIsRefusedByFlagAndFile) {
  files_.Replace(files_.Key("two"), Used("key"));
  EXPECT_THAT(Fault(), HasSubstr("--tls-key=" + Used("key") + ": "));

  files_.Replace(files_.Pem("ca"), Used("key"));
  EXPECT_THAT(Fault(), HasSubstr("--tls-key=" + Used("key") + ": "));
  files_.Replace(files_.Key("one"), Used("key"));

  files_.Replace(files_.Key("one"), Used("ca"));
  EXPECT_THAT(Fault(), HasSubstr("--client-ca=" + Used("ca") + ": "));
  files_.Replace(files_.Pem("ca"), Used("ca"));

  files_.Replace(files_.Key("one"), Used("pem"));
  EXPECT_THAT(Fault(), HasSubstr("--tls-cert=" + Used("pem") + ": "));

  ASSERT_EQ(unlink(Used("pem").c_str()), 0);
  EXPECT_THAT(Fault(), HasSubstr("--tls-cert=" + Used("pem") + ": No such file"));
}

TEST_F(TlsFilesTest, NoFaultTellsOfTheKey) {
  const std::string key = test::ReadFile(files_.Key("one"));
  const std::string line = key.substr(key.find('\n') + 1, 40);
  files_.Replace(files_.Pem("two"), Used("pem"));
  EXPECT_THAT(Fault(), Not(HasSubstr(line)));
  files_.Replace(files_.Key("one"), Used("pem"));
  EXPECT_THAT(Fault(), Not(HasSubstr(line)));
}

TEST_F(TlsFilesTest, AnExpiredCertificateIsRefused) {
  clock_.Advance(std::chrono::hours(72));
  EXPECT_THAT(Fault(), HasSubstr("--tls-cert=" + Used("pem") + ": "));
}

TEST_F(TlsFilesTest, APairIsTakenWhenBothFilesAreThere) {
  const auto tls = *Open();
  files_.Replace(files_.Pem("two"), Used("pem"));
  tls->Tick();
  files_.Replace(files_.Key("two"), Used("key"));
  tls->Tick();
  EXPECT_EQ(tls->current()->certificate, test::ReadFile(files_.Pem("one"))) << "not settled yet";
  tls->Tick();
  EXPECT_EQ(tls->current()->certificate, test::ReadFile(files_.Pem("two")));
  EXPECT_EQ(tls->current()->key, test::ReadFile(files_.Key("two")));
  EXPECT_EQ(tls->taken(), 1u);
  EXPECT_EQ(tls->refused(), 0u);
}

TEST_F(TlsFilesTest, ABadReplacementKeepsTheLastGoodOnes) {
  const auto tls = *Open();
  const auto good = tls->current();
  files_.Replace(files_.Pem("two"), Used("pem"));
  Settle(*tls);
  EXPECT_EQ(tls->current(), good);
  EXPECT_TRUE(tls->refusing());
  for (int i = 0; i < 10; ++i) tls->Tick();
  EXPECT_EQ(tls->refused(), 1u) << "judged once, not with every look";

  ASSERT_EQ(unlink(Used("key").c_str()), 0);
  Settle(*tls);
  EXPECT_EQ(tls->current(), good);
  EXPECT_EQ(tls->refused(), 2u);

  files_.Replace(files_.Key("two"), Used("key"));
  Settle(*tls);
  EXPECT_EQ(tls->current()->certificate, test::ReadFile(files_.Pem("two")));
  EXPECT_FALSE(tls->refusing());
  EXPECT_EQ(tls->taken(), 1u);
}

TEST_F(TlsFilesTest, AuthoritiesAreReplacedToo) {
  const auto tls = *Open();
  files_.MakeAuthority("other");
  files_.Replace(files_.Pem("other"), Used("ca"));
  Settle(*tls);
  EXPECT_EQ(tls->current()->client_ca, test::ReadFile(files_.Pem("other")));
  EXPECT_EQ(tls->current()->certificate, test::ReadFile(files_.Pem("one")));
}

}  // namespace
}  // namespace nuncio::control
