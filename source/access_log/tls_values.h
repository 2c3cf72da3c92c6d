#pragma once

#include <string>

#include "source/access_log/operator.h"

// The operators about TLS. Their choice is a TlsFact.
namespace nuncio::access_log {

enum TlsFact : int {
  kTlsVersion,
  kTlsCipher,
  kTlsSessionId,
  kTlsPeerPem,
  // Of the peer's certificate.
  kTlsPeerSubject,
  kTlsPeerIssuer,
  kTlsPeerSerial,
  kTlsPeerSha256,
  kTlsPeerSha1,
  kTlsPeerUris,
  kTlsPeerNames,
  kTlsPeerIps,
  kTlsPeerEmails,
  kTlsPeerBegin,  // With a time format.
  kTlsPeerEnd,    // Likewise.
  // Of our own.
  kTlsLocalSubject,
  kTlsLocalUris,
  kTlsLocalNames,
  kTlsLocalIps,
  kTlsLocalEmails,
};

Value DownstreamTls(const Operator& op, const StreamInfo& info, std::string& scratch);
Value UpstreamTls(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
