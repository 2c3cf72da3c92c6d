#include "source/access_log/tls_values.h"

#include <vector>

namespace nuncio::access_log {
namespace {

Value List(const std::vector<std::string>& names, std::string& scratch) {
  if (names.empty()) return {};
  if (names.size() == 1) return Value::TextOrNone(names.front());
  for (const std::string& name : names) {
    if (&name != &names.front()) scratch.push_back(',');
    scratch += name;
  }
  return Value::Text(scratch);
}

Value Time(const Operator& op, SystemTime time, std::string& scratch) {
  op.parameters().time->Append(time, scratch);
  return Value::Text(scratch);
}

Value OfPeer(const Operator& op, const net::CertificateFacts& facts, std::string& scratch) {
  switch (op.parameters().choice) {
    case kTlsPeerSubject: return Value::TextOrNone(facts.subject);
    case kTlsPeerIssuer: return Value::TextOrNone(facts.issuer);
    case kTlsPeerSerial: return Value::TextOrNone(facts.serial);
    case kTlsPeerSha256: return Value::TextOrNone(facts.sha256);
    case kTlsPeerSha1: return Value::TextOrNone(facts.sha1);
    case kTlsPeerUris: return List(facts.uri_sans, scratch);
    case kTlsPeerNames: return List(facts.dns_sans, scratch);
    case kTlsPeerIps: return List(facts.ip_sans, scratch);
    case kTlsPeerEmails: return List(facts.email_sans, scratch);
    case kTlsPeerBegin: return Time(op, facts.not_before, scratch);
    default: return Time(op, facts.not_after, scratch);
  }
}

Value OfLocal(const Operator& op, const net::CertificateFacts& facts, std::string& scratch) {
  switch (op.parameters().choice) {
    case kTlsLocalSubject: return Value::TextOrNone(facts.subject);
    case kTlsLocalUris: return List(facts.uri_sans, scratch);
    case kTlsLocalNames: return List(facts.dns_sans, scratch);
    case kTlsLocalIps: return List(facts.ip_sans, scratch);
    default: return List(facts.email_sans, scratch);
  }
}

Value Of(const Operator& op, const net::SecurityInfo* security, std::string& scratch) {
  if (security == nullptr) return {};
  switch (op.parameters().choice) {
    case kTlsVersion: return Value::TextOrNone(security->version());
    case kTlsCipher: return Value::TextOrNone(security->cipher());
    case kTlsSessionId: return Value::TextOrNone(security->session_id());
    case kTlsPeerPem: return Value::TextOrNone(security->peer_certificate_pem());
    default: break;
  }
  const bool local = op.parameters().choice >= kTlsLocalSubject;
  const net::CertificateFacts* const facts = local ? security->local_certificate() : security->peer_certificate();
  if (facts == nullptr) return {};
  return local ? OfLocal(op, *facts, scratch) : OfPeer(op, *facts, scratch);
}

}  // namespace

Value DownstreamTls(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return info.connection == nullptr ? Value{} : Of(op, info.connection->security, scratch);
}

Value UpstreamTls(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return Of(op, info.upstream_security.get(), scratch);
}

}  // namespace nuncio::access_log
