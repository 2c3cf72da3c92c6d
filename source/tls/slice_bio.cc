#include "source/tls/slice_bio.h"

#include "source/tls/tls_transport_socket.h"

namespace nuncio::tls {
namespace {

TlsTransportSocket* SocketOf(BIO* bio) { return static_cast<TlsTransportSocket*>(BIO_get_data(bio)); }

int Read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  TlsTransportSocket* const socket = SocketOf(bio);
  if (socket == nullptr) return -1;
  const int n = socket->OnBioRead(data, size);
  if (n == TlsTransportSocket::kBioBlocked) BIO_set_retry_read(bio);
  return n < 0 ? -1 : n;
}

int Write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  TlsTransportSocket* const socket = SocketOf(bio);
  return socket == nullptr ? -1 : socket->OnBioWrite(data, size);
}

long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slices");
    BIO_meth_set_read(made, &Read);
    BIO_meth_set_write(made, &Write);
    BIO_meth_set_ctrl(made, &Control);
    return made;
  }();
  return method;
}

}  // namespace

bssl::UniquePtr<BIO> NewSliceBio(TlsTransportSocket& socket) {
  bssl::UniquePtr<BIO> bio(BIO_new(Method()));
  BIO_set_data(bio.get(), &socket);
  BIO_set_init(bio.get(), 1);
  return bio;
}

void DetachSliceBio(BIO* bio) { BIO_set_data(bio, nullptr); }

}  // namespace nuncio::tls
