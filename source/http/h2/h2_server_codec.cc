#include "source/http/h2/h2_server_codec.h"

#include <utility>

#include "source/http/h2/field_rules.h"

namespace nuncio::http::h2 {

H2ServerCodec::H2ServerCodec(buffer::Buffer& out, ServerConnectionEvents& events, const H2Options& options,
                             H2Pools& pools, telemetry::Http2Stats& stats,
                             telemetry::DownstreamHttp2Stats& downstream_stats)
    : events_(events),
      options_(options),
      pools_(pools),
      downstream_stats_(downstream_stats),
      session_(Role::kServer, *this, out, options, pools.memory, stats) {}

void H2ServerCodec::OnEndOfInput() { session_.Close(StreamReset::kConnectionClosed, kConnectionClosed); }

void H2ServerCodec::OnConnectionClosed() { session_.Close(StreamReset::kConnectionClosed, kConnectionClosed); }

void H2ServerCodec::Drain() {
  if (std::exchange(draining_, true)) return;
  session_.SendGoAway();
  session_.EndAnswered();
  if (session_.active_streams() == 0 && !std::exchange(close_told_, true)) events_.OnCloseAfterFlush();
}

Stream* H2ServerCodec::OnStreamBegin() {
  // RFC 9113 5.1.2.
  if (session_.active_streams() >= options_.max_concurrent_streams) {
    downstream_stats_.stream_refused_errors.Inc();
    return nullptr;
  }
  ServerStream* stream =
      pools_.server_streams.New(session_, events_, options_.allow_connect);
  session_.Adopt(*stream);
  return stream;
}

void H2ServerCodec::OnStreamRetired() {
  if (draining_ && session_.active_streams() == 0 && !std::exchange(close_told_, true)) events_.OnCloseAfterFlush();
}

}  // namespace nuncio::http::h2
