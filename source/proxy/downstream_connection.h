#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/access_log/stream_info.h"
#include "source/base/intrusive_heap.h"
#include "source/base/intrusive_list.h"
#include "source/base/slab_pool.h"
#include "source/http/codec.h"
#include "source/http/h1/server_codec.h"
#include "source/http/h2/h2_server_codec.h"
#include "source/net/connection.h"
#include "source/proxy/connection_deadlines.h"
#include "source/proxy/connection_manager.h"
#include "source/proxy/connection_past.h"

namespace nuncio::proxy {

class ParkedConnection;
class Stream;

// A client's connection under an HTTP connection manager: joins the socket, the codec and the streams, and keeps all
// their deadlines behind one timer that is rarely touched. The codec is there from the moment that the protocol is
// known: by configuration, by ALPN, or by the first bytes.
class DownstreamConnection final : public net::ConnectionEvents,
                                   public http::ServerConnectionEvents,
                                   public access_log::LocalAddressSource,
                                   public event::DeferredDeletable,
                                   public ListNode<DownstreamConnection> {
 public:
  DownstreamConnection(HttpConnectionManager& manager, const filter::AcceptedConnection& accepted,
                       std::unique_ptr<net::TransportSocket> transport, filter::ConnectionOwner& owner,
                       const ConnectionPast& past);
  ~DownstreamConnection() override;
  // In the worker's pool.
  static void* operator new(size_t size, SlabPool& pool);
  static void operator delete(void* memory, SlabPool& pool);
  static void operator delete(void* memory);

  // Once: a new connection, or one that was parked.
  void Start();
  void Resume(ParkedConnection& parked);
  // False: it never will be parked, whatever it does.
  bool MayPark() const;
  // Where nothing has happened for a while, and all that there is fits into the record: becomes that, and is gone.
  // Null: no.
  ParkedConnection* Park();
  // Once `after` has passed: closes when idle, after the current exchange otherwise.
  void StartDraining(Duration after);
  void CloseNow();

  HttpConnectionManager& manager() { return manager_; }
  const access_log::ConnectionInfo& info() const { return info_; }
  net::Connection& socket() { return socket_; }
  // Once there is a stream.
  http::ServerCodec& codec() { return *codec_; }
  // Bytes, in each direction; 0: no limit.
  uint32_t buffer_limit() const { return buffer_limit_; }
  bool http2() const { return http2_codec_ != nullptr; }
  // What is sent need not be in memory.
  bool sends_from_kernel() const { return http1_codec_.has_value() && !socket_.has_transport(); }
  // "http" or "https": of the transport.
  std::string_view scheme() const { return socket_.security() != nullptr ? "https" : "http"; }

  // See RequestOrigin.
  std::string_view client_certificate() const { return client_certificate_; }

  // For streams. A stream that is over waits here until nobody of it is on the stack.
  void OnStreamFinished(Stream& stream);
  // One of the stream's deadlines moved to `deadline`.
  void OnDeadlineMoved(Stream& stream, MonotonicTime deadline);
  // The next answer head is about to be sent: announces the close where this connection is to end.
  void BeforeResponseHead();

  const net::Address& LocalAddress() override { return socket_.local(); }

  // net::ConnectionEvents
  void OnConnected() override;
  void OnData(buffer::Buffer& data, bool end) override;
  void OnClosed(net::CloseReason reason) override;
  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;

  // http::ServerConnectionEvents
  void OnOutput() override { socket_.FlushSoon(); }
  void OnPauseReading(bool pause) override;
  void OnEndOfOutput() override { socket_.ShutdownWriteAfterFlush(); }
  http::RequestReceiver& OnNewStream(http::ResponseSender& sender) override;
  void OnCloseAfterFlush() override;
  void OnAbort() override;
  void OnConnectionError(http::StreamReset reset, std::string_view details) override;
  void OnPong(uint64_t opaque) override;

 private:
  enum class Ending : uint8_t { kNone, kDrain, kMaxDuration, kMaxRequests };
  using Deadline = ConnectionDeadlines;

  // Makes the codec if the protocol is known now; `data` is what has arrived.
  bool ChooseCodec(buffer::Buffer& data);
  // Some of the HTTP/2 preface is here: the rest has as long as a head has.
  void AwaitPreface();
  void EmplaceHttp1Codec();
  void MakeHttp1Codec();
  void MakeHttp2Codec();
  size_t active_streams() const { return codec_ == nullptr ? 0 : codec_->active_streams(); }

  bool Quiet() const;
  // Those that do not depend on what the connection does.
  void SetLifeDeadlines();
  void OnDeadline();
  void OnStreamDeadlines(MonotonicTime now);
  void SetDeadline(Deadline::Kind kind, MonotonicTime at);
  void Arm(MonotonicTime at);
  void Drain();
  // HTTP/2: asks the client to go elsewhere now, refuses it later.
  void SendGoAway();
  void OnIdle();
  void OnMaxDuration();
  void OnStall();
  void SchedulePing();
  void SendPing();
  // The connection was aborted: tells the codec, ends.
  void EndAbort();
  void AwaitPong();
  void OnPongMissing();
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
  const uint32_t buffer_limit_;
  const MonotonicTime opened_;
  const SystemTime opened_system_;

  access_log::ConnectionInfo info_;
  std::string client_certificate_;
  net::Connection socket_;
  // One of the two, once the protocol is known, and that one again.
  std::optional<http::h1::H1ServerCodec> http1_codec_;
  std::unique_ptr<http::h2::H2ServerCodec> http2_codec_;
  http::ServerCodec* codec_ = nullptr;
  IntrusiveList<Stream> streams_;
  IntrusiveList<Stream> finished_;
  event::TurnTask reap_task_;
  event::TurnTask release_task_;
  event::TurnTask abort_task_;
  event::TurnTask goaway_task_;
  event::Timer timer_;
  MonotonicTime idle_since_;
  ConnectionDeadlines deadlines_;
  // By the deadline that the timer was told of; a later one is found out when it comes.
  IntrusiveHeap<Stream, MonotonicTime> stream_deadlines_;
  size_t unsent_before_ = 0;  // At the last look whether a closing connection's client still reads.
  uint64_t pings_ = 0;
  uint64_t requests_;
  uint64_t bytes_read_counted_;
  uint64_t bytes_written_counted_;
  Ending ending_ = Ending::kNone;
  bool secure_ = false;
  bool preface_begun_ = false;
  bool paused_ = false;
  bool held_ = false;
  bool over_ = false;
  bool peer_ended_ = false;
};

}  // namespace nuncio::proxy
