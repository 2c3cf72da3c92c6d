#pragma once

#include <openssl/bio.h>

namespace nuncio::tls {

class TlsTransportSocket;

// What BoringSSL reads handshakes from and writes to: the slices of `socket`. Never blocks for writing.
bssl::UniquePtr<BIO> NewSliceBio(TlsTransportSocket& socket);
// The socket is gone, the BIO's owner not yet.
void DetachSliceBio(BIO* bio);

}  // namespace nuncio::tls
