#pragma once

#include <openssl/x509.h>

#include <span>
#include <string>
#include <string_view>

#include "source/tls/context_config.h"

namespace nuncio::tls {

// Whether a certificate's DNS name stands for `name`: the same, or "*.rest" for any one label before it (RFC
// 6125 6.4.3). Letters of any case.
bool DnsNameMatches(std::string_view name, std::string_view pattern);

// Whether one of the names of the certificate (its subjectAltName) meets one of the matchers.
bool AnyNameMatches(const X509& certificate, std::span<const SanMatcher> matchers);

// Whether the certificate is for one of `names`, each a DNS name, an address or a URI.
bool IsForOneOf(const X509& certificate, std::span<const std::string> names);

}  // namespace nuncio::tls
