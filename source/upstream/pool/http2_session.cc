#include "source/upstream/pool/http2_session.h"

namespace nuncio::upstream {

Http2Session::Http2Session(net::Connection& connection, http::ClientConnectionEvents& events, PoolShared& shared,
                           uint32_t told_streams, Delegate<void()> on_dead)
    : CodecSession(h2_),
      shared_(shared),
      first_(told_streams == 0),
      on_dead_(on_dead),
      h2_(connection.write_buffer(), events, shared.h2_options, shared.supplies.h2(), *shared.http2_stats),
      last_bytes_(shared.services.loop.now()),
      keepalive_timer_(shared.services.loop, Delegate<void()>::Bind<&Http2Session::OnKeepaliveTimer>(this)),
      flush_timer_(shared.services.loop, Delegate<void()>::Bind<&Http2Session::OnFlushTimer>(this)) {
  h2_.set_h2_events(this);
  h2_.set_assumed_streams(told_streams);
  ScheduleKeepalive();
}

bool Http2Session::Reusable(bool /*leftover*/) const {
  // Not to be confused with a connection that is full: this one would never take a stream again, because its stream
  // numbers are used up.
  const bool exhausted = !h2_.can_open_stream() && h2_.active_streams() < h2_.max_streams();
  return h2_.reusable() && !exhausted;
}

bool Http2Session::SayGoodbye() {
  if (!h2_.reusable()) return false;
  h2_.SendGoAway();
  return true;
}

void Http2Session::OnBytes() {
  last_bytes_ = shared_.services.loop.now();
  // Whoever talks is there, even if a long frame of data delays the answer.
  if (awaiting_pong_) keepalive_timer_.Arm(shared_.config->http2->keepalive->timeout);
}

void Http2Session::BeforeStream() {
  const auto& keepalive = shared_.config->http2->keepalive;
  if (!keepalive.has_value() || keepalive->connection_idle_interval == Duration::zero() || awaiting_pong_) return;
  if (shared_.services.loop.now() - last_bytes_ >= keepalive->connection_idle_interval) SendKeepalive();
}

void Http2Session::ScheduleKeepalive() {
  const auto& keepalive = shared_.config->http2->keepalive;
  if (!keepalive.has_value() || keepalive->interval == Duration::zero()) return;
  const auto jitter =
      static_cast<uint64_t>(static_cast<double>(keepalive->interval.count()) * keepalive->interval_jitter / 100.0);
  keepalive_timer_.Arm(keepalive->interval + Duration(jitter == 0 ? 0 : shared_.services.random.Below(jitter + 1)));
}

void Http2Session::SendKeepalive() {
  awaiting_pong_ = true;
  h2_.SendPing(++ping_);
  keepalive_timer_.Arm(shared_.config->http2->keepalive->timeout);
}

void Http2Session::OnPong(uint64_t opaque) {
  if (opaque != ping_ || !awaiting_pong_) return;
  awaiting_pong_ = false;
  keepalive_timer_.Disarm();
  ScheduleKeepalive();
}

void Http2Session::OnClosing() {
  keepalive_timer_.Disarm();
  flush_timer_.Disarm();
}

// A host that takes nothing for that long is not waited for, as with a CONNECT that ends here.
void Http2Session::OnStreamUnattended() { flush_timer_.Arm(shared_.config->connect_timeout); }

void Http2Session::OnFlushTimer() {
  h2_.ExpireFlushes();
  if (h2_.has_unattended_streams()) flush_timer_.Arm(shared_.config->connect_timeout);
}

void Http2Session::OnKeepaliveTimer() {
  if (!awaiting_pong_) {
    SendKeepalive();
    return;
  }
  shared_.http2_stats->keepalive_timeout.Inc();
  on_dead_();
}

}  // namespace nuncio::upstream
