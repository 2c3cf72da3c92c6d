#include "source/tls/secret/tls_config.h"

#include <utility>
#include <variant>

#include "source/base/strings.h"
#include "source/tls/client_context.h"
#include "source/tls/server_context.h"

namespace nuncio::tls {
namespace {

// Fills in what the secrets hold.
void Fill(const TlsConfig& config, const ContextSecrets& secrets, std::shared_ptr<KeyLogSink> sink, CommonConfig& out,
          std::vector<std::string>* ticket_keys) {
  size_t at = 0;
  const auto next = [&]() -> const auto& { return secrets[at++]->value; };
  for (size_t i = 0; i < config.certificates.size(); ++i) {
    out.certificates.push_back(ToConfig(std::get<CertificateSecret>(next())));
  }
  const ValidationSecret* defaults = nullptr;
  if (config.default_validation.has_value()) defaults = &std::get<ValidationSecret>(next());
  if (config.validation.has_value()) out.validation = ToConfig(defaults, std::get<ValidationSecret>(next()));
  if (config.ticket_keys.has_value()) {
    for (const SecretPart& key : std::get<TicketKeysSecret>(next()).keys) ticket_keys->push_back(key.bytes);
  }
  if (out.key_log.has_value()) out.key_log->sink = std::move(sink);
}

}  // namespace

std::string SecretUse::path() const {
  return field.starts_with("session_ticket_keys") ? field : StrCat("common_tls_context.", field);
}

std::string_view SecretUse::stat_name() const {
  if (!name.empty()) return name;
  return std::string_view(field).substr(field.rfind('.') + 1);
}

std::vector<const SecretUse*> TlsConfig::uses() const {
  std::vector<const SecretUse*> out;
  for (const SecretUse& each : certificates) out.push_back(&each);
  if (default_validation.has_value()) out.push_back(&*default_validation);
  if (validation.has_value()) out.push_back(&*validation);
  if (ticket_keys.has_value()) out.push_back(&*ticket_keys);
  return out;
}

absl::StatusOr<std::shared_ptr<const ServerContext>> BuildContext(const DownstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink) {
  ServerContextConfig full = config.base;
  Fill(config, secrets, std::move(sink), full.common, &full.ticket_keys);
  // Whether certificates have expired was judged when they were read: one that did so meanwhile keeps no other from
  // changing.
  return ServerContext::Create(full, SystemTime());
}

absl::StatusOr<std::shared_ptr<const ClientContext>> BuildContext(const UpstreamTlsConfig& config,
                                                                  const ContextSecrets& secrets,
                                                                  std::shared_ptr<KeyLogSink> sink) {
  ClientContextConfig full = config.base;
  Fill(config, secrets, std::move(sink), full.common, nullptr);
  return ClientContext::Create(full, SystemTime());
}

}  // namespace nuncio::tls
