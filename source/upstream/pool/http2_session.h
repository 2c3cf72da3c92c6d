#pragma once

#include "source/event/event_loop.h"
#include "source/http/h2/h2_client_codec.h"
#include "source/net/connection.h"
#include "source/upstream/pool/codec_session.h"
#include "source/upstream/pool/pool_shared.h"

namespace nuncio::upstream {

// HTTP/2: as many requests at once as both sides allow, until GOAWAY. Pings tell whether the peer is still there.
class Http2Session final : public CodecSession, private http::h2::H2ClientEvents {
 public:
  // `told_streams`: how many streams at once the host allowed on its last connection; 0: this is the first one.
  // `on_dead`: the peer left a ping unanswered; the connection is to be closed.
  Http2Session(net::Connection& connection, http::ClientConnectionEvents& events, PoolShared& shared,
               uint32_t told_streams, Delegate<void()> on_dead);

 private:
  uint32_t max_streams() const override { return h2_.max_streams(); }
  bool learning() const override { return first_ && !h2_.limit_known(); }
  void OnConnectedUnused() override { h2_.Start(); }
  void BeforeStream() override;
  void OnBytes() override;
  bool AllowsInputWhileIdle() const override { return true; }
  bool InputWasFaulty() const override { return h2_.faulty(); }
  bool ExchangeCutOff() const override { return true; }
  bool Reusable(bool leftover) const override;
  bool SayGoodbye() override;
  void OnClosing() override;
  void OnPong(uint64_t opaque) override;
  void OnStreamUnattended() override;

  void ScheduleKeepalive();
  void SendKeepalive();
  void OnKeepaliveTimer();
  void OnFlushTimer();

  // Constant after construction.
  PoolShared& shared_;
  const bool first_;
  const Delegate<void()> on_dead_;

  // Owned by the loop.
  http::h2::H2ClientCodec h2_;
  MonotonicTime last_bytes_;
  uint64_t ping_ = 0;
  bool awaiting_pong_ = false;
  event::Timer keepalive_timer_;  // For the next ping, or for the answer to the last one.
  event::Timer flush_timer_;      // While streams are left unattended.
};

}  // namespace nuncio::upstream
