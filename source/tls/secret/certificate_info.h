#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/clock.h"

namespace nuncio::tls {

// What /certs and the gauges of expiry show of a certificate.
struct CertificateInfo {
  struct Name {
    enum class Kind { kDns, kUri, kIpAddress };
    Kind kind;
    std::string text;
  };
  // In hexadecimal, lower case.
  std::string serial;
  std::vector<Name> names;
  SystemTime not_before;
  SystemTime not_after;
};

// Those of a text in PEM, in its order. An error: there is none, or one that cannot be read.
absl::StatusOr<std::vector<CertificateInfo>> ReadCertificates(std::string_view pem);
// Those of a PKCS #12 store, that of its key first.
absl::StatusOr<std::vector<CertificateInfo>> ReadPkcs12Certificates(std::string_view der, const std::string& password);

}  // namespace nuncio::tls
