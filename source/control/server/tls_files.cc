#include "source/control/server/tls_files.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <vector>

#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/tls/certificate.h"
#include "source/tls/certificate_facts.h"
#include "source/tls/server_context.h"

namespace nuncio::control {
namespace {

// More than any bundle of authorities has.
constexpr size_t kMaxFileSize = 4 << 20;

// The text of a file, empty for no path; what is wrong goes to `fault`.
std::string ReadFile(std::string_view flag, const std::string& path, std::string& fault) {
  if (path.empty() || !fault.empty()) return {};
  std::string text;
  std::ifstream file(path, std::ios::binary);
  // A directory can be opened, but not read.
  if (file) {
    text.resize(kMaxFileSize + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    fault = ToStd(ErrnoStatus(errno, StrCat(flag, "=", path)).message());
  } else if (text.size() > kMaxFileSize) {
    fault = StrCat(flag, "=", path, ": has more than ", kMaxFileSize >> 20, " MiB");
  }
  return fault.empty() ? text : std::string();
}

absl::StatusOr<SystemTime> FirstExpiry(std::string_view pem) {
  NUNCIO_ASSIGN_OR_RETURN(const auto certificates, tls::ReadPemCertificates(pem));
  SystemTime first = SystemTime::max();
  for (const auto& certificate : certificates) {
    first = std::min(first, tls::FactsOf(tls::Bytes(*certificate)).not_after);
  }
  return first;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TlsFiles>> TlsFiles::Open(Paths paths, const Clock& clock) {
  std::shared_ptr<TlsFiles> files(new TlsFiles(std::move(paths), clock));
  files->judged_ = files->found_ = files->Read();
  NUNCIO_ASSIGN_OR_RETURN(files->current_, files->Judge(files->judged_));
  return files;
}

TlsFiles::Contents TlsFiles::Read() const {
  Contents contents;
  contents.certificate = ReadFile("--tls-cert", paths_.certificate, contents.fault);
  contents.key = ReadFile("--tls-key", paths_.key, contents.fault);
  contents.client_ca = ReadFile("--client-ca", paths_.client_ca, contents.fault);
  return contents;
}

std::string TlsFiles::InWordsOfFlags(std::string_view fault) const {
  const tls::ContextFault at = tls::ContextFault::Of(fault);
  if (at.field.ends_with("private_key")) return StrCat("--tls-key=", paths_.key, ": ", at.text);
  if (at.field.starts_with("validation_context")) return StrCat("--client-ca=", paths_.client_ca, ": ", at.text);
  return StrCat("--tls-cert=", paths_.certificate, ": ", at.text);
}

absl::StatusOr<std::shared_ptr<const TlsFiles::Material>> TlsFiles::Judge(const Contents& contents) const {
  if (!contents.fault.empty()) return InvalidArgument(contents.fault);
  tls::ServerContextConfig config;
  tls::CertificateConfig& certificate = config.common.certificates.emplace_back();
  certificate.chain = contents.certificate;
  certificate.private_key = contents.key;
  if (asks_clients()) config.common.validation.emplace().trusted_ca = contents.client_ca;
  const auto context = tls::ServerContext::Create(config, clock_.System());
  if (!context.ok()) return InvalidArgument(InWordsOfFlags(ToStd(context.status().message())));
  auto material = std::make_shared<Material>();
  material->certificate = contents.certificate;
  material->key = contents.key;
  material->client_ca = contents.client_ca;
  NUNCIO_ASSIGN_OR_RETURN(material->certificate_not_after, FirstExpiry(contents.certificate));
  if (asks_clients()) {
    NUNCIO_ASSIGN_OR_RETURN(material->client_ca_not_after, FirstExpiry(contents.client_ca));
  }
  return material;
}

void TlsFiles::Tick() {
  Contents contents = Read();
  const bool settled = contents == found_;
  found_ = std::move(contents);
  if (!settled || found_ == judged_) return;
  judged_ = found_;
  absl::StatusOr<std::shared_ptr<const Material>> material = Judge(judged_);
  refusing_.store(!material.ok(), std::memory_order_relaxed);
  if (!material.ok()) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    NUNCIO_LOG(kControl, kError, "changed TLS files are not used, those before stay in use: ",
               material.status().message());
    return;
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  NUNCIO_LOG(kControl, kInfo, "TLS files changed: new connections get the certificate of ", paths_.certificate);
  const std::lock_guard lock(mutex_);
  current_ = *std::move(material);
}

std::shared_ptr<const TlsFiles::Material> TlsFiles::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace nuncio::control
