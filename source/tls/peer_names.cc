#include "source/tls/peer_names.h"

#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>

#include "source/net/address.h"
#include "source/tls/certificate_facts.h"

namespace nuncio::tls {
namespace {

bool EqualIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bssl::UniquePtr<GENERAL_NAMES> NamesOf(const X509& certificate) {
  return bssl::UniquePtr<GENERAL_NAMES>(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

bool DnsMatches(const SanMatcher& matcher, std::string_view name) {
  // The other way round would let a certificate's owner choose the pattern.
  if (matcher.matcher.kind() == matcher::StringMatcher::Kind::kExact && DnsNameMatches(matcher.matcher.text(), name)) {
    return true;
  }
  return matcher.matcher.Matches(name);
}

bool OtherMatches(const SanMatcher& matcher, const OTHERNAME& name) {
  const bssl::UniquePtr<ASN1_OBJECT> oid(OBJ_txt2obj(matcher.oid.c_str(), 1));
  if (oid == nullptr || OBJ_cmp(oid.get(), name.type_id) != 0) return false;
  switch (name.value->type) {
    case V_ASN1_BOOLEAN:
      return matcher.matcher.Matches(name.value->value.boolean != 0 ? "true" : "false");
    case V_ASN1_NULL:
      return matcher.matcher.Matches("");
    case V_ASN1_INTEGER:
    case V_ASN1_ENUMERATED: {
      const bssl::UniquePtr<char> text(i2s_ASN1_INTEGER(nullptr, name.value->value.integer));
      return text != nullptr && matcher.matcher.Matches(text.get());
    }
    case V_ASN1_OBJECT: {
      char text[128];
      const int size = OBJ_obj2txt(text, sizeof(text), name.value->value.object, 1);
      return size > 0 && size < static_cast<int>(sizeof(text)) && matcher.matcher.Matches(text);
    }
    case V_ASN1_SEQUENCE:
    case V_ASN1_SET:
    case V_ASN1_OTHER:
      return false;
    default:
      return name.value->value.asn1_string != nullptr && matcher.matcher.Matches(Bytes(*name.value->value.asn1_string));
  }
}

bool Matches(const SanMatcher& matcher, const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return matcher.type == SanMatcher::Type::kDns && DnsMatches(matcher, Bytes(*name.d.dNSName));
    case GEN_URI:
      return matcher.type == SanMatcher::Type::kUri &&
             matcher.matcher.Matches(Bytes(*name.d.uniformResourceIdentifier));
    case GEN_EMAIL:
      return matcher.type == SanMatcher::Type::kEmail && matcher.matcher.Matches(Bytes(*name.d.rfc822Name));
    case GEN_IPADD: {
      if (matcher.type != SanMatcher::Type::kIp) return false;
      const std::string ip = IpText(*name.d.iPAddress);
      return !ip.empty() && matcher.matcher.Matches(ip);
    }
    case GEN_OTHERNAME:
      return matcher.type == SanMatcher::Type::kOther && OtherMatches(matcher, *name.d.otherName);
    default:
      return false;
  }
}

bool IsFor(const GENERAL_NAME& name, const std::string& wanted) {
  switch (name.type) {
    case GEN_DNS:
      return DnsNameMatches(wanted, Bytes(*name.d.dNSName));
    case GEN_URI:
      return Bytes(*name.d.uniformResourceIdentifier) == wanted;
    case GEN_IPADD: {
      const auto address = net::Address::FromIp(wanted, 0);
      return address.ok() && address->IpBytes() == Bytes(*name.d.iPAddress);
    }
    default:
      return false;
  }
}

}  // namespace

bool DnsNameMatches(std::string_view name, std::string_view pattern) {
  if (name.empty()) return false;
  if (EqualIgnoreCase(name, pattern)) return true;
  if (pattern.size() < 3 || pattern.substr(0, 2) != "*.") return false;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && EqualIgnoreCase(name.substr(dot), pattern.substr(1));
}

bool AnyNameMatches(const X509& certificate, std::span<const SanMatcher> matchers) {
  const auto names = NamesOf(certificate);
  if (names == nullptr) return false;
  for (const GENERAL_NAME* name : names.get()) {
    if (std::any_of(matchers.begin(), matchers.end(), [&](const SanMatcher& m) { return Matches(m, *name); })) {
      return true;
    }
  }
  return false;
}

bool IsForOneOf(const X509& certificate, std::span<const std::string> wanted) {
  const auto names = NamesOf(certificate);
  if (names == nullptr) return false;
  for (const GENERAL_NAME* name : names.get()) {
    if (std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return IsFor(*name, w); })) return true;
  }
  return false;
}

}  // namespace nuncio::tls
