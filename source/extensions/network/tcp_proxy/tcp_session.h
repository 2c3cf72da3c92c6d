#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/extensions/network/tcp_proxy/tcp_proxy.h"
#include "source/net/connection.h"
#include "source/upstream/pool/tcp_connection.h"
#include "source/upstream/worker_cluster.h"

namespace nuncio::extensions {

// One connection and the one that it is forwarded to. What is read on one side is moved to the write buffer of the
// other; a side that takes no more stops the reading of the other. An end is passed on when the bytes before it are,
// and the other direction goes on; a reset is passed on as a reset. Worker thread.
class TcpSession final : public net::ConnectionEvents,
                         public upstream::TcpReceiver,
                         public access_log::LocalAddressSource,
                         public event::DeferredDeletable,
                         public ListNode<TcpSession> {
 public:
  TcpSession(TcpProxy& proxy, const filter::AcceptedConnection& accepted,
             std::unique_ptr<net::TransportSocket> transport, filter::ConnectionOwner& owner);
  ~TcpSession() override;

  void Start();
  void CloseNow();

  const net::Address& LocalAddress() override { return downstream_->local(); }

  // net::ConnectionEvents
  void OnConnected() override;
  void OnData(buffer::Buffer& data, bool end) override;
  void OnClosed(net::CloseReason reason) override;
  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;

  // upstream::TcpReceiver
  void OnUpstreamConnected() override;
  void OnUpstreamConnectFailed(upstream::PoolFailure failure, std::string_view details) override;
  void OnUpstreamData(buffer::Buffer& data, bool end) override;
  void OnUpstreamClosed(net::CloseReason reason) override;
  void OnUpstreamWriteBufferHigh() override;
  void OnUpstreamWriteBufferLow() override;

 private:
  enum class State : uint8_t {
    kHandshaking,  // With the client.
    kConnecting,
    kOpen,
    kFlushing,     // One side is gone, the other takes what was read before.
    kOver,
  };

  // Tries one host. What fails later is told by OnUpstreamConnectFailed.
  void ConnectUpstream();
  void OnAttemptFailed();
  void KeepFailureReason(std::string_view reason);
  // A host, not the one that failed last where the balancer has others.
  upstream::HostRef PickHost();
  void GiveUp(access_log::ResponseFlag flag);
  // Both sides have ended: each is closed when it has its bytes.
  void CloseBoth();
  // Closes what is left of the connection when it has its bytes; by a reset where the other side was reset.
  void FlushUpstream(bool reset);
  void FlushDownstream(bool reset);
  void DropUpstream();
  void FinishIfBothGone();

  void OnDeadline();
  MonotonicTime IdleDeadline() const;
  // Nothing was read for long, but a slow reader still takes what was.
  bool SlowlyWriting();
  void ArmDeadlines();
  void CountBytes();
  void WriteLogs();
  void Finish();

  proxy::WorkerServices& services() { return proxy_.services(); }

  // Constant after construction.
  TcpProxy& proxy_;
  filter::ConnectionOwner& owner_;

  State state_;
  bool downstream_ended_ = false;
  bool upstream_ended_ = false;
  bool flushing_upstream_ = false;
  access_log::ConnectionInfo connection_info_;
  access_log::StreamInfo info_;
  std::string cluster_name_;
  std::string failure_reason_;
  std::unique_ptr<net::Connection> downstream_;
  upstream::WorkerClusterRef cluster_;
  upstream::HostRef host_;
  // Null before the first attempt and once it is gone.
  std::unique_ptr<upstream::TcpConnection> upstream_;

  event::TurnTask connect_task_;
  event::Timer timer_;
  // When bytes were last read, or a full buffer drained.
  MonotonicTime last_moved_{};
  uint64_t written_before_ = 0;
  MonotonicTime duration_deadline_ = MonotonicTime::max();
  MonotonicTime log_deadline_ = MonotonicTime::max();
  int64_t counted_buffered_ = 0;
};

}  // namespace nuncio::extensions
