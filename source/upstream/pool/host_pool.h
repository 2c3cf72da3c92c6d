#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/host.h"
#include "source/upstream/pool/pool_shared.h"
#include "source/upstream/pool/http_connection.h"
#include "source/upstream/stream_pool.h"

namespace nuncio::upstream {

class ClusterPools;

// The connections of one thread to one host, of one kind, and the requests that wait for one. The same for both
// protocols: they differ in how many streams a connection carries and when it may carry another. Where the host chooses
// the protocol, what the last connection was is expected of the next; requests wait for the first one to tell.
//
// A request takes the connection that became free last, so that those not needed grow old and end. Where there is none
// it waits, in order, and as many connections are begun as the waiting ones need and the limits allow; whatever becomes
// free first serves the first. Belongs to its thread.
class HostPool final : public event::DeferredDeletable, private PendingStream::Queue {
 public:
  // What keeps its connections apart from those of the host's other pools.
  struct Kind {
    RoutingPriority priority = RoutingPriority::kDefault;
    // Not set: each connection's host chooses in the TLS handshake.
    std::optional<http::Protocol> protocol;
    // What lies between TCP and HTTP: index into ClusterConfig::sockets.
    size_t socket = 0;
    // For which its connections are; see StreamWish. Empty: any.
    std::string server_name;
  };

  HostPool(ClusterPools& owner, std::shared_ptr<PoolShared> shared, HostPtr host, Kind kind);
  ~HostPool() override;

  void NewStream(http::ResponseReceiver& receiver, StreamRequester& requester, PendingStream& pending,
                 bool fresh_connection) {
    HttpConnection* connection = fresh_connection ? nullptr : ready_.front();
    if (connection != nullptr) [[likely]] {
      Attach(*connection, receiver, requester);
    } else {
      Wait(receiver, requester, pending, fresh_connection);
    }
  }

  // Serves what waits and what is under way; connections close as soon as neither needs them.
  void Drain();
  // Ends everything at once. The pool hears of nothing afterwards.
  void CloseAll();

  bool empty() const { return connections_ == 0 && pending_count_ == 0; }
  // Nobody needs it now.
  bool idle();
  const Kind& kind() const { return kind_; }
  const HostPtr& host() const { return host_; }
  // When it became empty; meaningful while it is.
  MonotonicTime empty_since() const { return empty_since_; }

  // From its connections.
  void OnConnected(HttpConnection& connection);
  // The connection takes streams; `was_ready`: and already did, but one of them ended.
  void OnReady(HttpConnection& connection, bool was_ready);
  // The connection takes no stream now.
  void OnBusy(HttpConnection& connection);
  void OnStreamEnded() { limits_.Return(Limit::kRequests); }
  void OnMaxStreams(HttpConnection& connection, uint32_t streams);
  // What the host said last; 0: nothing yet.
  uint32_t told_streams() const { return told_streams_; }
  // The connection is closed and no longer the pool's.
  void Forget(HttpConnection& connection);
  // After Forget, when the streams of the connection have been reset.
  void OnConnectionClosed();
  void OnConnectFailed(PoolFailure failure, std::string_view details);

 private:
  using Connections = IntrusiveList<HttpConnection>;

  void Attach(HttpConnection& connection, http::ResponseReceiver& receiver, StreamRequester& requester);
  void Wait(http::ResponseReceiver& receiver, StreamRequester& requester, PendingStream& pending,
            bool fresh_connection);
  void OnPendingCancelled(PendingStream& pending) override;
  // Takes the request out of the queue's accounts; it must be unlinked.
  void LeaveQueue(PendingStream& pending);
  // The first that this connection may serve.
  PendingStream* FirstFor(const HttpConnection& connection);
  void Serve(HttpConnection& connection);
  void FailPending(size_t count, bool fresh_only, PoolFailure failure, std::string_view details);
  void EnsureConnections();
  bool TakeConnectionUnit();
  bool CloseOldestIdle();
  void Open();
  void StopLearning(HttpConnection& connection);
  // How many waiting requests the connections that are being made, and those that do not know yet how many they carry,
  // will serve.
  uint64_t ConnectingCapacity() const { return uint64_t{connecting_count_ + learning_count_} * expected_streams_; }
  bool WantsConnection() const {
    return pending_count_ > ConnectingCapacity() || fresh_pending_ > uint64_t{connecting_count_} * expected_streams_;
  }
  void FinishIfDrained();
  void CloseEach(Connections& connections);

  // Constant after construction.
  ClusterPools* owner_;  // Null after CloseAll.
  const std::shared_ptr<PoolShared> shared_;
  const HostPtr host_;
  const Kind kind_;
  LimitLease& limits_;

  // Owned by the loop.
  Connections ready_;  // The front one became ready last.
  Connections connecting_;
  Connections busy_;  // And those that take no more.
  size_t connections_ = 0;
  size_t connecting_count_ = 0;
  size_t learning_count_ = 0;
  uint32_t told_streams_ = 0;
  uint32_t expected_streams_ = 1;
  IntrusiveList<PendingStream> pending_;
  size_t pending_count_ = 0;
  size_t fresh_pending_ = 0;
  bool draining_ = false;
  bool ensuring_ = false;
  MonotonicTime empty_since_;
};

}  // namespace nuncio::upstream
