// Certificates, keys, trust and revocation lists of any bytes, in parts with kMark between them: what is accepted makes
// a context, what is refused is refused with a reason, and no reason holds anything of the key.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "source/config/fault.h"
#include "source/tls/client_context.h"
#include "source/tls/secret/secret.h"
#include "source/tls/server_context.h"

namespace nuncio::tls {
namespace {

constexpr std::string_view kMark = "\n=====\n";
// 2026-01-01, when the certificates of the corpus are valid, but for those that are not meant to be.
constexpr SystemTime kNow{std::chrono::seconds(1767225600)};
// Shorter pieces of a key may stand in a reason by chance.
constexpr size_t kPiece = 16;

void Require(bool condition, const char* what, std::string_view reasons) {
  if (condition) return;
  fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(reasons.size()), reasons.data());
  abort();
}

std::optional<SecretPart> Part(std::string_view& rest, const char* field) {
  const size_t end = rest.find(kMark);
  const std::string_view bytes = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kMark.size());
  if (bytes.empty()) return std::nullopt;
  return SecretPart{field, std::string(bytes), "", {}, true};
}

std::string ReasonsOf(CertificateSecret parts) {
  Secret secret;
  secret.value = std::move(parts);
  config::Faults faults;
  CheckSecret(secret, kNow, faults);
  return faults.ToString();
}

void RequireHidden(const CertificateSecret& parts, std::string_view reasons) {
  const std::optional<SecretPart>& part = parts.private_key;
  if (!part.has_value()) return;
  // What is told where the key is another one is not told of the key, even if the key has the same words.
  CertificateSecret other = parts;
  other.private_key->bytes.assign(part->bytes.size(), '?');
  const std::string told_anyway = ReasonsOf(std::move(other));
  const std::string_view key = part->bytes;
  for (size_t at = key.find("-----\n"); at != std::string_view::npos && at + 6 + kPiece < key.size(); at += kPiece) {
    const std::string_view piece = key.substr(at + 6, kPiece);
    if (piece.find_first_of("- \n") != std::string_view::npos) break;
    Require(reasons.find(piece) == std::string_view::npos || told_anyway.find(piece) != std::string::npos,
            "a piece of the key is told:", reasons);
  }
}

void TryCertificate(const CertificateSecret& parts) {
  Secret secret;
  secret.value = parts;
  config::Faults faults;
  CheckSecret(secret, kNow, faults);
  const std::string reasons = faults.ToString();
  RequireHidden(parts, reasons);
  Require(faults.empty() == !secret.certificates.empty(),
          "certificates are known just where they were accepted:", reasons);
  if (!faults.empty()) return;
  ServerContextConfig config;
  config.common.certificates = {ToConfig(parts)};
  const auto context = ServerContext::Create(config, kNow);
  if (context.ok()) return;
  Require(context.status().message().find("must-staple") != std::string_view::npos,
          "what was accepted makes no context", std::string(context.status().message()));
}

void TryValidation(const ValidationSecret& parts) {
  Secret secret;
  secret.value = parts;
  config::Faults faults;
  CheckSecret(secret, kNow, faults);
  if (!faults.empty()) return;
  ClientContextConfig config;
  config.common.validation = ToConfig(nullptr, parts);
  Require(ClientContext::Create(config, kNow).ok(), "what was accepted makes no context", "");
}

}  // namespace
}  // namespace nuncio::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nuncio::tls;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  CertificateSecret certificate;
  ValidationSecret validation;
  certificate.chain = Part(rest, "certificate_chain");
  certificate.private_key = Part(rest, "private_key");
  certificate.password = Part(rest, "password");
  certificate.pkcs12 = Part(rest, "pkcs12");
  certificate.ocsp_staple = Part(rest, "ocsp_staple");
  validation.trusted_ca = Part(rest, "trusted_ca");
  validation.crl = Part(rest, "crl");
  TryCertificate(certificate);
  TryValidation(validation);
  return 0;
}
