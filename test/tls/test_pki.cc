#include "test/tls/test_pki.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <ctime>

namespace nuncio::tls {
namespace {

void Require(bool ok) {
  if (!ok) abort();
}

bssl::UniquePtr<EVP_PKEY> MakeKey(const Wanted& wanted) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (wanted.ecdsa) {
    bssl::UniquePtr<EC_KEY> ec(
        EC_KEY_new_by_curve_name(wanted.curve_nid == 0 ? NID_X9_62_prime256v1 : wanted.curve_nid));
    Require(ec != nullptr && EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
    return key;
  }
  // RSA keys are slow to make; one of a size serves a whole test.
  static auto* const made = new std::vector<std::pair<int, bssl::UniquePtr<EVP_PKEY>>>();
  for (const auto& [bits, known] : *made) {
    if (bits == wanted.rsa_bits) return bssl::UpRef(known);
  }
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> e(BN_new());
  Require(BN_set_word(e.get(), RSA_F4) && RSA_generate_key_ex(rsa.get(), wanted.rsa_bits, e.get(), nullptr) &&
          EVP_PKEY_set1_RSA(key.get(), rsa.get()));
  made->emplace_back(wanted.rsa_bits, bssl::UpRef(key));
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1));
}

std::string NamesOf(const Wanted& wanted) {
  std::string out;
  const auto add = [&out](std::string_view kind, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      if (!out.empty()) out += ',';
      out += kind;
      out += value;
    }
  };
  add("DNS:", wanted.dns);
  add("URI:", wanted.uris);
  add("IP:", wanted.ips);
  add("email:", wanted.emails);
  add("otherName:", wanted.others);
  return out;
}

template <typename Write>
std::string Text(Write write) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  Require(write(bio.get()) == 1);
  const uint8_t* data = nullptr;
  size_t size = 0;
  BIO_mem_contents(bio.get(), &data, &size);
  return std::string(reinterpret_cast<const char*>(data), size);
}

long NextSerial() {
  static long last = 0x1000;
  return ++last;
}

std::string GeneralizedTime(int64_t seconds) {
  const time_t at = seconds;
  tm fields{};
  gmtime_r(&at, &fields);
  char text[32];
  return std::string(text, strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &fields));
}

void AddBytes(CBB* cbb, unsigned tag, std::string_view bytes) {
  CBB child;
  Require(CBB_add_asn1(cbb, &child, tag) &&
          CBB_add_bytes(&child, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) && CBB_flush(cbb));
}

}  // namespace

std::string Identity::Pem() const {
  return Text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string Identity::KeyPem() const {
  return Text(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string Identity::Der() const {
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

Identity Issue(const Wanted& wanted, const Identity* issuer, int64_t epoch) {
  Identity out;
  out.key = MakeKey(wanted);
  out.certificate.reset(X509_new());
  X509* const certificate = out.certificate.get();
  Require(X509_set_version(certificate, X509_VERSION_3));
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), NextSerial());
  Require(ASN1_TIME_set_posix(X509_getm_notBefore(certificate), epoch + wanted.not_before) != nullptr);
  Require(ASN1_TIME_set_posix(X509_getm_notAfter(certificate), epoch + wanted.not_after) != nullptr);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const uint8_t*>(text.c_str()), -1, -1,
                               0);
  };
  add("O", "Nuncio");
  if (!wanted.name.empty()) add("CN", wanted.name);
  X509* const parent = issuer == nullptr ? certificate : issuer->certificate.get();
  Require(X509_set_issuer_name(certificate, X509_get_subject_name(parent)));
  Require(X509_set_pubkey(certificate, out.key.get()));
  AddExtension(certificate, parent, NID_basic_constraints, wanted.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  const std::string usage = wanted.ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature,keyEncipherment";
  AddExtension(certificate, parent, NID_key_usage, wanted.key_usage.empty() ? usage : "critical," + wanted.key_usage);
  AddExtension(certificate, parent, NID_subject_key_identifier, "hash");
  if (!wanted.extended_key_usage.empty()) {
    AddExtension(certificate, parent, NID_ext_key_usage, wanted.extended_key_usage);
  }
  if (const std::string names = NamesOf(wanted); !names.empty()) {
    AddExtension(certificate, parent, NID_subject_alt_name, names);
  }
  if (wanted.must_staple) {
    const bssl::UniquePtr<ASN1_OBJECT> oid(OBJ_txt2obj("1.3.6.1.5.5.7.1.24", 1));
    const bssl::UniquePtr<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
    const uint8_t feature[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    ASN1_OCTET_STRING_set(value.get(), feature, sizeof(feature));
    const bssl::UniquePtr<X509_EXTENSION> extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 0, value.get()));
    Require(X509_add_ext(certificate, extension.get(), -1));
  }
  EVP_PKEY* const signer = issuer == nullptr ? out.key.get() : issuer->key.get();
  Require(X509_sign(certificate, signer, EVP_sha256()) > 0);
  return out;
}

std::string IssueCrl(const Identity& issuer, const std::vector<const Identity*>& revoked, int64_t epoch) {
  const bssl::UniquePtr<X509_CRL> crl(X509_CRL_new());
  Require(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) &&
          X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get())));
  const bssl::UniquePtr<ASN1_TIME> last(ASN1_TIME_set_posix(nullptr, epoch - 3600));
  const bssl::UniquePtr<ASN1_TIME> next(ASN1_TIME_set_posix(nullptr, epoch + 86400));
  Require(X509_CRL_set1_lastUpdate(crl.get(), last.get()) && X509_CRL_set1_nextUpdate(crl.get(), next.get()));
  for (const Identity* each : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    Require(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each->certificate.get())) &&
            X509_REVOKED_set_revocationDate(entry, last.get()) && X509_CRL_add0_revoked(crl.get(), entry));
  }
  Require(X509_CRL_sort(crl.get()) && X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0);
  return Text([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()); });
}

std::string MakeOcspResponse(const Identity& leaf, int64_t epoch, int64_t next_update, int status) {
  constexpr unsigned kTagged0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
  constexpr unsigned kTagged2 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 2;
  const std::string_view basic_oid("\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 9);
  const std::string_view sha1_oid("\x2b\x0e\x03\x02\x1a", 5);
  CBB inner;
  CBB basic;
  CBB data;
  CBB list;
  CBB single;
  CBB id;
  CBB child;
  Require(CBB_init(&inner, 512) && CBB_add_asn1(&inner, &basic, CBS_ASN1_SEQUENCE) &&
          CBB_add_asn1(&basic, &data, CBS_ASN1_SEQUENCE) && CBB_add_asn1(&data, &child, kTagged2));
  AddBytes(&child, CBS_ASN1_OCTETSTRING, std::string(20, 'k'));  // responderID by key
  Require(CBB_flush(&data));
  AddBytes(&data, CBS_ASN1_GENERALIZEDTIME, GeneralizedTime(epoch));
  Require(CBB_add_asn1(&data, &list, CBS_ASN1_SEQUENCE) && CBB_add_asn1(&list, &single, CBS_ASN1_SEQUENCE) &&
          CBB_add_asn1(&single, &id, CBS_ASN1_SEQUENCE) && CBB_add_asn1(&id, &child, CBS_ASN1_SEQUENCE));
  AddBytes(&child, CBS_ASN1_OBJECT, sha1_oid);
  Require(CBB_flush(&id));
  AddBytes(&id, CBS_ASN1_OCTETSTRING, std::string(20, 'n'));
  AddBytes(&id, CBS_ASN1_OCTETSTRING, std::string(20, 'h'));
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(leaf.certificate.get());
  AddBytes(
      &id, CBS_ASN1_INTEGER,
      {reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)), static_cast<size_t>(ASN1_STRING_length(serial))});
  Require(CBB_flush(&single));
  AddBytes(&single, CBS_ASN1_CONTEXT_SPECIFIC | 0, "");  // good
  AddBytes(&single, CBS_ASN1_GENERALIZEDTIME, GeneralizedTime(epoch - 60));
  Require(CBB_add_asn1(&single, &child, kTagged0));
  AddBytes(&child, CBS_ASN1_GENERALIZEDTIME, GeneralizedTime(epoch + next_update));
  uint8_t* bytes = nullptr;
  size_t size = 0;
  Require(CBB_finish(&inner, &bytes, &size));
  const std::string basic_der(reinterpret_cast<const char*>(bytes), size);
  OPENSSL_free(bytes);

  CBB out;
  CBB response;
  CBB tagged;
  CBB wrapped;
  Require(CBB_init(&out, 512) && CBB_add_asn1(&out, &response, CBS_ASN1_SEQUENCE));
  AddBytes(&response, CBS_ASN1_ENUMERATED, std::string(1, static_cast<char>(status)));
  Require(CBB_add_asn1(&response, &tagged, kTagged0) && CBB_add_asn1(&tagged, &wrapped, CBS_ASN1_SEQUENCE));
  AddBytes(&wrapped, CBS_ASN1_OBJECT, basic_oid);
  AddBytes(&wrapped, CBS_ASN1_OCTETSTRING, basic_der);
  Require(CBB_finish(&out, &bytes, &size));
  std::string der(reinterpret_cast<const char*>(bytes), size);
  OPENSSL_free(bytes);
  return der;
}

}  // namespace nuncio::tls
