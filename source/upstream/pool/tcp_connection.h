#pragma once

#include <memory>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/upstream/pool/upstream_connection.h"

namespace nuncio::upstream {

// What a TcpConnection tells who asked for it. Close() is legal in any of these; the connection is destroyed only
// through EventLoop::DeferDelete.
class TcpReceiver {
 public:
  // Once, one of the two. `details` is text for %UPSTREAM_TRANSPORT_FAILURE_REASON%, valid during the call.
  virtual void OnUpstreamConnected() = 0;
  virtual void OnUpstreamConnectFailed(PoolFailure failure, std::string_view details) = 0;
  // As the events of net::ConnectionEvents.
  virtual void OnUpstreamData(buffer::Buffer& data, bool end) = 0;
  virtual void OnUpstreamClosed(net::CloseReason reason) = 0;
  virtual void OnUpstreamWriteBufferHigh() = 0;
  virtual void OnUpstreamWriteBufferLow() = 0;

 protected:
  ~TcpReceiver() = default;
};

// A connection to an upstream host that carries bytes for one user: tcp_proxy, CONNECT that ends here. To the cluster's
// limits and statistics it is a connection and a request at once, a waiting request until it is connected. Made by
// ClusterPools::ConnectTcp; its user owns it, and holds a WorkerClusterRef as long.
class TcpConnection final : public UpstreamConnection, public ListNode<TcpConnection> {
 public:
  // For ClusterPools. A unit each of kConnections and kPendingRequests was taken, and now is this object's.
  TcpConnection(std::shared_ptr<PoolShared> shared, HostPtr host, LimitLease& limits, TcpReceiver& receiver);
  ~TcpConnection() override;
  // Begins to connect; the receiver hears of it from the loop. False: not even a socket could be made, and it hears
  // nothing.
  bool Start();
  // The receiver hears OnUpstreamConnectFailed(kTermination) or OnUpstreamClosed(kLocal).
  void Terminate();

  // Legal from OnUpstreamConnected until Close or OnUpstreamClosed. Reading, writing, half-closing, and whatever else
  // is the user's; but for the end, which is Close.
  net::Connection& connection() { return *net(); }
  uint64_t connection_id() const { return connection_id_; }
  // Ends it at once, in any state; nothing follows. Unwritten bytes are lost: net::Connection::CloseAfterFlush writes
  // them, and ends with OnUpstreamClosed.
  void Close();
  // With RST instead of FIN, once it is connected.
  void Abort();

 private:
  enum class State : uint8_t { kConnecting, kOpen, kClosed };

  void OnReady() override;
  void OnConnectFailed(PoolFailure failure, std::string_view details) override;
  void OnData(buffer::Buffer& data, bool end) override;
  void OnLost(net::CloseReason reason) override;
  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;
  void OnTimer() override {}

  void LeaveQueue();
  void End(Side side);

  // Constant after construction.
  LimitLease& limits_;  // Of shared().
  TcpReceiver& receiver_;
  const uint64_t connection_id_;

  // Owned by the loop.
  State state_ = State::kConnecting;
  bool starting_ = false;
};

}  // namespace nuncio::upstream
