#include "source/tls/certificate.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/pkcs8.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <cstring>
#include <utility>

#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/tls/certificate_facts.h"
#include "source/tls/ssl_error.h"

namespace nuncio::tls {
namespace {

constexpr unsigned kMinRsaBits = 2048;
// RFC 7633 4: 1.3.6.1.5.5.7.1.24, whose list holds 5 for status_request.
constexpr char kTlsFeature[] = "1.3.6.1.5.5.7.1.24";
constexpr uint64_t kStatusRequest = 5;

bssl::UniquePtr<BIO> MemoryBio(std::string_view bytes) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<ossl_ssize_t>(bytes.size())));
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string DateText(SystemTime time) {
  const time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  tm fields{};
  gmtime_r(&seconds, &fields);
  char text[32];
  return std::string(text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &fields));
}

// PEM's callback for passwords.
int GivePassword(char* buffer, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || static_cast<int>(text.size()) > size) return -1;
  memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadKey(const CertificateConfig& config) {
  if (config.private_key.empty()) return InvalidArgument("private_key: is missing");
  const auto bio = MemoryBio(config.private_key);
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, &GivePassword, const_cast<std::string*>(&config.password)));
  if (key != nullptr) return key;
  const bool encrypted = config.private_key.find("ENCRYPTED") != std::string::npos;
  ERR_clear_error();
  if (!encrypted) return InvalidArgument("private_key: is no private key in PEM form that could be read");
  if (config.password.empty()) return InvalidArgument("private_key: is encrypted, and no password is given");
  return InvalidArgument("password: does not open the private key");
}

absl::Status CheckKey(const EVP_PKEY& key, const Certificate& certificate) {
  switch (EVP_PKEY_id(&key)) {
    case EVP_PKEY_RSA:
      if (const unsigned bits = static_cast<unsigned>(EVP_PKEY_bits(&key)); bits < kMinRsaBits) {
        return InvalidArgument(StrCat("certificate_chain: has an RSA key of ", bits, " bits; at least ", kMinRsaBits,
                                      " are needed"));
      }
      return absl::OkStatus();
    case EVP_PKEY_EC:
      if (certificate.curve() == 0) {
        return InvalidArgument("certificate_chain: has an ECDSA key on another curve than P-256, P-384 or P-521");
      }
      return absl::OkStatus();
    default:
      return InvalidArgument("certificate_chain: has a key that is neither RSA nor ECDSA");
  }
}

bool IsMustStaple(const X509& certificate) {
  const bssl::UniquePtr<ASN1_OBJECT> oid(OBJ_txt2obj(kTlsFeature, 1));
  const int at = X509_get_ext_by_OBJ(&certificate, oid.get(), -1);
  if (at < 0) return false;
  const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(X509_get_ext(&certificate, at));
  CBS in;
  CBS_init(&in, ASN1_STRING_get0_data(value), static_cast<size_t>(ASN1_STRING_length(value)));
  CBS list;
  if (!CBS_get_asn1(&in, &list, CBS_ASN1_SEQUENCE)) return false;
  while (CBS_len(&list) > 0) {
    uint64_t feature = 0;
    if (!CBS_get_asn1_uint64(&list, &feature)) return false;
    if (feature == kStatusRequest) return true;
  }
  return false;
}

std::string CommonName(const X509& certificate) {
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  return std::string(Bytes(*X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

// The chain and the key of a PKCS #12 store.
absl::Status ReadStore(const CertificateConfig& config, Certificate& out) {
  CBS in;
  CBS_init(&in, reinterpret_cast<const uint8_t*>(config.pkcs12.data()), config.pkcs12.size());
  EVP_PKEY* key = nullptr;
  const bssl::UniquePtr<STACK_OF(X509)> certificates(sk_X509_new_null());
  const std::string empty;
  if (!PKCS12_get_key_and_certs(&key, certificates.get(), &in, config.password.c_str())) {
    const std::string reason = TakeErrorReason();
    if (reason == "INCORRECT_PASSWORD") return InvalidArgument("password: does not open the PKCS #12 store");
    return InvalidArgument(StrCat("pkcs12: is no PKCS #12 store that could be read: ", reason));
  }
  out.key.reset(key);
  if (key == nullptr || sk_X509_num(certificates.get()) == 0) {
    return InvalidArgument("pkcs12: lacks a private key or a certificate");
  }
  // The leaf may stand anywhere among them.
  size_t leaf = 0;
  for (size_t i = 0; i < sk_X509_num(certificates.get()); ++i) {
    X509* const each = sk_X509_value(certificates.get(), i);
    uint8_t* der = nullptr;
    const int size = i2d_X509(each, &der);
    if (size < 0) return InvalidArgument("pkcs12: has a certificate that cannot be read");
    out.chain.emplace_back(CRYPTO_BUFFER_new(der, static_cast<size_t>(size), nullptr));
    OPENSSL_free(der);
    const bssl::UniquePtr<EVP_PKEY> public_key(X509_get_pubkey(each));
    if (public_key != nullptr && EVP_PKEY_cmp(public_key.get(), key) == 1) leaf = i;
  }
  std::swap(out.chain[0], out.chain[leaf]);
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status ReadOcsp(const CertificateConfig& config, const X509& leaf, Certificate& out) {
  if (config.ocsp_staple.empty()) return absl::OkStatus();
  absl::StatusOr<OcspResponse> response = OcspResponse::Parse(config.ocsp_staple);
  if (!response.ok()) return InvalidArgument(StrCat("ocsp_staple: ", response.status().message()));
  // Compared as DER's integers, without the sign's padding.
  std::string_view serial = response->serial();
  while (serial.size() > 1 && serial.front() == '\0') serial.remove_prefix(1);
  std::string_view own = Bytes(*X509_get0_serialNumber(&leaf));
  while (own.size() > 1 && own.front() == '\0') own.remove_prefix(1);
  if (serial != own) return InvalidArgument("ocsp_staple: is for another certificate");
  out.ocsp = *std::move(response);
  return absl::OkStatus();
}

}  // namespace

std::string_view Bytes(const CRYPTO_BUFFER& buffer) {
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(&buffer)), CRYPTO_BUFFER_len(&buffer)};
}

absl::StatusOr<std::vector<bssl::UniquePtr<CRYPTO_BUFFER>>> ReadPemCertificates(std::string_view pem) {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> out;
  const auto bio = MemoryBio(pem);
  char* name = nullptr;
  char* header = nullptr;
  uint8_t* data = nullptr;
  long size = 0;
  ERR_clear_error();
  while (PEM_read_bio(bio.get(), &name, &header, &data, &size)) {
    const bssl::UniquePtr<char> name_owner(name);
    const bssl::UniquePtr<char> header_owner(header);
    const bssl::UniquePtr<uint8_t> data_owner(data);
    const std::string_view kind(name);
    if (kind != PEM_STRING_X509 && kind != PEM_STRING_X509_OLD) continue;
    const uint8_t* at = data;
    const bssl::UniquePtr<X509> parsed(d2i_X509(nullptr, &at, size));
    if (parsed == nullptr || at != data + size) {
      return InvalidArgument(
          StrCat("certificate ", out.size() + 1, " of it is no X.509 certificate: ", TakeErrorReason()));
    }
    out.emplace_back(CRYPTO_BUFFER_new(data, static_cast<size_t>(size), nullptr));
  }
  const uint32_t error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string reason = TakeErrorReason();
  if (!at_end) return InvalidArgument(StrCat("is no PEM that could be read: ", reason));
  if (out.empty()) return InvalidArgument("holds no certificate in PEM form");
  return out;
}

uint16_t Certificate::curve() const {
  const EC_KEY* const ec = EVP_PKEY_get0_EC_KEY(key.get());
  if (ec == nullptr) return 0;
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) {
    case NID_X9_62_prime256v1: return SSL_CURVE_SECP256R1;
    case NID_secp384r1: return SSL_CURVE_SECP384R1;
    case NID_secp521r1: return SSL_CURVE_SECP521R1;
    default: return 0;
  }
}

absl::StatusOr<std::shared_ptr<const Certificate>> Certificate::Load(const CertificateConfig& config, SystemTime now) {
  if (config.loaded != nullptr) return config.loaded;
  const auto made = std::make_shared<Certificate>();
  Certificate& out = *made;
  if (!config.pkcs12.empty()) {
    NUNCIO_RETURN_IF_ERROR(ReadStore(config, out));
  } else {
    if (config.chain.empty()) return InvalidArgument("certificate_chain: is missing");
    auto chain = ReadPemCertificates(config.chain);
    if (!chain.ok()) return InvalidArgument(StrCat("certificate_chain: ", chain.status().message()));
    out.chain = *std::move(chain);
    NUNCIO_ASSIGN_OR_RETURN(out.key, ReadKey(config));
  }
  const bssl::UniquePtr<X509> leaf(X509_parse_from_buffer(out.chain.front().get()));
  if (leaf == nullptr) return InvalidArgument(StrCat("certificate_chain: cannot be read: ", TakeErrorReason()));
  NUNCIO_RETURN_IF_ERROR(CheckKey(*out.key, out));
  const bssl::UniquePtr<EVP_PKEY> public_key(X509_get_pubkey(leaf.get()));
  const bool fits = public_key != nullptr && EVP_PKEY_cmp(public_key.get(), out.key.get()) == 1;
  ERR_clear_error();
  if (!fits) {
    return InvalidArgument("private_key: does not belong to the first certificate of certificate_chain");
  }
  // All that an ECDSA key does in TLS; all usages where the certificate does not say.
  if (out.ecdsa() && (X509_get_key_usage(leaf.get()) & X509v3_KU_DIGITAL_SIGNATURE) == 0) {
    return InvalidArgument("certificate_chain: has a key usage that does not allow digital signatures");
  }
  const auto facts = std::make_shared<const net::CertificateFacts>(FactsOf(*leaf, Bytes(*out.chain.front())));
  out.facts = facts;
  if (now >= facts->not_after) {
    return InvalidArgument(StrCat("certificate_chain: expired at ", DateText(facts->not_after), " (subject ",
                                  facts->subject, ")"));
  }
  for (const std::string& name : facts->dns_sans) out.names.push_back(Lower(name));
  if (out.names.empty()) {
    if (std::string name = CommonName(*leaf); !name.empty()) out.names.push_back(Lower(name));
  }
  out.must_staple = IsMustStaple(*leaf);
  NUNCIO_RETURN_IF_ERROR(ReadOcsp(config, *leaf, out));
  return made;
}

}  // namespace nuncio::tls
