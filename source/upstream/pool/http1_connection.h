#pragma once

#include <memory>
#include <utility>

#include "source/http/h1/client_codec.h"
#include "source/upstream/pool/http_connection.h"

namespace nuncio::upstream {

// HTTP/1.1: one request at a time, and another one only after an exchange that both sides ended cleanly and that left
// nothing behind. Whatever the host sends unasked ends the connection, lest it be taken for an answer.
class Http1Connection final : public HttpConnection {
 public:
  Http1Connection(HostPool& pool, std::shared_ptr<PoolShared> shared)
      : HttpConnection(pool, std::move(shared)) {}

  uint32_t max_streams() const override { return 1; }

 private:
  std::unique_ptr<http::ClientCodec> MakeCodec(net::Connection& connection) override;
  bool AllowsInputWhileIdle() const override { return false; }
  void CountForbiddenInput() override { shared().http1_stats->unexpected_bytes_while_idle.Inc(); }
  void CountProtocolError() override { shared().http1_stats->response_framing_error.Inc(); }
  bool InputWasFaulty() const override;
  bool ExchangeCutOff() const override;
  bool Reusable(bool leftover) override { return !leftover && h1_codec_->reusable(); }
  void CountNotReusable() override;
  void OnEndOfOutput() override { net()->ShutdownWriteAfterFlush(); }
  // The last bytes of a tunnel may still be on their way out.
  bool SayGoodbye() override;

  http::h1::H1ClientCodec* h1_codec_ = nullptr;  // Of the base, null until connected.
};

}  // namespace nuncio::upstream
