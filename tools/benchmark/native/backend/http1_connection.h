#pragma once

#include "tools/benchmark/native/backend/connection.h"

namespace nuncio::benchmark {

// Any method on /b/<n>: status 200 and n bytes. A request body is discarded unseen, by its Content-Length. The
// connection stays open whatever the request says: proxies that pass on a client's wish to close keep it none the less.
class Http1Connection final : public Connection {
 public:
  using Connection::Connection;

 private:
  static constexpr size_t kRoom = 32 * 1024;

  Next Read() override;
  Next Discard();
  // Takes the request at the front of in_, where all of its head is there.
  bool TakeRequest();
  void Drop(size_t size);
  void Reply();

  char in_[kRoom];
  size_t filled_ = 0;
  // Of the request being taken: bytes of its body still to come, and what the reply will be.
  size_t discard_ = 0;
  size_t reply_size_ = 0;
  bool owes_reply_ = false;
};

}  // namespace nuncio::benchmark
