#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/event/event_loop.h"
#include "source/net/connection.h"
#include "source/upstream/host.h"
#include "source/upstream/pool/pool_shared.h"
#include "source/upstream/stream_pool.h"

namespace nuncio::upstream {

// One connection to an upstream host, whatever is spoken over it: the socket, the time it has to connect, and what is
// counted of it. Derived from by what uses the socket. Belongs to its thread; destroyed only through
// EventLoop::DeferDelete.
class UpstreamConnection : public event::DeferredDeletable, protected net::ConnectionEvents {
 public:
  enum class Side : uint8_t { kLocal, kRemote };

  ~UpstreamConnection() override;

 protected:
  // Counts the connection, which is to be told of by CountEnd.
  UpstreamConnection(std::shared_ptr<PoolShared> shared, HostPtr host);

  // Begins to connect. OnReady or OnConnectFailed follows, unless it is closed before; the latter maybe from within
  // this call, where not even a socket could be made.
  void Connect(const HandshakeWish& wish);

  // The connection is there, handshake included; why it will not do all the same. Empty: it does, and OnReady follows.
  virtual std::string_view Objection() { return {}; }
  virtual void OnReady() = 0;
  // It will not be. The socket is closed, CountEnd is to be called. `details` is text for
  // %UPSTREAM_TRANSPORT_FAILURE_REASON%, valid during the call.
  virtual void OnConnectFailed(PoolFailure failure, std::string_view details) = 0;
  // The socket is gone after it had been connected.
  virtual void OnLost(net::CloseReason reason) = 0;
  // The timer that the connect no longer needs.
  virtual void OnTimer() = 0;

  // Once, when the connection is over. `cut_off`: something was under way.
  void CountEnd(Side side, bool cut_off);
  // Brings the counts of bytes up to date.
  void CountBytes();

  bool connected() const { return connected_; }
  // Null where not even a socket could be made.
  net::Connection* net() { return net_.get(); }
  event::Timer& timer() { return timer_; }
  const HostPtr& host() const { return host_; }
  HostStats& host_stats() { return host_stats_; }
  PoolShared& shared() { return *shared_; }
  event::EventLoop& loop() { return shared_->services.loop; }
  telemetry::ClusterTrafficStats& traffic() { return shared_->traffic; }

  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;

 private:
  void OnConnected() final;
  void OnClosed(net::CloseReason reason) final;
  void FailConnect(PoolFailure failure, std::string_view details);
  void OnTimeout();
  void CountBuffered(int64_t read, int64_t written);

  // Constant after construction.
  const std::shared_ptr<PoolShared> shared_;
  const HostPtr host_;
  HostStats& host_stats_;
  const MonotonicTime began_;

  // Owned by the loop.
  bool connected_ = false;
  uint64_t counted_read_ = 0;
  uint64_t counted_written_ = 0;
  int64_t counted_read_buffered_ = 0;
  int64_t counted_write_buffered_ = 0;
  std::unique_ptr<net::Connection> net_;
  event::Timer timer_;
};

}  // namespace nuncio::upstream
