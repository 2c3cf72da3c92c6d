#include "source/upstream/pool/http1_session.h"

namespace nuncio::upstream {

using ExchangeEnd = http::h1::H1ClientCodec::ExchangeEnd;

Http1Session::Http1Session(net::Connection& connection, http::ClientConnectionEvents& events, PoolShared& shared)
    : CodecSession(h1_),
      connection_(connection),
      traffic_(shared.traffic),
      stats_(*shared.http1_stats),
      h1_(connection.write_buffer(), events, shared.h1_options) {}

bool Http1Session::InputWasFaulty() const { return h1_.exchange_end() == ExchangeEnd::kFault; }

bool Http1Session::ExchangeCutOff() const { return h1_.exchange_end() == ExchangeEnd::kCutOff; }

bool Http1Session::SayGoodbye() {
  return h1_.exchange_end() == ExchangeEnd::kTunnel && connection_.unsent() > 0;
}

void Http1Session::CountNotReusable() {
  switch (h1_.exchange_end()) {
    case ExchangeEnd::kEarly:
      stats_.early_response_closed.Inc();
      break;
    case ExchangeEnd::kLast:
      traffic_.upstream_cx_close_notify.Inc();
      break;
    default:
      break;
  }
}

}  // namespace nuncio::upstream
