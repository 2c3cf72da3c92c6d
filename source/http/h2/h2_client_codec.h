#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/client_stream.h"
#include "source/http/h2/h2_options.h"
#include "source/http/h2/h2_pools.h"
#include "source/http/h2/session.h"

namespace nuncio::http::h2 {

// What an H2ClientCodec tells beyond ClientConnectionEvents.
class H2ClientEvents {
 public:
  // The answer to SendPing.
  virtual void OnPong(uint64_t opaque) = 0;
  // There is a stream that nobody minds; see ExpireFlushes.
  virtual void OnStreamUnattended() = 0;

 protected:
  ~H2ClientEvents() = default;
};

// HTTP/2 towards an upstream host, with prior knowledge or after ALPN.
//
// Credit: bytes handed to OnData are credited to the stream's window when OnData returns, or, where the stream is
// paused then, when its last pause is taken back. So a paused stream delivers at most its window more.
//
// Bytes that the peer's windows, or a full write buffer, do not let out wait in the stream; its receiver hears
// OnSendBufferHigh and OnSendBufferLow at the end of the call or input that crossed the mark.
//
// An answer that ends before the request does ends the stream, but for a tunnel's: after that event the sender is gone,
// as it is after the last event of a whole exchange and after OnReset. (While the codec is still in Dispatch it may be
// called, in vain.)
//
// A request for an upgrade is held back until the server's SETTINGS have come, and fails where these do not allow it.
//
// The texts of a request head live as long as the stream: in the receiver's arena, or in something it pins. Must not be
// destroyed, nor be given input, within one of its own events. Its owner calls OnConnectionClosed before it destroys a
// codec with open streams, else their receivers hear nothing.
class H2ClientCodec final : public ClientCodec, private SessionEvents {
 public:
  // As few as that no server should allow fewer (RFC 9113 6.5.2), and as many as nghttp2 lets out.
  static constexpr uint32_t kMostAssumedStreams = 100;

  // All references must outlive the codec. The connection preface leaves with the first request, or with Start.
  H2ClientCodec(buffer::Buffer& out, ClientConnectionEvents& events, const H2Options& options, H2Pools& pools,
                telemetry::Http2Stats& stats);

  // Sends preface and SETTINGS at once, to learn the server's limits before there is a request.
  void Start();

  bool Dispatch(buffer::Buffer& data) override { return session_.Receive(data); }
  // RFC 9113 has no half-closed connections: what is still open is reset.
  void OnEndOfInput() override;
  void OnConnectionClosed() override;
  void OnSendBufferHigh() override { session_.BlockOutput(true); }
  void OnSendBufferLow() override { session_.BlockOutput(false); }
  Protocol protocol() const override { return Protocol::kHttp2; }
  RequestSender& NewStream(ResponseReceiver& receiver) override;
  bool can_open_stream() const override;
  size_t active_streams() const override { return session_.active_streams(); }
  bool reusable() const override { return !session_.failed() && !session_.going_away(); }

  // The lesser of the server's limit and ours.
  uint32_t max_streams() const;
  // What the server is taken to allow until it has told its own; 1 to 100, which it is unless set. Before the first
  // stream.
  void set_assumed_streams(uint32_t streams);
  // Whether it has told; OnMaxStreams comes then.
  bool limit_known() const { return session_.peer_settings_seen(); }
  // RFC 9113 6.7. `opaque` comes back in OnPong. When to send, and how long to wait, is the owner's business.
  void SendPing(uint64_t opaque) { session_.SendPing(opaque); }
  // Of tunnels of which the receiver has heard both ends, the last bytes may still wait for the server's window. Resets
  // those of which nothing left since the last call. The time between calls is the owner's business.
  void ExpireFlushes() { session_.ExpireFlushes(); }
  bool has_unattended_streams() const { return session_.has_unattended_streams(); }
  void set_h2_events(H2ClientEvents* events) { h2_events_ = events; }
  // Dispatch refused further input for what the server did, not because it had said that it leaves.
  bool faulty() const { return faulty_; }
  // A polite end of a connection without streams: GOAWAY. The owner flushes and closes.
  void SendGoAway() { session_.SendGoAway(); }

 private:
  void OnOutput() override { events_.OnOutput(); }
  Stream* OnStreamBegin() override { return nullptr; }
  void OnGoAway() override { events_.OnGoAway(); }
  void OnPeerSettings() override;
  void OnPong(uint64_t opaque) override;
  void OnFailure(StreamReset, std::string_view) override { faulty_ = true; }
  void OnStreamUnattended() override;
  void OnStreamRetired() override { events_.OnStreamClosed(); }
  void Recycle(Stream& stream) override { pools_.client_streams.Delete(static_cast<ClientStream*>(&stream)); }

  ClientConnectionEvents& events_;
  const H2Options& options_;
  H2Pools& pools_;
  H2ClientEvents* h2_events_ = nullptr;
  ClientStream::WaitingList awaiting_settings_;
  Session session_;
  uint32_t assumed_streams_ = kMostAssumedStreams;
  uint32_t told_max_streams_;
  bool faulty_ = false;
};

}  // namespace nuncio::http::h2
