#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

namespace nuncio::tls {

class ClientContext;

// Sessions that servers gave to one worker's connections, to be resumed: by host, the least recently used go first.
// Made for one cluster on one worker; a session of one context is never offered by another. Belongs to its thread.
class ClientSessions {
 public:
  // Of all hosts together.
  static constexpr size_t kMax = 1024;

  // The newest session of `host`, null where there is none. One of TLS 1.3 is taken out: it serves once (RFC 8446 C.4).
  bssl::UniquePtr<SSL_SESSION> Take(const ClientContext& context, std::string_view host);
  // Keeps it, and of the same host no more than the context's max_sessions().
  void Put(const ClientContext& context, std::string_view host, bssl::UniquePtr<SSL_SESSION> session);
  size_t size() const { return sessions_.size(); }

 private:
  struct Entry {
    std::string host;
    bssl::UniquePtr<SSL_SESSION> session;
  };

  void Adopt(const ClientContext& context);

  // Newest first. Short enough to be searched.
  std::list<Entry> sessions_;
  // By number, not address: a later context may stand where an earlier one stood.
  uint64_t context_ = 0;
};

}  // namespace nuncio::tls
