#include "source/tls/secret/secret.h"

#include <algorithm>
#include <utility>

#include "source/base/strings.h"
#include "source/tls/certificate.h"
#include "source/tls/certificate_facts.h"
#include "source/tls/client_context.h"

namespace nuncio::tls {
namespace {

using config::Faults;

constexpr size_t kTicketKeySize = 80;
// As for files elsewhere in the configuration.
constexpr size_t kMaxFileSize = 1 << 20;
constexpr std::string_view kKinds[] = {"tls_certificate", "validation_context", "session_ticket_keys"};

// Names the file that is at fault, if it is one.
void AddAt(const SecretPart& part, std::string_view reason, Faults& faults) {
  if (part.path.empty()) return faults.Add(part.field, reason);
  faults.Add(part.field, StrCat(config::Quote(part.path, config::kMaxPathLength), ": ", reason));
}

// A fault that begins with a field, maybe below `prefix`, at the part that it is about.
void AddLoadFault(const Secret& secret, const absl::Status& status, std::string_view prefix, Faults& faults) {
  std::string_view text = ToStd(status.message());
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  const size_t colon = text.find(": ");
  if (colon == std::string_view::npos) return faults.Add(text);
  const std::string_view field = text.substr(0, colon);
  text.remove_prefix(colon + 2);
  const SecretPart* found = nullptr;
  ForEachPart(secret, [&](const SecretPart& part) {
    if (part.field == field || (found == nullptr && part.field == "pkcs12")) found = &part;
  });
  if (found != nullptr) return AddAt(*found, text, faults);
  faults.Add(field, text);
}

std::shared_ptr<const net::CertificateFacts> Facts(const CRYPTO_BUFFER& certificate) {
  return std::make_shared<const net::CertificateFacts>(FactsOf(Bytes(certificate)));
}

void CheckCertificate(Secret& secret, SystemTime now, Faults& faults) {
  auto& parts = std::get<CertificateSecret>(secret.value);
  parts.loaded = nullptr;
  const auto loaded = Certificate::Load(ToConfig(parts), now);
  if (!loaded.ok()) return AddLoadFault(secret, loaded.status(), "", faults);
  const Certificate& certificate = **loaded;
  secret.certificates.push_back(certificate.facts);
  for (size_t i = 1; i < certificate.chain.size(); ++i) secret.certificates.push_back(Facts(*certificate.chain[i]));
  if (certificate.ocsp.has_value()) secret.ocsp = {certificate.ocsp->this_update(), certificate.ocsp->next_update()};
  parts.loaded = *loaded;
  if (secret.files().empty()) ForEachPart(secret, [](SecretPart& part) { part.bytes = std::string(); });
}

void CheckValidation(Secret& secret, SystemTime now, Faults& faults) {
  const auto& parts = std::get<ValidationSecret>(secret.value);
  ClientContextConfig alone;
  alone.common.validation = ToConfig(nullptr, parts);
  // Names are of use only with a root to trust, which may come from elsewhere.
  if (alone.common.validation->trusted_ca.empty()) alone.common.validation->sans.clear();
  if (const auto context = ClientContext::Create(alone, now); !context.ok()) {
    return AddLoadFault(secret, context.status(), "validation_context.", faults);
  }
  if (!parts.trusted_ca.has_value()) return;
  const auto certificates = ReadPemCertificates(parts.trusted_ca->bytes);
  if (!certificates.ok()) return AddAt(*parts.trusted_ca, ToStd(certificates.status().message()), faults);
  for (const auto& each : *certificates) secret.certificates.push_back(Facts(*each));
}

void CheckTicketKeys(const TicketKeysSecret& secret, Faults& faults) {
  for (const SecretPart& key : secret.keys) {
    if (key.bytes.size() == kTicketKeySize) continue;
    AddAt(key, StrCat("must be of ", kTicketKeySize, " bytes (is of ", key.bytes.size(), ")"), faults);
  }
}

// Presence alone; true where the rest can be looked at.
bool CheckPresence(const CertificateSecret& secret, Faults& faults) {
  if (secret.pkcs12.has_value()) {
    if (!secret.chain.has_value() && !secret.private_key.has_value()) return true;
    faults.Add("pkcs12", "cannot stand beside certificate_chain and private_key, in whose place it is");
    return false;
  }
  if (!secret.chain.has_value()) faults.Add("certificate_chain", "must be set");
  if (!secret.private_key.has_value()) faults.Add("private_key", "must be set");
  return secret.chain.has_value() && secret.private_key.has_value();
}

}  // namespace

std::string_view NameOf(SecretKind kind) { return kKinds[static_cast<size_t>(kind)]; }

bool Secret::known() const {
  bool all = true;
  ForEachPart(*this, [&](const SecretPart& part) { all = all && part.known; });
  return all;
}

std::vector<const SecretPart*> Secret::files() const {
  std::vector<const SecretPart*> out;
  ForEachPart(*this, [&](const SecretPart& part) {
    if (!part.path.empty()) out.push_back(&part);
  });
  return out;
}

std::optional<SystemTime> Secret::expires() const {
  std::optional<SystemTime> first;
  for (const auto& each : certificates) first = std::min(first.value_or(each->not_after), each->not_after);
  return first;
}

void CheckSecret(Secret& secret, SystemTime now, Faults& faults) {
  const auto* certificate = std::get_if<CertificateSecret>(&secret.value);
  if (certificate != nullptr && !CheckPresence(*certificate, faults)) return;
  if (!secret.known()) return;
  if (certificate != nullptr) return CheckCertificate(secret, now, faults);
  if (std::holds_alternative<ValidationSecret>(secret.value)) return CheckValidation(secret, now, faults);
  CheckTicketKeys(std::get<TicketKeysSecret>(secret.value), faults);
}

std::shared_ptr<const Secret> ReadAgain(const Secret& secret, SystemTime now, Faults& faults) {
  const size_t before = faults.count();
  auto fresh = std::make_shared<Secret>(secret);
  fresh->certificates.clear();
  fresh->ocsp.reset();
  ForEachPart(*fresh, [&](SecretPart& part) {
    if (part.path.empty()) return;
    auto content = config::ReadRegularFile(part.path, kMaxFileSize);
    if (!content.ok()) return faults.Add(part.field, ToStd(content.status().message()));
    part.bytes = std::move(content->bytes);
    part.state = content->state;
  });
  if (faults.count() == before) CheckSecret(*fresh, now, faults);
  if (faults.count() != before) return nullptr;
  return fresh;
}

CertificateConfig ToConfig(const CertificateSecret& secret) {
  const auto bytes = [](const std::optional<SecretPart>& part) {
    return part.has_value() ? part->bytes : std::string();
  };
  return {bytes(secret.chain), bytes(secret.private_key), bytes(secret.password), bytes(secret.pkcs12),
          bytes(secret.ocsp_staple), secret.loaded};
}

ValidationConfig ToConfig(const ValidationSecret* defaults, const ValidationSecret& secret) {
  static const ValidationSecret kNone;
  const ValidationSecret& under = defaults == nullptr ? kNone : *defaults;
  ValidationConfig out = under.rest;
  const ValidationConfig& over = secret.rest;
  const auto bytes = [](const std::optional<SecretPart>& first, const std::optional<SecretPart>& second) {
    return first.has_value() ? first->bytes : second.has_value() ? second->bytes : std::string();
  };
  out.trusted_ca = bytes(secret.trusted_ca, under.trusted_ca);
  out.crl = bytes(secret.crl, under.crl);
  // Values of proto3: false is no different from unset.
  out.only_verify_leaf_crl = out.only_verify_leaf_crl || over.only_verify_leaf_crl;
  out.allow_expired = out.allow_expired || over.allow_expired;
  out.accept_untrusted = out.accept_untrusted || over.accept_untrusted;
  if (over.max_verify_depth.has_value()) out.max_verify_depth = over.max_verify_depth;
  out.sans.insert(out.sans.end(), over.sans.begin(), over.sans.end());
  out.spki_pins.insert(out.spki_pins.end(), over.spki_pins.begin(), over.spki_pins.end());
  out.hash_pins.insert(out.hash_pins.end(), over.hash_pins.begin(), over.hash_pins.end());
  return out;
}

}  // namespace nuncio::tls
