#include "tools/benchmark/native/load/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {

SSL_CTX* MakeTlsContext(std::string_view protocol) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  const std::string offer = static_cast<char>(protocol.size()) + std::string(protocol);
  const auto* bytes = reinterpret_cast<const unsigned char*>(offer.data());
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set_alpn_protos(context, bytes, offer.size()) != 0) {
    Die("the TLS context cannot be made");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

bool Stream::Open(uint16_t port, SSL_CTX* tls, const char* server_name) {
  fd_ = Connect(port);
  if (fd_ < 0) return false;
  ResetOnClose(fd_);
  if (tls != nullptr) {
    tls_ = SSL_new(tls);
    SSL_set_fd(tls_, fd_);
    SSL_set_tlsext_host_name(tls_, server_name);
    SSL_set_connect_state(tls_);
    SSL_set_quiet_shutdown(tls_, 1);
  }
  return true;
}

void Stream::Close() {
  SSL_free(tls_);
  tls_ = nullptr;
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Stream::State Stream::Establish() {
  int error = 0;
  socklen_t size = sizeof(error);
  if (tls_ == nullptr) {
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? State::kOpen : State::kBroken;
  }
  const int result = SSL_do_handshake(tls_);
  if (result == 1) return State::kOpen;
  return Outcome(result) == 0 ? State::kEstablishing : State::kBroken;
}

ssize_t Stream::Outcome(int count) const {
  if (count > 0) return count;
  const int error = SSL_get_error(tls_, count);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

ssize_t Stream::Read(char* to, size_t size) {
  if (tls_ != nullptr) return Outcome(SSL_read(tls_, to, static_cast<int>(size)));
  const ssize_t count = recv(fd_, to, size, 0);
  if (count > 0) return count;
  return count < 0 && errno == EAGAIN ? 0 : -1;
}

ssize_t Stream::Write(std::string_view bytes, bool more) {
  if (tls_ != nullptr) return Outcome(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())));
  const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  if (count >= 0) return count;
  return errno == EAGAIN ? 0 : -1;
}

ssize_t Stream::Discard(size_t size) {
  static char unseen[64 * 1024];
  if (tls_ != nullptr) return Read(unseen, std::min(size, sizeof(unseen)));
  const ssize_t count = recv(fd_, nullptr, size, MSG_TRUNC);
  if (count > 0) return count;
  return count < 0 && errno == EAGAIN ? 0 : -1;
}

bool Stream::speaks(std::string_view protocol) const {
  if (tls_ == nullptr) return true;
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls_, &chosen, &size);
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == protocol;
}

}  // namespace nuncio::benchmark
