#include "source/proxy/client_certificate_header.h"

#include <string_view>
#include <vector>

#include "source/base/strings.h"

namespace nuncio::proxy {
namespace {

void Begin(std::string_view key, std::string& out) { StrAppend(out, out.empty() ? "" : ";", key, "="); }

void AddQuoted(std::string_view key, std::string_view value, std::string& out) {
  Begin(key, out);
  StrAppend(out, '"', value, '"');
}

void AddName(std::string_view key, std::string_view name, std::string& out) {
  Begin(key, out);
  const bool quoted = name.find_first_of(",;") != std::string_view::npos;
  if (quoted) out += '"';
  for (const char c : name) {
    // Neither is allowed in a URI or a host name.
    if (c == '"') {
      out += "%22";
    } else if (c == '\\') {
      out += "%5C";
    } else {
      out += c;
    }
  }
  if (quoted) out += '"';
}

void AddNames(std::string_view key, const std::vector<std::string>& names, std::string& out) {
  for (const std::string& name : names) AddName(key, name, out);
}

}  // namespace

std::string ClientCertificateElement(const net::SecurityInfo& security, const ClientCertificateDetails& details) {
  std::string out;
  const net::CertificateFacts* const peer = security.peer_certificate();
  if (peer == nullptr) return out;
  if (const net::CertificateFacts* const local = security.local_certificate()) AddNames("By", local->uri_sans, out);
  Begin("Hash", out);
  out += peer->sha256;
  if (details.certificate) AddQuoted("Cert", security.peer_certificate_pem(), out);
  if (details.chain) AddQuoted("Chain", security.peer_chain_pem(), out);
  // Quotes are escaped in it, as RFC 2253 2.4 says. There is a subject even where it is empty, and a URI likewise.
  if (details.subject) AddQuoted("Subject", peer->subject, out);
  if (details.uris && peer->uri_sans.empty()) Begin("URI", out);
  if (details.uris) AddNames("URI", peer->uri_sans, out);
  if (details.dns_names) AddNames("DNS", peer->dns_sans, out);
  return out;
}

}  // namespace nuncio::proxy
