#include "source/upstream/pool/http1_connection.h"

#include <utility>

namespace nuncio::upstream {

std::unique_ptr<http::ClientCodec> Http1Connection::MakeCodec(net::Connection& connection) {
  http::ClientConnectionEvents& events = *this;
  auto codec = std::make_unique<http::h1::H1ClientCodec>(connection.write_buffer(), events, shared().h1_options);
  h1_codec_ = codec.get();
  return codec;
}

bool Http1Connection::InputWasFaulty() const {
  return h1_codec_->exchange_end() == http::h1::H1ClientCodec::ExchangeEnd::kFault;
}

bool Http1Connection::ExchangeCutOff() const {
  return h1_codec_->exchange_end() == http::h1::H1ClientCodec::ExchangeEnd::kCutOff;
}

bool Http1Connection::SayGoodbye() {
  return h1_codec_->exchange_end() == http::h1::H1ClientCodec::ExchangeEnd::kTunnel && !net()->write_buffer().empty();
}

void Http1Connection::CountNotReusable() {
  using ExchangeEnd = http::h1::H1ClientCodec::ExchangeEnd;
  switch (h1_codec_->exchange_end()) {
    case ExchangeEnd::kEarly:
      shared().http1_stats->early_response_closed.Inc();
      break;
    case ExchangeEnd::kLast:
      shared().traffic.upstream_cx_close_notify.Inc();
      break;
    default:
      break;
  }
}

}  // namespace nuncio::upstream
