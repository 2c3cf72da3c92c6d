#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/base/clock.h"

namespace nuncio::tls {

// An OCSP response to be stapled (RFC 6960), as far as a server has to understand what it hands on. Immutable.
class OcspResponse {
 public:
  // Of one certificate, and successful. Whose, and whether it is fresh, is for the caller to ask; the signature is for
  // the client.
  static absl::StatusOr<OcspResponse> Parse(std::string der);

  const std::string& der() const { return der_; }
  // The content octets of the certificate's serial number.
  const std::string& serial() const { return serial_; }
  bool FreshAt(SystemTime now) const {
    return now >= this_update_ && (!next_update_.has_value() || now < *next_update_);
  }
  SystemTime this_update() const { return this_update_; }
  const std::optional<SystemTime>& next_update() const { return next_update_; }

 private:
  OcspResponse() = default;
  std::string der_;
  std::string serial_;
  SystemTime this_update_{};
  std::optional<SystemTime> next_update_;
};

}  // namespace nuncio::tls
