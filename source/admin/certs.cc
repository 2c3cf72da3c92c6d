#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/admin/v3/certs.pb.h"
#include "source/admin/endpoints.h"
#include "source/admin/json_text.h"
#include "source/admin/timestamp.h"

namespace nuncio::admin {
namespace {

namespace v3 = envoy::admin::v3;

void Fill(const net::CertificateFacts& facts, const std::string& path, SystemTime now, v3::CertificateDetails& out) {
  out.set_path(path.empty() ? "<inline>" : path);
  out.set_serial_number(facts.serial);
  for (const std::string& name : facts.dns_sans) out.add_subject_alt_names()->set_dns(name);
  for (const std::string& name : facts.uri_sans) out.add_subject_alt_names()->set_uri(name);
  for (const std::string& name : facts.ip_sans) out.add_subject_alt_names()->set_ip_address(name);
  const auto days = std::chrono::floor<std::chrono::days>(facts.not_after - now).count();
  out.set_days_until_expiration(static_cast<uint64_t>(std::max<int64_t>(0, days)));
  FillTimestamp(facts.not_before, *out.mutable_valid_from());
  FillTimestamp(facts.not_after, *out.mutable_expiration_time());
}

// Where the certificates of a secret were read.
std::string PathOf(const tls::Secret& secret) {
  if (const auto* certificate = std::get_if<tls::CertificateSecret>(&secret.value)) {
    const auto& part = certificate->pkcs12.has_value() ? certificate->pkcs12 : certificate->chain;
    return part.has_value() ? part->path : std::string();
  }
  const auto& trusted = std::get<tls::ValidationSecret>(secret.value).trusted_ca;
  return trusted.has_value() ? trusted->path : std::string();
}

// The contexts one by one: their bundles may be large.
class CertsText final : public BodySource {
 public:
  CertsText(std::vector<std::shared_ptr<const tls::LiveContextBase>> contexts, SystemTime now)
      : contexts_(std::move(contexts)), now_(now) {}

  bool Next(std::string& out, size_t max_bytes) override {
    const size_t end = out.size() + max_bytes;
    if (!std::exchange(begun_, true)) {
      out += "{\n \"certificates\": [";
      return true;
    }
    while (at_ < contexts_.size() && out.size() < end) Append(*contexts_[at_++], out);
    if (at_ < contexts_.size()) return true;
    out += any_ ? "\n ]\n}\n" : "]\n}\n";
    return false;
  }

 private:
  static constexpr size_t kIndent = 2;

  // An entry for each chain of its own, with what the context trusts; one for that alone where there is no chain.
  void Append(const tls::LiveContextBase& context, std::string& out) {
    std::vector<v3::Certificate> entries;
    v3::Certificate trusted;
    for (const auto& secret : context.secrets()) {
      const std::string path = std::holds_alternative<tls::TicketKeysSecret>(secret->value) ? "" : PathOf(*secret);
      const bool own = std::holds_alternative<tls::CertificateSecret>(secret->value);
      if (own) entries.emplace_back();
      for (const auto& facts : secret->certificates) {
        Fill(*facts, path, now_, own ? *entries.back().add_cert_chain() : *trusted.add_ca_cert());
      }
      if (own && secret->ocsp.has_value() && entries.back().cert_chain_size() > 0) {
        auto& ocsp = *entries.back().mutable_cert_chain(0)->mutable_ocsp_details();
        FillTimestamp(secret->ocsp->this_update, *ocsp.mutable_valid_from());
        if (secret->ocsp->next_update.has_value()) {
          FillTimestamp(*secret->ocsp->next_update, *ocsp.mutable_expiration());
        }
      }
    }
    if (entries.empty() && trusted.ca_cert_size() > 0) entries.emplace_back();
    for (v3::Certificate& entry : entries) {
      *entry.mutable_ca_cert() = trusted.ca_cert();
      out += any_ ? ",\n  " : "\n  ";
      any_ = true;
      // Empty lists too, as Envoy does: scripts go through them.
      AppendObject(out, entry, kIndent, {.print_defaults = true});
    }
  }

  const std::vector<std::shared_ptr<const tls::LiveContextBase>> contexts_;
  const SystemTime now_;
  size_t at_ = 0;
  bool begun_ = false;
  bool any_ = false;
};

}  // namespace

AdminAnswer AnswerCerts(AdminServices& services, const AdminRequest&) {
  AdminAnswer answer;
  answer.content_type = kJson;
  answer.source = std::make_unique<CertsText>(services.contexts.All(), services.loop.clock().System());
  return answer;
}

}  // namespace nuncio::admin
