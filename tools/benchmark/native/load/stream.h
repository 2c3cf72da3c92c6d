#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <string_view>

namespace nuncio::benchmark {

// The TLS of all connections of this load: TLS 1.3, X25519, AES-128-GCM, no resumption, certificates not checked, so
// that each peer does the same work.
SSL_CTX* MakeTlsContext(std::string_view protocol);

// A connection, with TLS where it was given a context.
class Stream {
 public:
  enum class State { kEstablishing, kOpen, kBroken };

  ~Stream() { Close(); }
  // False: refused at once.
  bool Open(uint16_t port, SSL_CTX* tls, const char* server_name);
  void Close();

  // To be called on events until it says kOpen.
  State Establish();
  // < 0: broken or closed; 0: nothing there, or no room.
  ssize_t Read(char* to, size_t size);
  ssize_t Write(std::string_view bytes, bool more);
  // Reads what nobody looks at, without copying it where that is possible.
  ssize_t Discard(size_t size);

  int fd() const { return fd_; }
  bool speaks(std::string_view protocol) const;

 private:
  ssize_t Outcome(int count) const;

  int fd_ = -1;
  SSL* tls_ = nullptr;
};

}  // namespace nuncio::benchmark
