#pragma once

#include <memory>

#include "source/event/event_loop.h"
#include "source/http/h2/h2_client_codec.h"
#include "source/upstream/pool/http_connection.h"

namespace nuncio::upstream {

// HTTP/2: as many requests at once as both sides allow, until GOAWAY. Pings tell whether the peer is still there.
class Http2Connection final : public HttpConnection, private http::h2::PongReceiver {
 public:
  Http2Connection(HostPool& pool, std::shared_ptr<PoolShared> shared);

  uint32_t max_streams() const override { return h2_codec_->max_streams(); }

 private:
  std::unique_ptr<http::ClientCodec> MakeCodec(net::Connection& connection) override;
  void OnConnectedUnused() override { h2_codec_->Start(); }
  void BeforeStream() override;
  void OnBytes() override;
  bool AllowsInputWhileIdle() const override { return true; }
  bool InputWasFaulty() const override { return true; }
  bool ExchangeCutOff() const override { return true; }
  bool Reusable(bool leftover) override;
  bool SayGoodbye() override;
  void OnPong(uint64_t opaque) override;

  void ScheduleKeepalive();
  void SendKeepalive();
  void OnKeepaliveTimer();

  http::h2::H2ClientCodec* h2_codec_ = nullptr;  // Of the base, null until connected.
  MonotonicTime last_bytes_;
  uint64_t ping_ = 0;
  bool awaiting_pong_ = false;
  event::Timer keepalive_timer_;  // For the next ping, or for the answer to the last one.
};

}  // namespace nuncio::upstream
