#include "source/upstream/pool/http2_connection.h"

#include <utility>

namespace nuncio::upstream {

Http2Connection::Http2Connection(HostPool& pool, std::shared_ptr<PoolShared> shared)
    : HttpConnection(pool, std::move(shared)),
      keepalive_timer_(loop(), Delegate<void()>::Bind<&Http2Connection::OnKeepaliveTimer>(this)) {}

std::unique_ptr<http::ClientCodec> Http2Connection::MakeCodec(net::Connection& connection) {
  // Streams share the connection: what they write in one turn goes out together.
  connection.set_flush_at_turn_end(true);
  http::ClientConnectionEvents& events = *this;
  auto codec = std::make_unique<http::h2::H2ClientCodec>(connection.write_buffer(), events, shared().h2_options,
                                                         shared().supplies.h2(), *shared().http2_stats);
  h2_codec_ = codec.get();
  h2_codec_->set_pong_receiver(this);
  last_bytes_ = loop().now();
  ScheduleKeepalive();
  return codec;
}

bool Http2Connection::Reusable(bool leftover) {
  // Not to be confused with a connection that is full: this one would never take a stream again, because its stream
  // numbers are used up.
  const bool exhausted = !h2_codec_->can_open_stream() && h2_codec_->active_streams() < h2_codec_->max_streams();
  return h2_codec_->reusable() && !exhausted;
}

bool Http2Connection::SayGoodbye() {
  if (!h2_codec_->reusable()) return false;
  h2_codec_->SendGoAway();
  return true;
}

void Http2Connection::OnBytes() {
  last_bytes_ = loop().now();
  // Whoever talks is there, even if a long frame of data delays the answer.
  if (awaiting_pong_) keepalive_timer_.Arm(shared().config->http2.keepalive->timeout);
}

void Http2Connection::BeforeStream() {
  const auto& keepalive = shared().config->http2.keepalive;
  if (!keepalive.has_value() || keepalive->connection_idle_interval == Duration::zero() || awaiting_pong_) return;
  if (loop().now() - last_bytes_ >= keepalive->connection_idle_interval) SendKeepalive();
}

void Http2Connection::ScheduleKeepalive() {
  const auto& keepalive = shared().config->http2.keepalive;
  if (!keepalive.has_value() || keepalive->interval == Duration::zero()) return;
  const auto jitter =
      static_cast<uint64_t>(static_cast<double>(keepalive->interval.count()) * keepalive->interval_jitter / 100.0);
  keepalive_timer_.Arm(keepalive->interval + Duration(jitter == 0 ? 0 : shared().services.random.Below(jitter + 1)));
}

void Http2Connection::SendKeepalive() {
  awaiting_pong_ = true;
  h2_codec_->SendPing(++ping_);
  keepalive_timer_.Arm(shared().config->http2.keepalive->timeout);
}

void Http2Connection::OnPong(uint64_t opaque) {
  if (opaque != ping_ || !awaiting_pong_) return;
  awaiting_pong_ = false;
  keepalive_timer_.Disarm();
  ScheduleKeepalive();
}

void Http2Connection::OnKeepaliveTimer() {
  if (state() == State::kClosed || state() == State::kClosing) return;
  if (!awaiting_pong_) {
    SendKeepalive();
    return;
  }
  shared().http2_stats->keepalive_timeout.Inc();
  Close(Side::kLocal);
}

}  // namespace nuncio::upstream
