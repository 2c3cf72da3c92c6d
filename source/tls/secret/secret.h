#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "source/base/clock.h"
#include "source/config/config_source.h"
#include "source/config/fault.h"
#include "source/config/file_content.h"
#include "source/config/subscription.h"
#include "source/net/security_info.h"
#include "source/tls/context_config.h"

namespace nuncio::tls {

// A part of a secret: its bytes, and where they can be read again.
struct SecretPart {
  // As in the message that holds it: "private_key".
  std::string field;
  // Of a certificate without files none are kept once it was loaded.
  std::string bytes;
  // Of the file; empty: the bytes stand in the configuration or in a variable.
  std::string path;
  // Of the file when it was read.
  config::FileState state;
  // False: a file or variable of another machine, whose content is not known here.
  bool known = true;
};

struct CertificateSecret {
  std::optional<SecretPart> chain;
  std::optional<SecretPart> private_key;
  std::optional<SecretPart> password;
  std::optional<SecretPart> pkcs12;
  std::optional<SecretPart> ocsp_staple;
  // What CheckSecret made of them; null where the bytes are not known.
  std::shared_ptr<const Certificate> loaded;
};

struct ValidationSecret {
  std::optional<SecretPart> trusted_ca;
  std::optional<SecretPart> crl;
  // Without `trusted_ca` and `crl`.
  ValidationConfig rest;
};

struct TicketKeysSecret {
  std::vector<SecretPart> keys;
};

// In the order of Secret::value.
enum class SecretKind : uint8_t { kCertificate, kValidation, kTicketKeys };
// As the message calls it: "tls_certificate".
std::string_view NameOf(SecretKind kind);

// Something that TLS needs, as read. Immutable once it was checked; any thread.
struct Secret final : config::CompiledResource {
  // Empty: it stands within a TLS context.
  std::string name;
  std::variant<CertificateSecret, ValidationSecret, TicketKeysSecret> value;
  // Watched in place of the files' own directories; empty: these.
  std::string watched_directory;
  // The chain, the leaf first, or those trusted. Set by CheckSecret; empty where the bytes are not known.
  std::vector<std::shared_ptr<const net::CertificateFacts>> certificates;
  // The validity of the OCSP response, where there is one that is known. No `next_update`: it does not say.
  struct OcspTimes {
    SystemTime this_update;
    std::optional<SystemTime> next_update;
  };
  std::optional<OcspTimes> ocsp;

  SecretKind kind() const { return static_cast<SecretKind>(value.index()); }
  bool known() const;
  // What was read from files.
  std::vector<const SecretPart*> files() const;
  // The end of the first certificate's validity; unset: there is none.
  std::optional<SystemTime> expires() const;
};

// Calls `visit` with each part that is there.
template <typename AnySecret, typename Visit>
void ForEachPart(AnySecret& secret, Visit&& visit) {
  const auto maybe = [&](auto& part) {
    if (part.has_value()) visit(*part);
  };
  if (auto* certificate = std::get_if<CertificateSecret>(&secret.value)) {
    maybe(certificate->chain);
    maybe(certificate->private_key);
    maybe(certificate->password);
    maybe(certificate->pkcs12);
    maybe(certificate->ocsp_staple);
  } else if (auto* validation = std::get_if<ValidationSecret>(&secret.value)) {
    maybe(validation->trusted_ca);
    maybe(validation->crl);
  } else {
    for (auto& key : std::get<TicketKeysSecret>(secret.value).keys) visit(key);
  }
}

// Whether the parts are readable, fit together and are valid at `now`; fills in `certificates`, `loaded` and `ocsp`. Of
// what is not known nothing is checked. Faults stand at the fields of the secret's message and name files; none holds
// bytes of a key.
void CheckSecret(Secret& secret, SystemTime now, config::Faults& faults);

// The secret with its files read anew, checked. Null with faults.
std::shared_ptr<const Secret> ReadAgain(const Secret& secret, SystemTime now, config::Faults& faults);

// As the contexts take them. Of secrets that are known.
CertificateConfig ToConfig(const CertificateSecret& secret);
// `defaults` (may be null): what holds unless `secret` says otherwise.
ValidationConfig ToConfig(const ValidationSecret* defaults, const ValidationSecret& secret);

}  // namespace nuncio::tls
