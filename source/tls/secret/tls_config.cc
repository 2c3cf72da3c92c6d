#include "source/tls/secret/tls_config.h"

#include <utility>
#include <variant>

#include "source/base/strings.h"
#include "source/tls/client_context.h"
#include "source/tls/server_context.h"

namespace nuncio::tls {
namespace {

// Fills in what the secrets hold. Secrets by discovery may be of another kind than their place is for.
absl::Status Fill(const TlsConfig& config, const ContextSecrets& secrets, std::shared_ptr<KeyLogSink> sink,
                  CommonConfig& out, std::vector<std::string>* ticket_keys) {
  size_t at = 0;
  for (const SecretUse& use : config.certificates) {
    const auto* certificate = std::get_if<CertificateSecret>(&secrets[at++]->value);
    if (certificate == nullptr) return InvalidArgument(StrCat(use.field, ": the secret is no tls_certificate"));
    out.certificates.push_back(ToConfig(*certificate));
  }
  const auto* defaults = config.default_validation == nullptr
                             ? nullptr
                             : &std::get<ValidationSecret>(config.default_validation->value);
  if (config.validation.has_value()) {
    const auto* validation = std::get_if<ValidationSecret>(&secrets[at++]->value);
    if (validation == nullptr) {
      return InvalidArgument(StrCat(config.validation->field, ": the secret is no validation_context"));
    }
    out.validation = ToConfig(defaults, *validation);
  }
  if (config.ticket_keys.has_value() && ticket_keys != nullptr) {
    const auto* keys = std::get_if<TicketKeysSecret>(&secrets[at++]->value);
    if (keys == nullptr) {
      return InvalidArgument(StrCat(config.ticket_keys->field, ": the secret is no session_ticket_keys"));
    }
    for (const SecretPart& key : keys->keys) ticket_keys->push_back(key.bytes);
  }
  if (out.key_log.has_value()) out.key_log->sink = std::move(sink);
  return absl::OkStatus();
}

}  // namespace

std::string SecretUse::path() const {
  return field.starts_with("session_ticket_keys") ? field : StrCat("common_tls_context.", field);
}

std::vector<const SecretUse*> TlsConfig::uses() const {
  std::vector<const SecretUse*> out;
  for (const SecretUse& each : certificates) out.push_back(&each);
  if (validation.has_value()) out.push_back(&*validation);
  if (ticket_keys.has_value()) out.push_back(&*ticket_keys);
  return out;
}

absl::StatusOr<std::shared_ptr<const ServerContext>> BuildContext(const DownstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink) {
  ServerContextConfig full = config.base;
  const absl::Status status = Fill(config, secrets, std::move(sink), full.common, &full.ticket_keys);
  if (!status.ok()) return status;
  // Whether certificates have expired was judged when they were read: one that did so meanwhile keeps no other from changing.
  return ServerContext::Create(full, SystemTime());
}

absl::StatusOr<std::shared_ptr<const ClientContext>> BuildContext(const UpstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink) {
  ClientContextConfig full = config.base;
  const absl::Status status = Fill(config, secrets, std::move(sink), full.common, nullptr);
  if (!status.ok()) return status;
  return ClientContext::Create(full, SystemTime());
}

}  // namespace nuncio::tls
