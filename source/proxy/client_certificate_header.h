#pragma once

#include <string>

#include "source/net/security_info.h"

namespace nuncio::proxy {

// What x-forwarded-client-cert tells of a client's certificate, beside its hash.
struct ClientCertificateDetails {
  bool certificate = false;
  bool chain = false;
  bool subject = false;
  bool uris = false;
  bool dns_names = false;
};

// One element of x-forwarded-client-cert, of the certificate that the client presented:
// `By=spiffe://here;Hash=468e...;Subject="CN=client";URI=spiffe://there;DNS=client.test`. By are the URIs of our own
// certificate. A value that holds a separator is quoted, so that no name can pass for a field or an element.
std::string ClientCertificateElement(const net::SecurityInfo& security, const ClientCertificateDetails& details);

}  // namespace nuncio::proxy
