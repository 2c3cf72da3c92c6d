#pragma once

#include <cstdint>
#include <string_view>

#include "source/access_log/response_flags.h"
#include "source/base/clock.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/proxy/tcp_tunnel.h"
#include "source/upstream/stream_pool.h"
#include "source/upstream/worker_cluster.h"

namespace nuncio::proxy {

class Stream;

// The router's half of a stream: chooses a host, gets a stream to it, sends the request and hands back the answer. Part
// of the Stream; one attempt at a time, and another one only where the one before died unanswered and repeating is
// safe.
class UpstreamRequest final : public upstream::StreamRequester,
                              public http::ResponseReceiver,
                              private TcpTunnel::Owner {
 public:
  UpstreamRequest(Stream& stream, buffer::SlicePool& pool) : stream_(stream), held_body_(pool) {}
  ~UpstreamRequest();

  // `head` is final but for the host of auto_host_rewrite. `cluster` stays held until the end. `terminate`: it is a
  // CONNECT that ends here.
  void Start(upstream::WorkerClusterRef cluster, http::RequestHead& head, bool end_stream, bool terminate);
  void SendData(buffer::Buffer& data, bool end_stream);
  void SendTrailers(http::HeaderMap& trailers);
  // Gives up, whatever the state. Nothing comes back after it.
  void Cancel();
  // The route's time is over: counts it at the cluster and the host. To be followed by Cancel.
  void OnTimeout();
  // The stream's longest life is over; only counts.
  void OnMaxDuration();
  // The client's side cannot take more for now.
  void PauseReading(bool pause);
  // See http::RequestSender.
  void LeaveBodyInKernel() {
    if (sender_ != nullptr) sender_->LeaveBodyInKernel();
  }

  bool active() const { return state_ != State::kIdle && state_ != State::kDone; }
  bool connected() const { return sender_ != nullptr; }

  // upstream::StreamRequester
  void OnStreamReady(http::RequestSender& sender, const upstream::StreamConnection& connection) override;
  void OnStreamFailed(upstream::PoolFailure failure, std::string_view details, const upstream::Host& host) override;

  // http::ResponseReceiver
  Arena& arena() override;
  void OnInformational(http::ResponseHead& head) override;
  void OnResponseHead(http::ResponseHead& head, bool end_stream) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnTrailers(http::HeaderMap& trailers) override;
  void OnReset(http::StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;

 private:
  // Longer bodies are not sent again where a host refuses them.
  static constexpr size_t kMaxKeptBody = 64 * 1024;
  static constexpr uint32_t kMaxAttempts = 3;
  // What died on a connection that had lain idle goes to a fresh one, and no further.
  static constexpr uint32_t kMaxAttemptsWhenLost = 2;

  enum class State : uint8_t {
    kIdle,       // Not asked for.
    kWaiting,    // For a connection.
    kSending,    // The head was sent, no answer yet.
    kReceiving,  // The answer has begun.
    kDone,
  };

  // TcpTunnel::Owner
  void OnTunnelReady(TcpTunnel& tunnel) override;
  void OnTunnelFailed(upstream::PoolFailure failure, std::string_view details) override;

  void Attempt(bool fresh_connection);
  void ConnectTunnel();
  void BeginSending(http::RequestSender& sender);
  void AcceptTunnel(http::ResponseHead& head);
  // Of a body that is sent.
  void KeepCopy(const buffer::Buffer& data);
  void SendHeld(bool ends);
  // The tunnel takes what the client sends from now on.
  void OpenTunnel();
  bool MayRepeat(http::StreamReset reset, std::string_view details) const;
  void EndAnswer();
  void Ended();
  upstream::RoutingPriority Priority() const;
  void ReturnRetry();
  void CountStatus(int status);
  // Counts the host's success or failure. gRPC tells which at the answer's end.
  void CountHead(const http::ResponseHead& head, bool end_stream);
  void CountTrailers(const http::HeaderMap& trailers);
  void CountForHost(bool success);
  void PauseDownstream(bool pause);
  void FailStream(uint32_t status, std::string_view details, std::string_view body, access_log::ResponseFlag flag);

  Stream& stream_;
  upstream::WorkerClusterRef cluster_;
  upstream::HostRef host_;
  http::RequestHead* head_ = nullptr;
  http::RequestSender* sender_ = nullptr;
  upstream::PendingStream pending_;
  // What came of the request's body before there was a connection; and while `keep_body_`, what came of it at all.
  buffer::Buffer held_body_;
  http::HeaderMap* held_trailers_ = nullptr;
  // For the TLS handshake, where the cluster takes it from the request.
  std::string_view server_name_;
  MonotonicTime attempt_began_{};
  State state_ = State::kIdle;
  // A request for a tunnel: nothing of what follows its head is sent before the host has accepted it.
  enum class Tunnel : uint8_t { kNone, kAsked, kOpen, kHalfClosed /* by the host */ };
  Tunnel tunnel_ = Tunnel::kNone;
  bool terminate_ = false;
  TcpTunnel* connecting_tunnel_ = nullptr;
  bool grpc_pending_ = false;    // The trailers tell whether the host succeeded.
  bool keep_body_ = false;       // An HTTP/2 host may still refuse the stream, and the request is not too long to keep.
  bool head_ends_ = false;       // The head is the whole request.
  bool request_ended_ = false;   // The client's last byte is here.
  bool body_given_ = false;      // Some of the body went to a connection.
  bool reused_ = false;
  // What carries the attempt; null before OnStreamReady, and where that is a tunnel.
  const upstream::StreamConnection* connection_ = nullptr;
  bool retrying_ = false;        // A unit of the cluster's retries is taken.
  bool downstream_paused_ = false;
  bool upstream_paused_ = false;
};

}  // namespace nuncio::proxy
