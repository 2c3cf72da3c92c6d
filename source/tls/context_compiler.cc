#include "source/tls/context_compiler.h"

#include <utility>

#include "absl/hash/hash.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "source/base/strings.h"
#include "source/config/config_source_reader.h"
#include "source/config/converters.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"
#include "source/tls/client_context.h"
#include "source/tls/secret_compiler.h"

namespace nuncio::tls {
namespace {

using config::DataSourceAccess;
using config::Faults;
using envoy::config::core::v3::TransportSocket;
using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;

constexpr size_t kMaxAlpnLength = 255;

ProtocolVersion ToVersion(v3::TlsParameters::TlsProtocol version) {
  switch (version) {
    case v3::TlsParameters::TLSv1_0:
      return ProtocolVersion::kTls10;
    case v3::TlsParameters::TLSv1_1:
      return ProtocolVersion::kTls11;
    case v3::TlsParameters::TLSv1_2:
      return ProtocolVersion::kTls12;
    case v3::TlsParameters::TLSv1_3:
      return ProtocolVersion::kTls13;
    default:
      return ProtocolVersion::kAuto;
  }
}

void ReadParameters(const v3::TlsParameters& message, ProtocolConfig& out) {
  out.min_version = ToVersion(message.tls_minimum_protocol_version());
  out.max_version = ToVersion(message.tls_maximum_protocol_version());
  out.cipher_suites.assign(message.cipher_suites().begin(), message.cipher_suites().end());
  out.curves.assign(message.ecdh_curves().begin(), message.ecdh_curves().end());
  out.signature_algorithms.assign(message.signature_algorithms().begin(), message.signature_algorithms().end());
  for (const int policy : message.compliance_policies()) {
    out.fips_202205 = out.fips_202205 || policy == v3::TlsParameters::FIPS_202205;
  }
}

// An element may hold several, as Envoy reads them.
void ReadAlpn(const v3::CommonTlsContext& message, std::vector<std::string>& out, Faults& faults) {
  for (int i = 0; i < message.alpn_protocols_size(); ++i) {
    std::string_view rest = message.alpn_protocols(i);
    while (true) {
      const size_t comma = rest.find(',');
      const std::string_view each = rest.substr(0, comma);
      if (each.empty() || each.size() > kMaxAlpnLength) {
        Faults::Scope scope(faults, "alpn_protocols", static_cast<size_t>(i));
        faults.Add(StrCat("must name protocols of 1 to ", kMaxAlpnLength, " bytes, with commas between them"));
        break;
      }
      out.emplace_back(each);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
}

std::vector<net::CidrRange> ReadRanges(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange>& messages, std::string_view field,
    Faults& faults) {
  std::vector<net::CidrRange> out;
  for (int i = 0; i < messages.size(); ++i) {
    auto range = net::CidrRange::Create(messages[i].address_prefix(), messages[i].prefix_len().value());
    if (range.ok()) {
      out.push_back(*range);
      continue;
    }
    Faults::Scope scope(faults, field, static_cast<size_t>(i));
    faults.Add(ToStd(range.status().message()));
  }
  return out;
}

SecretUse ReadReference(const v3::SdsSecretConfig& message, std::string field, SecretKind kind, Faults& faults) {
  Faults::Scope scope(faults, field);
  SecretUse use;
  use.field = std::move(field);
  use.kind = kind;
  use.name = message.name();
  if (message.has_sds_config()) {
    Faults::Scope source(faults, "sds_config");
    use.source = config::ReadConfigSource(message.sds_config(), faults);
  }
  return use;
}

SecretUse Inlined(std::string field, SecretKind kind, std::shared_ptr<const Secret> secret) {
  SecretUse use;
  use.field = std::move(field);
  use.kind = kind;
  use.inlined = std::move(secret);
  return use;
}

void ReadCertificates(const v3::CommonTlsContext& message, DataSourceAccess access, TlsConfig& out, Faults& faults) {
  for (int i = 0; i < message.tls_certificates_size(); ++i) {
    std::string field = StrCat("tls_certificates[", i, "]");
    Faults::Scope scope(faults, field);
    out.certificates.push_back(Inlined(std::move(field), SecretKind::kCertificate,
                                       CompileCertificate(message.tls_certificates(i), access, faults)));
  }
  for (int i = 0; i < message.tls_certificate_sds_secret_configs_size(); ++i) {
    out.certificates.push_back(ReadReference(message.tls_certificate_sds_secret_configs(i),
                                             StrCat("tls_certificate_sds_secret_configs[", i, "]"),
                                             SecretKind::kCertificate, faults));
  }
  if (message.tls_certificates_size() > 0 && message.tls_certificate_sds_secret_configs_size() > 0) {
    faults.Add("tls_certificate_sds_secret_configs", "cannot stand beside tls_certificates: one of the two only");
  }
}

void ReadValidation(const v3::CommonTlsContext& message, DataSourceAccess access, TlsConfig& out, Faults& faults) {
  if (message.has_validation_context()) {
    Faults::Scope scope(faults, "validation_context");
    out.validation =
        Inlined("validation_context", SecretKind::kValidation,
                CompileValidation(message.validation_context(), access, faults));
  } else if (message.has_validation_context_sds_secret_config()) {
    out.validation = ReadReference(message.validation_context_sds_secret_config(),
                                   "validation_context_sds_secret_config", SecretKind::kValidation, faults);
  } else if (message.has_combined_validation_context()) {
    const auto& combined = message.combined_validation_context();
    out.validation = ReadReference(combined.validation_context_sds_secret_config(),
                                   "combined_validation_context.validation_context_sds_secret_config",
                                   SecretKind::kValidation, faults);
    const std::string field = "combined_validation_context.default_validation_context";
    Faults::Scope scope(faults, field);
    out.default_validation = Inlined(field, SecretKind::kValidation,
                                     CompileValidation(combined.default_validation_context(), access, faults));
  }
}

void ReadCommon(const v3::CommonTlsContext& message, DataSourceAccess access, TlsConfig& out, CommonConfig& base,
                Faults& faults) {
  ReadParameters(message.tls_params(), base.protocol);
  ReadCertificates(message, access, out, faults);
  ReadValidation(message, access, out, faults);
  ReadAlpn(message, base.alpn, faults);
  if (!message.has_key_log()) return;
  Faults::Scope scope(faults, "key_log");
  base.key_log.emplace();
  out.key_log_path = message.key_log().path();
  base.key_log->local = ReadRanges(message.key_log().local_address_range(), "local_address_range", faults);
  base.key_log->remote = ReadRanges(message.key_log().remote_address_range(), "remote_address_range", faults);
}

// A fault that Create worded, which begins with a place in CommonTlsContext or in the message around it.
void AddContextFault(const absl::Status& status, const google::protobuf::Descriptor& around, Faults& faults) {
  const std::string_view text = ToStd(status.message());
  const size_t colon = text.find(": ");
  const std::string_view field = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  const std::string_view reason = colon == std::string_view::npos ? text : text.substr(colon + 2);
  if (around.FindFieldByName(std::string(field.substr(0, field.find_first_of(".[")))) != nullptr) {
    return faults.Add(field, reason);
  }
  Faults::Scope scope(faults, "common_tls_context");
  if (field.empty()) return faults.Add(reason);
  faults.Add(field, reason);
}

template <typename Config>
std::shared_ptr<const typename Config::Context> Make(const Config& config, const ContextSecrets& secrets,
                                                     const google::protobuf::Descriptor& around, Faults& faults) {
  auto context = BuildContext(config, secrets, nullptr);
  if (context.ok()) return *std::move(context);
  AddContextFault(context.status(), around, faults);
  return nullptr;
}

// Makes the context where all that it needs stands here; else tries what does not hang on secrets.
template <typename Config>
void TryOut(Config& config, const google::protobuf::Descriptor& around, Faults& faults) {
  ContextSecrets secrets;
  bool complete = true;
  for (const SecretUse* use : config.uses()) {
    complete = complete && use->inlined != nullptr && use->inlined->known();
    secrets.push_back(use->inlined);
  }
  if (complete) {
    auto context = Make(config, secrets, around, faults);
    // One with a key log needs the file, which is opened later.
    if (config.key_log_path.empty()) config.ready = std::move(context);
    return;
  }
  ClientContextConfig rest;
  rest.common.protocol = config.base.common.protocol;
  rest.common.alpn = config.base.common.alpn;
  if (const auto context = ClientContext::Create(rest); !context.ok()) {
    AddContextFault(context.status(), around, faults);
  }
}

template <typename M>
uint64_t HashOf(const M& message) {
  return absl::Hash<std::string>{}(config::SerializeDeterministically(message));
}

// False with faults. `is_tls`: it is one of type `Context`, which is filled in; else plain TCP.
template <typename Context>
bool ReadSocket(const TransportSocket& socket, Context& context, bool& is_tls, Faults& faults) {
  if (!socket.has_typed_config()) {
    if (socket.name() == "envoy.transport_sockets.raw_buffer" || socket.name() == "raw_buffer") return true;
    faults.Add("typed_config", StrCat("required: the configuration of ", config::Quote(socket.name())));
    return false;
  }
  Faults::Scope scope(faults, "typed_config");
  if (config::Holds<RawBuffer>(socket.typed_config())) {
    RawBuffer raw;
    return config::UnpackAndCheck(socket.typed_config(), &raw, faults);
  }
  if (!config::Holds<Context>(socket.typed_config())) {
    faults.Add(StrCat("transport socket ", config::Quote(socket.name()), " of type ",
                      config::Quote(socket.typed_config().type_url()), " is not part of this build here; known: ",
                      "envoy.transport_sockets.raw_buffer and envoy.transport_sockets.tls with ",
                      Context::descriptor()->full_name()));
    return false;
  }
  is_tls = true;
  return config::UnpackAndCheck(socket.typed_config(), &context, faults);
}

}  // namespace

std::shared_ptr<const DownstreamTlsConfig> CompileDownstreamTls(const v3::DownstreamTlsContext& message,
                                                                DataSourceAccess access, Faults& faults) {
  const size_t before = faults.count();
  auto out = std::make_shared<DownstreamTlsConfig>();
  out->hash = HashOf(message);
  {
    Faults::Scope scope(faults, "common_tls_context");
    ReadCommon(message.common_tls_context(), access, *out, out->base.common, faults);
    if (out->certificates.empty() && faults.count() == before) {
      faults.Add("tls_certificates", "must hold a certificate, or tls_certificate_sds_secret_configs must");
    }
  }
  out->base.require_client_certificate = message.require_client_certificate().value();
  if (message.has_session_ticket_keys()) {
    Faults::Scope scope(faults, "session_ticket_keys");
    out->ticket_keys =
        Inlined("session_ticket_keys", SecretKind::kTicketKeys,
                CompileTicketKeys(message.session_ticket_keys(), access, faults));
  } else if (message.has_session_ticket_keys_sds_secret_config()) {
    out->ticket_keys = ReadReference(message.session_ticket_keys_sds_secret_config(),
                                     "session_ticket_keys_sds_secret_config", SecretKind::kTicketKeys, faults);
  }
  out->base.disable_tickets = message.disable_stateless_session_resumption();
  out->base.disable_session_cache = message.disable_stateful_session_resumption();
  if (message.has_session_timeout()) {
    out->base.session_timeout = std::chrono::duration_cast<std::chrono::seconds>(
        config::DurationField(true, message.session_timeout(), "session_timeout", {}, faults));
  }
  out->base.ocsp_policy = static_cast<ServerContextConfig::OcspPolicy>(message.ocsp_staple_policy());
  out->base.full_scan_on_sni_mismatch = message.full_scan_certs_on_sni_mismatch().value();
  out->base.prefer_client_ciphers = message.prefer_client_ciphers();
  if (faults.count() == before) TryOut(*out, *message.GetDescriptor(), faults);
  return faults.count() == before ? std::move(out) : nullptr;
}

std::shared_ptr<const UpstreamTlsConfig> CompileUpstreamTls(const v3::UpstreamTlsContext& message,
                                                            DataSourceAccess access, Faults& faults) {
  const size_t before = faults.count();
  auto out = std::make_shared<UpstreamTlsConfig>();
  out->hash = HashOf(message);
  {
    Faults::Scope scope(faults, "common_tls_context");
    ReadCommon(message.common_tls_context(), access, *out, out->base.common, faults);
    if (out->certificates.size() > 1) {
      faults.Add("tls_certificates", StrCat("must hold at most one certificate towards servers (there are ",
                                            out->certificates.size(), ")"));
    }
  }
  out->base.sni = message.sni();
  out->auto_host_sni = message.auto_host_sni();
  out->base.auto_sni_san_validation = message.auto_sni_san_validation();
  out->base.allow_renegotiation = message.allow_renegotiation();
  if (message.has_max_session_keys()) out->base.max_sessions = message.max_session_keys().value();
  if (message.has_enforce_rsa_key_usage()) {
    out->base.enforce_rsa_key_usage = message.enforce_rsa_key_usage().value();
  }
  if (faults.count() == before) TryOut(*out, *message.GetDescriptor(), faults);
  return faults.count() == before ? std::move(out) : nullptr;
}

std::shared_ptr<const Secret> CompileSecret(const v3::Secret& message, DataSourceAccess access, Faults& faults) {
  std::shared_ptr<Secret> out;
  if (message.name().empty()) {
    faults.Add("name", "required: contexts find the secret by it");
  }
  const size_t before = faults.count();
  switch (message.type_case()) {
    case v3::Secret::kTlsCertificate: {
      Faults::Scope scope(faults, "tls_certificate");
      out = CompileCertificate(message.tls_certificate(), access, faults);
      break;
    }
    case v3::Secret::kSessionTicketKeys: {
      Faults::Scope scope(faults, "session_ticket_keys");
      out = CompileTicketKeys(message.session_ticket_keys(), access, faults);
      break;
    }
    case v3::Secret::kValidationContext: {
      Faults::Scope scope(faults, "validation_context");
      out = CompileValidation(message.validation_context(), access, faults);
      break;
    }
    case v3::Secret::TYPE_NOT_SET:
      faults.Add("one of tls_certificate, session_ticket_keys, validation_context must be set");
      break;
  }
  if (message.name().empty() || faults.count() != before) return nullptr;
  out->name = message.name();
  return out;
}

void CheckContext(const DownstreamTlsConfig& config, const ContextSecrets& secrets, Faults& faults) {
  Make(config, secrets, *v3::DownstreamTlsContext::descriptor(), faults);
}

void CheckContext(const UpstreamTlsConfig& config, const ContextSecrets& secrets, Faults& faults) {
  Make(config, secrets, *v3::UpstreamTlsContext::descriptor(), faults);
}

bool CompileDownstreamSocket(const TransportSocket& socket, DataSourceAccess access,
                             std::shared_ptr<const DownstreamTlsConfig>& tls, Faults& faults) {
  v3::DownstreamTlsContext context;
  bool is_tls = false;
  if (!ReadSocket(socket, context, is_tls, faults)) return false;
  if (!is_tls) return true;
  Faults::Scope scope(faults, "typed_config");
  tls = CompileDownstreamTls(context, access, faults);
  return tls != nullptr;
}

bool CompileUpstreamSocket(const TransportSocket& socket, DataSourceAccess access,
                           std::shared_ptr<const UpstreamTlsConfig>& tls, Faults& faults) {
  v3::UpstreamTlsContext context;
  bool is_tls = false;
  if (!ReadSocket(socket, context, is_tls, faults)) return false;
  if (!is_tls) return true;
  Faults::Scope scope(faults, "typed_config");
  tls = CompileUpstreamTls(context, access, faults);
  return tls != nullptr;
}

std::shared_ptr<const config::CompiledResource> SecretType::Compile(std::string_view bytes, std::string& name,
                                                                    Faults& faults) const {
  v3::Secret message;
  const bool whole = config::ParseAndCheck(bytes, message, faults);
  name = message.name();
  if (!whole) return nullptr;
  return CompileSecret(message, access_, faults);
}

}  // namespace nuncio::tls
