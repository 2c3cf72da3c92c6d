#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/http/codec.h"
#include "source/net/address.h"
#include "source/net/security_info.h"
#include "source/upstream/cluster_config.h"

// How a request gets a stream to an upstream host: the seam between those who send requests (the router, gRPC calls)
// and the connection pools of a worker. One worker's thread.
namespace nuncio::upstream {

class Host;

enum class PoolFailure : uint8_t {
  kOverflow,         // A circuit breaker's limit of connections, pending requests or requests.
  kConnectFailure,   // The connect was refused or reset, or its handshake failed.
  kConnectTimeout,   // No connection within the cluster's connect_timeout.
  kTermination,      // The host or cluster went away while waiting.
};

// What the requester may know of the connection that carries its stream. Valid while the stream lives.
struct StreamConnection {
  const Host* host = nullptr;
  net::Address local;
  uint64_t connection_id = 0;
  http::Protocol protocol = http::Protocol::kHttp11;
  // Null for plaintext.
  net::SecurityRef security;
  // The connection lay idle before, as of OnStreamReady. A request that dies on such a connection before the first byte
  // of an answer may have met the host's own idle close.
  bool reused = false;
  // When the stream is reset because the connection was lost: why its transport failed; empty where it did not.
  std::string_view transport_failure;
};

// What a request asks of the connection that is to carry it.
struct StreamWish {
  RoutingPriority priority = RoutingPriority::kDefault;
  // Only a connection that is made from now on, and whose first request this is, will do.
  bool fresh_connection = false;
  // What the request came with, for clusters that speak what their clients do.
  http::Protocol client_protocol = http::Protocol::kHttp11;
  // See ServerNameFor (server_name.h). Empty: as the cluster is configured. Need not outlive the call.
  std::string_view server_name;
};

class StreamRequester {
 public:
  // May come from within the call that asked. The sender is used as http::RequestSender says; the receiver given with
  // the request hears the answer.
  virtual void OnStreamReady(http::RequestSender& sender, const StreamConnection& connection) = 0;
  // May come from within the call that asked as well. `details` is text for %UPSTREAM_TRANSPORT_FAILURE_REASON%, valid
  // during the call.
  virtual void OnStreamFailed(PoolFailure failure, std::string_view details, const Host& host) = 0;

 protected:
  ~StreamRequester() = default;
};

// A place in the queue for a stream, embedded in the requester so that waiting allocates nothing. Destroying or
// cancelling it gives the place up; after OnStreamReady or OnStreamFailed it is out of the queue.
class PendingStream : public ListNode<PendingStream> {
 public:
  PendingStream() = default;
  ~PendingStream() { Cancel(); }
  bool waiting() const { return pool_ != nullptr; }
  void Cancel();

  // What a pool calls when a place is given up.
  class Queue {
   public:
    virtual void OnPendingCancelled(PendingStream& pending) = 0;

   protected:
    ~Queue() = default;
  };

  // For pools.
  Queue* pool_ = nullptr;
  StreamRequester* requester_ = nullptr;
  http::ResponseReceiver* receiver_ = nullptr;
  MonotonicTime since_{};
  // Only a connection that is made for it, and carried nothing yet, will do.
  bool fresh_connection_ = false;
};

inline void PendingStream::Cancel() {
  if (pool_ == nullptr) return;
  Queue* pool = pool_;
  pool_ = nullptr;
  Unlink();
  pool->OnPendingCancelled(*this);
}

}  // namespace nuncio::upstream
