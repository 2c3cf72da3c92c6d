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
  // Requests at once on the connection, 1 to 2^31 - 1. A client also keeps to the server's own limit.
  uint32_t max_concurrent_streams = 0x7fffffff;
  // Bytes that the peer may send before it must wait, on a stream and on the connection; 65,535 to 2^31 - 1.
  uint32_t initial_stream_window_size = 16 << 20;
  uint32_t initial_connection_window_size = 24 << 20;
  // Server: allow extended CONNECT (RFC 8441), and say so in SETTINGS.
  bool allow_connect = false;
  std::optional<KeepaliveOptions> keepalive;

  // Frames that may wait for a peer that does not read, beside DATA; and of these PING and SETTINGS acknowledgements.
  // One more ends the connection.
  uint32_t max_outbound_frames = 10000;
  uint32_t max_outbound_control_frames = 1000;
  // HEADERS and DATA frames in a row that carry nothing, not even END_STREAM. One more ends the connection.
  uint32_t max_consecutive_inbound_frames_with_empty_payload = 1;
  // One PRIORITY more than this times (1 + streams opened) ends the connection.
  uint32_t max_inbound_priority_frames_per_stream = 100;
  // One WINDOW_UPDATE more than 5 + 2 * (streams opened + this times DATA frames sent) ends the connection.
  uint32_t max_inbound_window_update_frames_per_data_frame_sent = 10;

  // Beyond Http2ProtocolOptions.
  // Bytes (names and values) and number of fields of one received header block; beyond either the stream is reset.
  size_t max_header_bytes = 60 * 1024;
  uint32_t max_header_count = 100;

  // Bytes of a stream's body that wait for the peer's window before the sender hears OnSendBufferHigh. It hears
  // OnSendBufferLow at half of it.
  size_t send_buffer_high = 1 << 20;
};

}  // namespace nuncio::http::h2
