#pragma once

#include "source/http/h1/client_codec.h"
#include "source/net/connection.h"
#include "source/upstream/pool/codec_session.h"
#include "source/upstream/pool/pool_shared.h"

namespace nuncio::upstream {

// HTTP/1.1: one request at a time, and another one only after an exchange that both sides ended cleanly and that left
// nothing behind. Whatever the host sends unasked ends the connection, lest it be taken for an answer.
class Http1Session final : public CodecSession {
 public:
  Http1Session(net::Connection& connection, http::ClientConnectionEvents& events, PoolShared& shared);

 private:
  uint32_t max_streams() const override { return 1; }
  bool AllowsInputWhileIdle() const override { return false; }
  void CountForbiddenInput() override { stats_.unexpected_bytes_while_idle.Inc(); }
  void CountProtocolError() override { stats_.response_framing_error.Inc(); }
  bool InputWasFaulty() const override;
  bool ExchangeCutOff() const override;
  bool Reusable(bool leftover) const override { return !leftover && h1_.reusable(); }
  void CountNotReusable() override;
  // The last bytes of a tunnel may still be on their way out.
  bool SayGoodbye() override;
  bool MustAbort() const override { return h1_.exchange_end() == http::h1::H1ClientCodec::ExchangeEnd::kBroken; }

  net::Connection& connection_;
  telemetry::ClusterTrafficStats& traffic_;
  telemetry::ClusterHttp1Stats& stats_;
  http::h1::H1ClientCodec h1_;
};

}  // namespace nuncio::upstream
