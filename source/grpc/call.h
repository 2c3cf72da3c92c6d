#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/config/config_source.h"
#include "source/event/event_loop.h"
#include "source/http/codec.h"
#include "source/http/grpc/frame_reader.h"
#include "source/http/grpc/status.h"
#include "source/upstream/stream_pool.h"
#include "source/upstream/worker_clusters.h"
#include "source/upstream/worker_services.h"

namespace nuncio::grpc {

using http::grpc::Status;
using http::grpc::StatusCode;

// Hears of one call. May end the call, by destroying its CallPtr, in any event. Never called from within Client::Start.
class CallEvents {
 public:
  // The server's metadata, once, before the first message; valid during the call.
  virtual void OnHead(const http::HeaderMap& metadata) {}
  // One message, whole. What is left in `message` is dropped.
  virtual void OnMessage(buffer::Buffer& message) = 0;
  // The call is over, by the server's word or because it failed; nothing follows. Not called for a call that its owner
  // ends. A call that the server ends with OK while the owner still sends ends as well.
  virtual void OnEnd(const Status& status) = 0;
  // Messages sent wait beyond the high mark / at most half of it is left.
  virtual void OnSendBufferHigh() {}
  virtual void OnSendBufferLow() {}

 protected:
  ~CallEvents() = default;
};

struct CallOptions {
  // From Start to OnEnd; then the call ends with DEADLINE_EXCEEDED. The server is told (`grpc-timeout`). Unset: none
  // but the cluster's max_stream_duration.
  std::optional<Duration> timeout;
};

// One gRPC call over a cluster's pool, with any number of messages both ways. Made by Client; held by CallPtr. Belongs
// to its thread.
class Call final : public event::DeferredDeletable, private upstream::StreamRequester, private http::ResponseReceiver {
 public:
  // Ends the call, if it has not ended, and destroys it when nobody is within it any more.
  struct Ender {
    void operator()(Call* call) const { call->Abandon(); }
  };

  ~Call() override;

  // Frames and sends what `message` holds, and empties it. A message of 4 GiB or more ends the call with INTERNAL. In
  // vain after CloseSend and after the end.
  void SendMessage(buffer::Buffer& message);
  // No more messages from this side.
  void CloseSend();
  // Counted; while paused the server gets no more credit than it had.
  void PauseReading(bool pause);

 private:
  friend class Client;
  enum class State : uint8_t {
    kWaiting,    // For a connection.
    kOpen,       // The head was sent.
    kAnswering,  // The server's head is here.
    kEnded,      // OnEnd is due, or was called.
  };

  Call(const upstream::WorkerServices& services, const config::GrpcTarget& target, std::string_view path,
       const CallOptions& options, CallEvents& events);

  void Start(upstream::WorkerClusters& clusters);
  void Abandon();
  // Decides how the call ends; OnEnd comes after the current event. `reset`: a stream still open is given up.
  void Finish(Status status, bool reset);
  void CountEnd(const Status& status);
  void ReportEnd();
  void OnTimeout();
  void Send(buffer::Buffer& data, bool end_stream);

  // upstream::StreamRequester
  void OnStreamReady(http::RequestSender& sender, const upstream::StreamConnection& connection) override;
  void OnStreamFailed(upstream::PoolFailure failure, std::string_view details, const upstream::Host& host) override;

  // http::ResponseReceiver
  Arena& arena() override { return arena_; }
  void OnInformational(http::ResponseHead&) override {}
  void OnResponseHead(http::ResponseHead& head, bool end_stream) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnTrailers(http::HeaderMap& trailers) override;
  void OnReset(http::StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;

  // Constant after construction.
  const upstream::WorkerServices& services_;
  const std::string cluster_name_;

  // Owned by the loop.
  CallEvents* events_;  // Null once the owner ended the call.
  State state_ = State::kWaiting;
  Arena arena_;
  http::RequestHead head_;
  upstream::WorkerClusterRef cluster_;
  upstream::HostRef host_;
  upstream::PendingStream pending_;
  http::RequestSender* sender_ = nullptr;
  buffer::Buffer held_;  // Sent before there was a connection.
  http::grpc::FrameReader reader_;
  event::Timer deadline_;
  event::TurnTask end_task_;
  MonotonicTime began_;
  uint32_t pauses_ = 0;
  uint32_t http_status_ = 0;
  bool send_closed_ = false;
  bool held_high_ = false;
  bool deadline_is_clusters_ = false;  // The cluster's max_stream_duration comes before the call's own time.
  Status end_status_;
};

using CallPtr = std::unique_ptr<Call, Call::Ender>;

}  // namespace nuncio::grpc
