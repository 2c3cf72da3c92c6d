#include "source/tls/context_compiler.h"

#include <openssl/pem.h>
#include <openssl/pkcs8.h>

#include "test/tls/compiler_fixture.h"

namespace nuncio::tls {
namespace {

class SecretCompilerTest : public CompilerFixture {
 protected:
  v3::Secret Certificate() const {
    v3::Secret out;
    out.set_name("s");
    Fill(own_, *out.mutable_tls_certificate());
    return out;
  }
  v3::Secret Roots() const {
    v3::Secret out;
    out.set_name("s");
    out.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(authority_.Pem());
    return out;
  }
  // The chain and key in one.
  std::string Store(const std::string& password) const {
    const bssl::UniquePtr<PKCS12> store(
        PKCS12_create(password.c_str(), "", own_.key.get(), own_.certificate.get(), nullptr, 0, 0, 0, 0, 0));
    const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    EXPECT_TRUE(i2d_PKCS12_bio(bio.get(), store.get()));
    const uint8_t* data = nullptr;
    size_t size = 0;
    BIO_mem_contents(bio.get(), &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
};

TEST_F(SecretCompilerTest, ACertificateTellsWhoseItIs) {
  auto message = Certificate();
  message.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(own_.Pem() + authority_.Pem());
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ("s", secret_->name);
  EXPECT_EQ(SecretKind::kCertificate, secret_->kind());
  ASSERT_EQ(2u, secret_->certificates.size());
  EXPECT_EQ("CN=own,O=Nuncio", secret_->certificates[0]->subject);
  EXPECT_EQ("CN=authority,O=Nuncio", secret_->certificates[1]->subject);
  EXPECT_EQ(kEpoch + kLong, std::chrono::system_clock::to_time_t(*secret_->expires()));
  EXPECT_TRUE(secret_->files().empty());
}

TEST_F(SecretCompilerTest, TheFirstOfAChainToExpireCounts) {
  const Identity early = Issue({.name = "early", .ca = true, .not_after = kLong - 86400}, nullptr, kEpoch);
  auto message = Certificate();
  message.mutable_tls_certificate()->mutable_certificate_chain()->set_inline_string(own_.Pem() + early.Pem());
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ(kEpoch + kLong - 86400, std::chrono::system_clock::to_time_t(*secret_->expires()));
}

TEST_F(SecretCompilerTest, PartsThatDoNotFitAreRefused) {
  auto message = Certificate();
  auto& certificate = *message.mutable_tls_certificate();
  certificate.mutable_private_key()->set_inline_string(other_.KeyPem());
  EXPECT_EQ("tls_certificate.private_key: does not belong to the first certificate of certificate_chain",
            Fault(message));
  certificate.mutable_private_key()->set_inline_string(own_.Pem());
  EXPECT_EQ("tls_certificate.private_key: is no private key in PEM form that could be read", Fault(message));
  // The two in each other's place.
  certificate.mutable_private_key()->set_inline_string(own_.Pem());
  certificate.mutable_certificate_chain()->set_inline_string(own_.KeyPem());
  EXPECT_EQ("tls_certificate.certificate_chain: holds no certificate in PEM form", Fault(message));
  certificate.clear_certificate_chain();
  EXPECT_EQ("tls_certificate.certificate_chain: must be set", Fault(message));
  message = Certificate();
  message.mutable_tls_certificate()->mutable_ocsp_staple()->set_inline_bytes(MakeOcspResponse(other_, kEpoch, 86400));
  EXPECT_EQ("tls_certificate.ocsp_staple: is for another certificate", Fault(message));
}

TEST_F(SecretCompilerTest, KeysAreNotToldWhereverTheyStand) {
  // What is told is looked at by Fault.
  const std::string key = own_.KeyPem();
  for (int place = 0; place < 6; ++place) {
    auto message = Certificate();
    auto& certificate = *message.mutable_tls_certificate();
    switch (place) {
      case 0:
        certificate.mutable_private_key()->set_filename(key);
        break;
      case 1:
        certificate.mutable_private_key()->set_environment_variable(key);
        break;
      case 2:
        certificate.mutable_certificate_chain()->set_filename(own_.Pem() + key);
        break;
      case 3:
        certificate.mutable_private_key()->set_inline_string(key.substr(0, key.size() / 2));
        break;
      case 4:
        certificate.mutable_certificate_chain()->set_inline_string(key);
        break;
      default:
        certificate.mutable_ocsp_staple()->set_inline_string(key);
    }
    EXPECT_NE("", Fault(message)) << place;
  }
}

TEST_F(SecretCompilerTest, OneFileOfPkcs12) {
  v3::Secret message;
  message.set_name("s");
  auto& certificate = *message.mutable_tls_certificate();
  certificate.mutable_pkcs12()->set_inline_bytes(Store("sesame"));
  certificate.mutable_password()->set_inline_string("sesame");
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ("CN=own,O=Nuncio", secret_->certificates[0]->subject);
  certificate.mutable_password()->set_inline_string("wrong");
  EXPECT_EQ("tls_certificate.password: does not open the PKCS #12 store", Fault(message));
  certificate.mutable_pkcs12()->set_inline_bytes("nothing");
  EXPECT_TRUE(Fault(message).starts_with("tls_certificate.pkcs12: is no PKCS #12 store that could be read: "));
  certificate.mutable_certificate_chain()->set_inline_string(own_.Pem());
  EXPECT_EQ("tls_certificate.pkcs12: cannot stand beside certificate_chain and private_key, in whose place it is",
            Fault(message));
}

TEST_F(SecretCompilerTest, TrustedCertificates) {
  auto message = Roots();
  EXPECT_EQ("", Fault(message));
  EXPECT_EQ(SecretKind::kValidation, secret_->kind());
  EXPECT_EQ(1u, secret_->certificates.size());
  auto& validation = *message.mutable_validation_context();
  validation.mutable_crl()->set_inline_string(IssueCrl(authority_, {}, kEpoch));
  EXPECT_EQ("", Fault(message));
  validation.mutable_crl()->set_filename(Put("crl.pem", "nothing"));
  EXPECT_EQ(StrCat("validation_context.crl: \"", Path("crl.pem"), "\": holds no certificate revocation list"),
            Fault(message));
  validation.clear_crl();
  validation.mutable_trusted_ca()->set_filename(Put("ca.pem", old_.Pem()));
  EXPECT_EQ(StrCat("validation_context.trusted_ca: \"", Path("ca.pem"), "\": every certificate in it has expired"),
            Fault(message));
}

TEST_F(SecretCompilerTest, NamesAndPins) {
  auto message = Roots();
  auto& validation = *message.mutable_validation_context();
  auto& name = *validation.add_match_typed_subject_alt_names();
  name.set_san_type(v3::SubjectAltNameMatcher::OTHER_NAME);
  name.mutable_matcher()->set_exact("x");
  EXPECT_EQ(
      "validation_context.match_typed_subject_alt_names[0].oid: must say which type of name, as dotted numbers, with "
      "OTHER_NAME",
      Fault(message));
  name.set_san_type(v3::SubjectAltNameMatcher::DNS);
  name.set_oid("1.2.3");
  EXPECT_EQ("validation_context.match_typed_subject_alt_names[0].oid: cannot be set but with OTHER_NAME",
            Fault(message));
  name.clear_oid();
  name.mutable_matcher()->mutable_safe_regex()->set_regex("(");
  EXPECT_TRUE(Fault(message).starts_with("validation_context.match_typed_subject_alt_names[0].matcher.safe_regex"));
  name.mutable_matcher()->set_exact("x");
  validation.add_match_subject_alt_names()->set_exact("y");
  EXPECT_EQ(
      "validation_context.match_subject_alt_names: cannot stand beside match_typed_subject_alt_names, which takes its "
      "place",
      Fault(message));
  validation.clear_match_typed_subject_alt_names();
  EXPECT_EQ("", Fault(message));
  // A matcher for each type of name.
  EXPECT_EQ(4u, std::get<ValidationSecret>(secret_->value).rest.sans.size());
  validation.add_verify_certificate_hash(std::string(64, 'g'));
  EXPECT_TRUE(Fault(message).starts_with("validation_context.verify_certificate_hash[0]: "));
}

TEST_F(SecretCompilerTest, NamesMayComeBeforeTheRootsOfAnotherPart) {
  v3::Secret message;
  message.set_name("s");
  auto& name = *message.mutable_validation_context()->add_match_typed_subject_alt_names();
  name.set_san_type(v3::SubjectAltNameMatcher::DNS);
  name.mutable_matcher()->set_exact("x");
  EXPECT_EQ("", Fault(message));
}

TEST_F(SecretCompilerTest, NameAndTypeAreRequired) {
  v3::Secret message;
  EXPECT_EQ("name: required: contexts find the secret by it\n"
            "one of tls_certificate, session_ticket_keys, validation_context must be set",
            Fault(message));
  message = Certificate();
  message.clear_name();
  EXPECT_EQ("name: required: contexts find the secret by it", Fault(message));
}

TEST_F(SecretCompilerTest, AsAResource) {
  const SecretType type(kRead);
  EXPECT_FALSE(type.absence_is_removal());
  std::string name;
  config::Faults faults;
  EXPECT_NE(nullptr, type.Compile(Certificate().SerializeAsString(), name, faults));
  EXPECT_EQ("s", name);
  auto bad = Certificate();
  bad.mutable_tls_certificate()->mutable_private_key()->set_inline_string(other_.KeyPem());
  name.clear();
  EXPECT_EQ(nullptr, type.Compile(bad.SerializeAsString(), name, faults));
  EXPECT_EQ("s", name);
  EXPECT_EQ("tls_certificate.private_key: does not belong to the first certificate of certificate_chain",
            faults.ToString());
}

// The parts of a validation context and what it stands on.

class MergeTest : public CompilerFixture {
 protected:
  static ValidationSecret With(const std::string& ca) {
    ValidationSecret out;
    if (!ca.empty()) out.trusted_ca.emplace(SecretPart{"trusted_ca", ca, "", {}, true});
    return out;
  }
};

TEST_F(MergeTest, TheSecretGoesBeforeTheDefault) {
  ValidationSecret under = With("one");
  under.rest.hash_pins = {"a"};
  under.rest.max_verify_depth = 1;
  under.rest.allow_expired = true;
  ValidationSecret over = With("two");
  over.rest.hash_pins = {"b"};
  const ValidationConfig both = ToConfig(&under, over);
  EXPECT_EQ("two", both.trusted_ca);
  EXPECT_EQ((std::vector<std::string>{"a", "b"}), both.hash_pins);
  EXPECT_EQ(1u, both.max_verify_depth);
  EXPECT_TRUE(both.allow_expired);
  over.rest.max_verify_depth = 2;
  EXPECT_EQ(2u, ToConfig(&under, over).max_verify_depth);
  EXPECT_EQ("one", ToConfig(&under, With("")).trusted_ca);
  EXPECT_EQ("two", ToConfig(nullptr, over).trusted_ca);
}

}  // namespace
}  // namespace nuncio::tls
