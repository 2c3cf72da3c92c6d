#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "source/base/clock.h"

namespace nuncio::http::h2 {

// PING frames that show whether a connection is alive; sent by the connection's owner.
struct KeepaliveOptions {
  // Between pings; zero: none are sent on a timer.
  Duration interval{};
  // For the answer. At least 1 ms.
  Duration timeout{};
  // Up to this share of the interval, in percent, is added to each at random.
  double interval_jitter = 15.0;
  // A request that uses an upstream connection idle for this long takes a ping with it; zero: never.
  Duration connection_idle_interval{};
};

// What one HTTP/2 connection may do: `config.core.v3.Http2ProtocolOptions`, and below what other messages say.
struct H2Options {
  // Bytes of the header compression table that the peer may use towards us, and that we use at most towards it. 0
  // switches the dynamic table off.
  uint32_t hpack_table_size = 4096;
  // Requests at once on the connection, 1 to 2^31 - 1. A server refuses more (REFUSED_STREAM); a client also keeps to
  // the server's own limit.
  uint32_t max_concurrent_streams = 1024;
  // Bytes that the peer may send before it must wait, on a stream and on the connection; 65,535 to 2^31 - 1.
  uint32_t initial_stream_window_size = 16 << 20;
  uint32_t initial_connection_window_size = 24 << 20;
  // Server: allow extended CONNECT (RFC 8441), and say so in SETTINGS.
  bool allow_connect = false;
  std::optional<KeepaliveOptions> keepalive;
  // A malformed message ends its stream alone (RFC 9113 8.1.1), not the connection.
  bool stream_error_on_invalid_message = true;

  // Frames that may wait for a peer that does not read, beside DATA; and of these PING and SETTINGS acknowledgements.
  // One more ends the connection.
  uint32_t max_outbound_frames = 10000;
  uint32_t max_outbound_control_frames = 1000;
  // Frames in a row that carry nothing, not even END_STREAM or END_HEADERS. One more ends the connection.
  uint32_t max_consecutive_inbound_frames_with_empty_payload = 1;
  // One PRIORITY more than this times (1 + streams opened) ends the connection.
  uint32_t max_inbound_priority_frames_per_stream = 100;
  // One WINDOW_UPDATE more than 5 + 2 * (streams opened + this times DATA frames sent) ends the connection.
  uint32_t max_inbound_window_update_frames_per_data_frame_sent = 10;

  // Beyond Http2ProtocolOptions.

  // Streams that a client may have reset, or have made the server reset, before they were answered, beyond as many as
  // it let be answered. One more ends the connection (CVE-2023-44487).
  uint32_t max_premature_resets = 500;
  // Bytes (names and values) and number of fields of one received header block. Beyond either a request is answered
  // 431; answers and trailers are reset.
  size_t max_header_bytes = 60 * 1024;
  uint32_t max_header_count = 100;

  // Bytes of a stream's body that wait for the peer's window before the sender hears OnSendBufferHigh; and of all
  // streams of the connection, beyond which every stream hears it that has more than a little. OnSendBufferLow comes at
  // half.
  size_t send_buffer_high = 1 << 20;
};

}  // namespace nuncio::http::h2
