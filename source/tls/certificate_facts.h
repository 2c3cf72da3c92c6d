#pragma once

#include <openssl/x509.h>

#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/net/security_info.h"

namespace nuncio::tls {

// Works out the facts of a certificate whose DER form is `der`. Bytes that are no X.509 certificate give empty ones.
net::CertificateFacts FactsOf(std::string_view der);
net::CertificateFacts FactsOf(const X509& certificate, std::string_view der);

// The DER form as PEM, and that as URLs need it: "-----BEGIN%20CERTIFICATE-----%0AMII...".
std::string UrlEncodedPem(std::string_view der);

// "YYYYMMDDHHMMSSZ" and the like; the epoch where the time cannot be told.
SystemTime ToSystemTime(const ASN1_TIME* time);

// The text of an address in a certificate's names, 4 or 16 bytes; empty for others.
std::string IpText(const ASN1_OCTET_STRING& address);
std::string_view Bytes(const ASN1_STRING& string);
std::string ToHex(std::string_view bytes);

}  // namespace nuncio::tls
