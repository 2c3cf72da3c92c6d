#include "source/tls/secret/certificate_info.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "openssl/bytestring.h"
#include "openssl/err.h"
#include "openssl/mem.h"
#include "openssl/pem.h"
#include "openssl/pkcs8.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"
#include "source/base/strings.h"

namespace nuncio::tls {
namespace {

SystemTime ToTime(const ASN1_TIME* time) {
  int64_t seconds = 0;
  if (ASN1_TIME_to_posix(time, &seconds) != 1) return SystemTime();
  // What 64 bits of nanoseconds hold ends in 2262; a certificate may name the year 9999.
  constexpr int64_t kMost = INT64_MAX / 1'000'000'000;
  return SystemTime(std::chrono::seconds(std::min(std::max(seconds, -kMost), kMost)));
}

std::string SerialOf(const X509& certificate) {
  const bssl::UniquePtr<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (number == nullptr) return "";
  const bssl::UniquePtr<char> hex(BN_bn2hex(number.get()));
  return hex == nullptr ? std::string() : AsciiToLower(hex.get());
}

std::string TextOf(const ASN1_STRING& text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&text)), static_cast<size_t>(ASN1_STRING_length(&text))};
}

std::string IpText(const ASN1_STRING& address) {
  char text[INET6_ADDRSTRLEN];
  const int family = ASN1_STRING_length(&address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(&address) != 16) return "";
  return inet_ntop(family, ASN1_STRING_get0_data(&address), text, sizeof(text)) == nullptr ? "" : text;
}

std::vector<CertificateInfo::Name> NamesOf(const X509& certificate) {
  using Kind = CertificateInfo::Name::Kind;
  std::vector<CertificateInfo::Name> out;
  const bssl::UniquePtr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return out;
  for (const GENERAL_NAME* name : names.get()) {
    if (name->type == GEN_DNS) out.push_back({Kind::kDns, TextOf(*name->d.dNSName)});
    if (name->type == GEN_URI) out.push_back({Kind::kUri, TextOf(*name->d.uniformResourceIdentifier)});
    if (name->type == GEN_IPADD) out.push_back({Kind::kIpAddress, IpText(*name->d.iPAddress)});
  }
  return out;
}

CertificateInfo InfoOf(const X509& certificate) {
  return {SerialOf(certificate), NamesOf(certificate), ToTime(X509_get0_notBefore(&certificate)),
          ToTime(X509_get0_notAfter(&certificate))};
}

}  // namespace

absl::StatusOr<std::vector<CertificateInfo>> ReadCertificates(std::string_view pem) {
  const bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<ssize_t>(pem.size())));
  std::vector<CertificateInfo> out;
  while (true) {
    const bssl::UniquePtr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    out.push_back(InfoOf(*certificate));
  }
  const uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) return InvalidArgument("holds a certificate in PEM that cannot be read");
  if (out.empty()) return InvalidArgument("holds no certificate in PEM");
  return out;
}

absl::StatusOr<std::vector<CertificateInfo>> ReadPkcs12Certificates(std::string_view der,
                                                                    const std::string& password) {
  CBS bytes;
  CBS_init(&bytes, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  const bssl::UniquePtr<STACK_OF(X509)> certificates(sk_X509_new_null());
  EVP_PKEY* key = nullptr;
  const bool read = PKCS12_get_key_and_certs(&key, certificates.get(), &bytes, password.c_str()) == 1;
  const bssl::UniquePtr<EVP_PKEY> owned_key(key);
  ERR_clear_error();
  if (!read) return InvalidArgument("is no PKCS #12 store that the password opens");
  std::vector<CertificateInfo> out;
  for (X509* certificate : certificates.get()) {
    CertificateInfo info = InfoOf(*certificate);
    const bool leaf = owned_key != nullptr && X509_check_private_key(certificate, owned_key.get()) == 1;
    out.insert(leaf ? out.begin() : out.end(), std::move(info));
  }
  ERR_clear_error();
  if (out.empty()) return InvalidArgument("holds no certificate");
  return out;
}

}  // namespace nuncio::tls
