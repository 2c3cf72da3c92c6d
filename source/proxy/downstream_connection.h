#pragma once

#include <memory>

#include "source/access_log/stream_info.h"
#include "source/base/intrusive_list.h"
#include "source/http/codec.h"
#include "source/net/connection.h"
#include "source/proxy/connection_manager.h"

namespace nuncio::proxy {

class Stream;

// A client's connection under an HTTP connection manager: joins the socket, the codec and the streams, and keeps all their
// deadlines behind one timer that is rarely touched.
class DownstreamConnection final : public net::ConnectionEvents,
                                   public http::ServerConnectionEvents,
                                   public access_log::LocalAddressSource,
                                   public event::DeferredDeletable,
                                   public ListNode<DownstreamConnection> {
 public:
  DownstreamConnection(HttpConnectionManager& manager, const filter::AcceptedConnection& accepted,
                       std::unique_ptr<net::TransportSocket> transport, filter::ConnectionOwner& owner);
  ~DownstreamConnection() override;

  void Start();
  // Once `after` has passed: closes when idle, after the current exchange otherwise.
  void StartDraining(Duration after);
  void CloseNow();

  HttpConnectionManager& manager() { return manager_; }
  const access_log::ConnectionInfo& info() const { return info_; }
  net::Connection& socket() { return *socket_; }
  http::ServerCodec& codec() { return *codec_; }

  // For streams. A stream that is over waits here until nobody of it is on the stack.
  void OnStreamFinished(Stream& stream);
  // The earliest deadline of a stream moved to `deadline`.
  void OnDeadlineMoved(MonotonicTime deadline);
  // The next answer head is about to be sent: announces the close where this connection is to end.
  void BeforeResponseHead();

  const net::Address& LocalAddress() override { return socket_->local(); }

  // net::ConnectionEvents
  void OnConnected() override {}
  void OnData(buffer::Buffer& data, bool end) override;
  void OnClosed(net::CloseReason reason) override;
  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;

  // http::ServerConnectionEvents
  void OnOutput() override { socket_->FlushSoon(); }
  void OnPauseReading(bool pause) override;
  http::RequestReceiver& OnNewStream(http::ResponseSender& sender) override;
  void OnCloseAfterFlush() override;
  void OnAbort() override;

 private:
  enum class Ending : uint8_t { kNone, kDrain, kMaxDuration, kMaxRequests };

  void OnDeadline();
  void Drain();
  // Ends a connection that is to end and carries nothing; later, where its client was busy a moment ago.
  void CloseIfQuiet();
  void CloseAfterFlush(Duration linger);
  void CheckFlush();
  // Requests wait until the client has taken what is written for it.
  void HoldRequests();
  void ReleaseRequests();
  void ReapStreams();
  void CountBytes();
  void ArmIdle();
  void Finished(bool remote);

  // Constant after construction.
  HttpConnectionManager& manager_;
  filter::ConnectionOwner& owner_;
  const MonotonicTime opened_;
  const SystemTime opened_system_;

  access_log::ConnectionInfo info_;
  std::unique_ptr<net::Connection> socket_;
  std::unique_ptr<http::ServerCodec> codec_;
  IntrusiveList<Stream> streams_;
  IntrusiveList<Stream> finished_;
  event::TurnTask reap_task_;
  event::TurnTask release_task_;
  event::Timer timer_;
  MonotonicTime idle_since_{};
  // While no stream is active; MonotonicTime::max() for none.
  MonotonicTime idle_deadline_ = MonotonicTime::max();
  MonotonicTime drain_deadline_ = MonotonicTime::max();
  MonotonicTime quiet_deadline_ = MonotonicTime::max();
  // While the last answer waits for its client.
  MonotonicTime flush_deadline_ = MonotonicTime::max();
  uint64_t flushed_before_ = 0;
  MonotonicTime duration_deadline_ = MonotonicTime::max();
  uint64_t requests_ = 0;
  uint64_t bytes_read_counted_ = 0;
  uint64_t bytes_written_counted_ = 0;
  Ending ending_ = Ending::kNone;
  bool paused_ = false;
  bool held_ = false;
  bool over_ = false;
  bool peer_ended_ = false;
};

}  // namespace nuncio::proxy
