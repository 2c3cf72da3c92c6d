#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/config/fault.h"
#include "source/config/rule_checker.h"
#include "source/tls/context_compiler.h"
#include "test/tls/test_pki.h"

namespace nuncio::tls {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;

// Messages with certificates in them, what they compile to, and what is wrong with them.
class CompilerFixture : public testing::Test {
 protected:
  static constexpr int64_t kEpoch = 1767225600;
  static constexpr int64_t kLong = int64_t{3650} * 86400;
  static constexpr auto kRead = config::DataSourceAccess::kRead;
  static constexpr auto kNamesOnly = config::DataSourceAccess::kNamesOnly;

  ~CompilerFixture() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  std::string Put(const std::string& name, std::string_view text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  static void Fill(const Identity& identity, v3::TlsCertificate& out) {
    out.mutable_certificate_chain()->set_inline_string(identity.Pem());
    out.mutable_private_key()->set_inline_string(identity.KeyPem());
  }
  v3::DownstreamTlsContext Downstream() const {
    v3::DownstreamTlsContext out;
    Fill(own_, *out.mutable_common_tls_context()->add_tls_certificates());
    return out;
  }
  static v3::CertificateValidationContext& Validation(v3::UpstreamTlsContext& message) {
    return *message.mutable_common_tls_context()->mutable_validation_context();
  }

  // "" without faults. None may hold anything of a key.
  template <typename Compiled>
  std::string Told(const Compiled& compiled, const config::Faults& faults) {
    EXPECT_EQ(compiled == nullptr, !faults.empty());
    const std::string text = faults.ToString();
    ExpectNoKey(text);
    return text;
  }
  std::string Fault(const v3::DownstreamTlsContext& message, config::DataSourceAccess access = kRead) {
    config::Faults faults;
    downstream_ = CompileDownstreamTls(message, access, faults);
    return Told(downstream_, faults);
  }
  std::string Fault(const v3::UpstreamTlsContext& message, config::DataSourceAccess access = kRead) {
    config::Faults faults;
    upstream_ = CompileUpstreamTls(message, access, faults);
    return Told(upstream_, faults);
  }
  std::string Fault(const v3::Secret& message, config::DataSourceAccess access = kRead) {
    config::Faults faults;
    secret_ = CompileSecret(message, access, faults);
    return Told(secret_, faults);
  }

  // Neither a line of PEM nor a part of one.
  static void ExpectNoKey(std::string_view text, const Identity& identity) {
    const std::string pem = identity.KeyPem();
    for (size_t at = pem.find('\n') + 1; at + 16 < pem.find("-----END"); at += 8) {
      EXPECT_EQ(std::string_view::npos, text.find(std::string_view(pem).substr(at, 16))) << text;
    }
  }
  void ExpectNoKey(std::string_view text) const {
    for (const Identity* each : {&own_, &other_, &authority_}) ExpectNoKey(text, *each);
  }

  static std::string MakeDirectory() {
    std::string path = testing::TempDir() + "/compiler_XXXXXX";
    return mkdtemp(path.data());
  }

  const std::string directory_ = MakeDirectory();
  const Identity authority_ = Issue({.name = "authority", .ca = true, .not_after = kLong}, nullptr, kEpoch);
  const Identity own_ = Issue({.name = "own", .dns = {"own.test"}, .not_after = kLong}, &authority_, kEpoch);
  const Identity other_ = Issue({.name = "other", .not_after = kLong}, &authority_, kEpoch);
  const Identity old_ = Issue({.name = "old", .not_before = -7200, .not_after = -3600}, &authority_, kEpoch);
  // Of the last message that was compiled.
  std::shared_ptr<const DownstreamTlsConfig> downstream_;
  std::shared_ptr<const UpstreamTlsConfig> upstream_;
  std::shared_ptr<const Secret> secret_;
};

}  // namespace nuncio::tls
