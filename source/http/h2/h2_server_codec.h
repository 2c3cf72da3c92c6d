#pragma once

#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/h2_options.h"
#include "source/http/h2/h2_pools.h"
#include "source/http/h2/session.h"

namespace nuncio::http::h2 {

// HTTP/2 towards a client, with prior knowledge or after ALPN.
//
// Credit: bytes handed to OnData are credited to the stream's window when OnData returns, or, where the stream is
// paused then, when its last pause is taken back. So a paused stream delivers at most its window more.
//
// What the client's windows, or a full write buffer, do not let out waits in the stream; its receiver hears
// OnSendBufferHigh and OnSendBufferLow at the end of the call or input that crossed the mark. When the end of an answer
// was handed over the receiver is free to go, and what still waits leaves without it: see ExpireFlushes.
//
// A malformed request is reset (PROTOCOL_ERROR), or ends the connection where the options say so; a header block beyond
// the limits is told by OnDecodeError with 431. Must not be destroyed, nor be given input, within one of its own
// events. Its owner calls OnConnectionClosed before it destroys a codec with open streams.
class H2ServerCodec final : public ServerCodec, private SessionEvents {
 public:
  // All references must outlive the codec.
  H2ServerCodec(buffer::Buffer& out, ServerConnectionEvents& events, const H2Options& options, H2Pools& pools,
                telemetry::Http2Stats& stats, telemetry::DownstreamHttp2Stats& downstream_stats);

  // Sends SETTINGS at once, which a client may wait for.
  void Start() { Session::Turn turn(session_); }

  bool Dispatch(buffer::Buffer& data) override { return session_.Receive(data); }
  // RFC 9113 has no half-closed connections: what is still open is reset.
  void OnEndOfInput() override;
  void OnConnectionClosed() override;
  void NoticeShutdown() override { session_.SendShutdownNotice(); }
  void Drain() override;
  void SendPing(uint64_t opaque) override { session_.SendPing(opaque); }
  void OnSendBufferHigh() override { session_.BlockOutput(true); }
  void OnSendBufferLow() override { session_.BlockOutput(false); }
  Protocol protocol() const override { return Protocol::kHttp2; }
  size_t active_streams() const override { return session_.active_streams(); }
  void EndAnswered() override { session_.EndAnswered(); }
  void ExpireFlushes() override { session_.ExpireFlushes(); }

 private:
  void OnOutput() override { events_.OnOutput(); }
  Stream* OnStreamBegin() override;
  void OnGoAway() override {}
  void OnPeerSettings() override {}
  void OnPong(uint64_t opaque) override { events_.OnPong(opaque); }
  void OnFailure(StreamReset reset, std::string_view details) override { events_.OnConnectionError(reset, details); }
  void OnStreamRetired() override;
  void OnStreamUnattended() override {}
  void Recycle(Stream& stream) override { pools_.server_streams.Delete(static_cast<ServerStream*>(&stream)); }

  ServerConnectionEvents& events_;
  const H2Options& options_;
  H2Pools& pools_;
  telemetry::DownstreamHttp2Stats& downstream_stats_;
  Session session_;
  bool draining_ = false;
  bool close_told_ = false;
};

}  // namespace nuncio::http::h2
