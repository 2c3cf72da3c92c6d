#include "source/tls/secret_compiler.h"

#include <chrono>
#include <utility>

#include "source/base/strings.h"
#include "source/matcher/config.h"

namespace nuncio::tls {
namespace {

using config::DataSourceAccess;
using config::Faults;
using envoy::config::core::v3::DataSource;

constexpr char kSystemRoots[] = "/etc/ssl/certs/ca-certificates.crt";

std::optional<SecretPart> ReadPart(const DataSource& source, std::string field, DataSourceAccess access,
                                   Faults& faults) {
  Faults::Scope scope(faults, field);
  SecretPart part;
  part.field = std::move(field);
  const bool elsewhere = source.has_filename() || source.has_environment_variable();
  part.known = access == DataSourceAccess::kRead || !elsewhere;
  if (source.has_filename()) {
    part.path = source.filename();
    // Before the content: a change in between is seen as one.
    if (part.known) part.state = config::StateOfFile(part.path);
  }
  auto bytes = config::ReadDataSource(source, config::kMaxDataSourceFileSize, access, faults);
  if (!bytes.has_value()) return std::nullopt;
  part.bytes = *std::move(bytes);
  return part;
}

SanMatcher::Type ToType(v3::SubjectAltNameMatcher::SanType type) {
  switch (type) {
    case v3::SubjectAltNameMatcher::EMAIL:
      return SanMatcher::Type::kEmail;
    case v3::SubjectAltNameMatcher::URI:
      return SanMatcher::Type::kUri;
    case v3::SubjectAltNameMatcher::IP_ADDRESS:
      return SanMatcher::Type::kIp;
    case v3::SubjectAltNameMatcher::OTHER_NAME:
      return SanMatcher::Type::kOther;
    default:
      return SanMatcher::Type::kDns;
  }
}

void ReadTypedNames(const v3::CertificateValidationContext& message, ValidationConfig& out, Faults& faults) {
  for (int i = 0; i < message.match_typed_subject_alt_names_size(); ++i) {
    const v3::SubjectAltNameMatcher& each = message.match_typed_subject_alt_names(i);
    Faults::Scope scope(faults, "match_typed_subject_alt_names", static_cast<size_t>(i));
    const SanMatcher::Type type = ToType(each.san_type());
    if (type == SanMatcher::Type::kOther && each.oid().empty()) {
      faults.Add("oid", "must say which type of name, as dotted numbers, with OTHER_NAME");
    } else if (type != SanMatcher::Type::kOther && !each.oid().empty()) {
      faults.Add("oid", "cannot be set but with OTHER_NAME");
    }
    Faults::Scope matcher_scope(faults, "matcher");
    if (auto matcher = matcher::CompileStringMatcher(each.matcher(), faults)) {
      out.sans.push_back({type, *std::move(matcher), each.oid()});
    }
  }
}

// Names of any type: one matcher for each.
void ReadUntypedNames(const v3::CertificateValidationContext& message, ValidationConfig& out, Faults& faults) {
  if (message.match_subject_alt_names_size() > 0 && message.match_typed_subject_alt_names_size() > 0) {
    faults.Add("match_subject_alt_names", "cannot stand beside match_typed_subject_alt_names, which takes its place");
  }
  for (int i = 0; i < message.match_subject_alt_names_size(); ++i) {
    Faults::Scope scope(faults, "match_subject_alt_names", static_cast<size_t>(i));
    const auto matcher = matcher::CompileStringMatcher(message.match_subject_alt_names(i), faults);
    if (!matcher.has_value()) continue;
    for (const auto type : {SanMatcher::Type::kDns, SanMatcher::Type::kUri, SanMatcher::Type::kEmail,
                            SanMatcher::Type::kIp}) {
      out.sans.push_back({type, *matcher, ""});
    }
  }
}

void ReadRoots(const v3::CertificateValidationContext& message, ValidationSecret& out, DataSourceAccess access,
               Faults& faults) {
  if (message.has_trusted_ca()) {
    out.trusted_ca = ReadPart(message.trusted_ca(), "trusted_ca", access, faults);
  } else if (message.has_system_root_certs()) {
    DataSource source;
    source.set_filename(kSystemRoots);
    out.trusted_ca = ReadPart(source, "system_root_certs", access, faults);
  }
}

std::shared_ptr<Secret> Checked(std::shared_ptr<Secret> secret, size_t faults_before, Faults& faults) {
  if (faults.count() == faults_before) CheckSecret(*secret, std::chrono::system_clock::now(), faults);
  return faults.count() == faults_before ? std::move(secret) : nullptr;
}

}  // namespace

std::shared_ptr<Secret> CompileCertificate(const v3::TlsCertificate& message, DataSourceAccess access,
                                           Faults& faults) {
  const size_t before = faults.count();
  auto secret = std::make_shared<Secret>();
  CertificateSecret parts;
  if (message.has_certificate_chain()) {
    parts.chain = ReadPart(message.certificate_chain(), "certificate_chain", access, faults);
  }
  if (message.has_private_key()) parts.private_key = ReadPart(message.private_key(), "private_key", access, faults);
  if (message.has_password()) parts.password = ReadPart(message.password(), "password", access, faults);
  if (message.has_pkcs12()) parts.pkcs12 = ReadPart(message.pkcs12(), "pkcs12", access, faults);
  if (message.has_ocsp_staple()) parts.ocsp_staple = ReadPart(message.ocsp_staple(), "ocsp_staple", access, faults);
  secret->value = std::move(parts);
  secret->watched_directory = message.watched_directory().path();
  return Checked(std::move(secret), before, faults);
}

std::shared_ptr<Secret> CompileValidation(const v3::CertificateValidationContext& message, DataSourceAccess access,
                                          Faults& faults) {
  const size_t before = faults.count();
  auto secret = std::make_shared<Secret>();
  ValidationSecret parts;
  ReadRoots(message, parts, access, faults);
  if (message.has_crl()) parts.crl = ReadPart(message.crl(), "crl", access, faults);
  parts.rest.only_verify_leaf_crl = message.only_verify_leaf_cert_crl();
  parts.rest.allow_expired = message.allow_expired_certificate();
  parts.rest.accept_untrusted =
      message.trust_chain_verification() == v3::CertificateValidationContext::ACCEPT_UNTRUSTED;
  if (message.has_max_verify_depth()) parts.rest.max_verify_depth = message.max_verify_depth().value();
  ReadTypedNames(message, parts.rest, faults);
  ReadUntypedNames(message, parts.rest, faults);
  parts.rest.spki_pins.assign(message.verify_certificate_spki().begin(), message.verify_certificate_spki().end());
  parts.rest.hash_pins.assign(message.verify_certificate_hash().begin(), message.verify_certificate_hash().end());
  secret->value = std::move(parts);
  secret->watched_directory = message.watched_directory().path();
  return Checked(std::move(secret), before, faults);
}

std::shared_ptr<Secret> CompileTicketKeys(const v3::TlsSessionTicketKeys& message, DataSourceAccess access,
                                          Faults& faults) {
  const size_t before = faults.count();
  auto secret = std::make_shared<Secret>();
  TicketKeysSecret parts;
  for (int i = 0; i < message.keys_size(); ++i) {
    if (auto key = ReadPart(message.keys(i), StrCat("keys[", i, "]"), access, faults)) {
      parts.keys.push_back(*std::move(key));
    }
  }
  secret->value = std::move(parts);
  return Checked(std::move(secret), before, faults);
}

}  // namespace nuncio::tls
