#include "source/tls/certificate_facts.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

namespace nuncio::tls {
namespace {

std::string NameText(X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  const uint8_t* data = nullptr;
  size_t size = 0;
  BIO_mem_contents(bio.get(), &data, &size);
  return std::string(reinterpret_cast<const char*>(data), size);
}

std::string SerialText(const X509& certificate) {
  const bssl::UniquePtr<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (number == nullptr) return {};
  const bssl::UniquePtr<char> hex(BN_bn2hex(number.get()));
  return hex == nullptr ? std::string() : std::string(hex.get());
}

// A name is whatever bytes an authority signed, line ends included.
std::string NameOf(const ASN1_STRING& string) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : Bytes(string)) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

void AddNames(const X509& certificate, net::CertificateFacts& facts) {
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return;
  for (const GENERAL_NAME* name : names.get()) {
    switch (name->type) {
      case GEN_DNS: facts.dns_sans.push_back(NameOf(*name->d.dNSName)); break;
      case GEN_URI: facts.uri_sans.push_back(NameOf(*name->d.uniformResourceIdentifier)); break;
      case GEN_EMAIL: facts.email_sans.push_back(NameOf(*name->d.rfc822Name)); break;
      case GEN_IPADD:
        if (std::string ip = IpText(*name->d.iPAddress); !ip.empty()) facts.ip_sans.push_back(std::move(ip));
        break;
      default: break;
    }
  }
}

}  // namespace

std::string_view Bytes(const ASN1_STRING& string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&string)),
          static_cast<size_t>(ASN1_STRING_length(&string))};
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

std::string IpText(const ASN1_OCTET_STRING& address) {
  const std::string_view bytes = Bytes(address);
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  char text[INET6_ADDRSTRLEN];
  if (inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text)) == nullptr) return {};
  return text;
}

SystemTime ToSystemTime(const ASN1_TIME* time) {
  int64_t seconds = 0;
  if (time == nullptr || !ASN1_TIME_to_posix(time, &seconds)) return {};
  // A SystemTime counts nanoseconds and ends in 2262.
  constexpr int64_t kLast = 9'223'372'036;
  return SystemTime(std::chrono::seconds(std::min(std::max(seconds, -kLast), kLast)));
}

net::CertificateFacts FactsOf(const X509& certificate, std::string_view der) {
  net::CertificateFacts facts;
  facts.subject = NameText(X509_get_subject_name(&certificate));
  facts.issuer = NameText(X509_get_issuer_name(&certificate));
  facts.serial = SerialText(certificate);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(der.data()), der.size(), digest);
  facts.sha256 = ToHex({reinterpret_cast<const char*>(digest), SHA256_DIGEST_LENGTH});
  SHA1(reinterpret_cast<const uint8_t*>(der.data()), der.size(), digest);
  facts.sha1 = ToHex({reinterpret_cast<const char*>(digest), SHA_DIGEST_LENGTH});
  facts.not_before = ToSystemTime(X509_get0_notBefore(&certificate));
  facts.not_after = ToSystemTime(X509_get0_notAfter(&certificate));
  AddNames(certificate, facts);
  return facts;
}

net::CertificateFacts FactsOf(std::string_view der) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  const bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return certificate == nullptr ? net::CertificateFacts() : FactsOf(*certificate, der);
}

std::string UrlEncodedPem(std::string_view der) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio(bio.get(), PEM_STRING_X509, "", reinterpret_cast<const uint8_t*>(der.data()),
                                      static_cast<long>(der.size())) == 0) {
    return {};
  }
  const uint8_t* data = nullptr;
  size_t size = 0;
  BIO_mem_contents(bio.get(), &data, &size);
  std::string out;
  out.reserve(size + size / 8);
  for (const char c : std::string_view(reinterpret_cast<const char*>(data), size)) {
    switch (c) {
      case '\n': out += "%0A"; break;
      case ' ': out += "%20"; break;
      case '+': out += "%2B"; break;
      case '/': out += "%2F"; break;
      case '=': out += "%3D"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace nuncio::tls
