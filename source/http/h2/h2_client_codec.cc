#include "source/http/h2/h2_client_codec.h"

#include <algorithm>

namespace nuncio::http::h2 {

H2ClientCodec::H2ClientCodec(buffer::Buffer& out, ClientConnectionEvents& events, const H2Options& options,
                             H2Pools& pools, telemetry::Http2Stats& stats)
    : events_(events),
      options_(options),
      pools_(pools),
      session_(Role::kClient, *this, out, options, pools.memory, stats),
      told_max_streams_(max_streams()) {}

void H2ClientCodec::Start() { Session::Turn turn(session_); }

void H2ClientCodec::OnEndOfInput() { session_.Close(StreamReset::kConnectionClosed, kConnectionTermination); }

void H2ClientCodec::OnConnectionClosed() { session_.Close(StreamReset::kConnectionClosed, kConnectionTermination); }

uint32_t H2ClientCodec::max_streams() const {
  return std::min(options_.max_concurrent_streams,
                  limit_known() ? session_.peer_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) : assumed_streams_);
}

void H2ClientCodec::set_assumed_streams(uint32_t streams) {
  assumed_streams_ = std::clamp(streams, 1u, kMostAssumedStreams);
  told_max_streams_ = 0;
}

bool H2ClientCodec::can_open_stream() const {
  return session_.request_allowed() && session_.active_streams() < max_streams();
}

RequestSender& H2ClientCodec::NewStream(ResponseReceiver& receiver) {
  ClientStream* stream = pools_.client_streams.New(session_, receiver, awaiting_settings_);
  session_.Adopt(*stream);
  return *stream;
}

void H2ClientCodec::OnPeerSettings() {
  while (ClientStream* stream = awaiting_settings_.PopFront()) stream->OnPeerSettings();
  const uint32_t streams = max_streams();
  if (streams == told_max_streams_) return;
  told_max_streams_ = streams;
  events_.OnMaxStreams(streams);
}

void H2ClientCodec::OnPong(uint64_t opaque) {
  if (h2_events_ != nullptr) h2_events_->OnPong(opaque);
}

void H2ClientCodec::OnStreamUnattended() {
  if (h2_events_ != nullptr) h2_events_->OnStreamUnattended();
}

}  // namespace nuncio::http::h2
