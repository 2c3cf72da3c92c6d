#include "source/http/h2/options_compiler.h"

#include "source/config/converters.h"

namespace nuncio::http::h2 {
namespace {

using envoy::config::core::v3::Http2ProtocolOptions;
using envoy::config::core::v3::KeepaliveSettings;

KeepaliveOptions CompileKeepalive(const KeepaliveSettings& from, config::Faults& faults) {
  KeepaliveOptions out;
  out.interval = config::DurationField(from.has_interval(), from.interval(), "interval", {}, faults);
  out.timeout = config::DurationField(from.has_timeout(), from.timeout(), "timeout", {}, faults);
  out.connection_idle_interval =
      config::DurationField(from.has_connection_idle_interval(), from.connection_idle_interval(),
                            "connection_idle_interval", {}, faults);
  if (from.has_interval_jitter()) out.interval_jitter = from.interval_jitter().value();
  return out;
}

}  // namespace

H2Options CompileHttp2Options(const Http2ProtocolOptions& message, config::Faults& faults) {
  H2Options out;
  const auto read = [](bool is_set, const google::protobuf::UInt32Value& from, uint32_t& to) {
    if (is_set) to = from.value();
  };
  read(message.has_hpack_table_size(), message.hpack_table_size(), out.hpack_table_size);
  read(message.has_max_concurrent_streams(), message.max_concurrent_streams(), out.max_concurrent_streams);
  read(message.has_initial_stream_window_size(), message.initial_stream_window_size(), out.initial_stream_window_size);
  read(message.has_initial_connection_window_size(), message.initial_connection_window_size(),
       out.initial_connection_window_size);
  out.allow_connect = message.allow_connect();
  if (message.has_override_stream_error_on_invalid_http_message()) {
    out.stream_error_on_invalid_message = message.override_stream_error_on_invalid_http_message().value();
  }
  read(message.has_max_outbound_frames(), message.max_outbound_frames(), out.max_outbound_frames);
  read(message.has_max_outbound_control_frames(), message.max_outbound_control_frames(),
       out.max_outbound_control_frames);
  read(message.has_max_consecutive_inbound_frames_with_empty_payload(),
       message.max_consecutive_inbound_frames_with_empty_payload(),
       out.max_consecutive_inbound_frames_with_empty_payload);
  read(message.has_max_inbound_priority_frames_per_stream(), message.max_inbound_priority_frames_per_stream(),
       out.max_inbound_priority_frames_per_stream);
  read(message.has_max_inbound_window_update_frames_per_data_frame_sent(),
       message.max_inbound_window_update_frames_per_data_frame_sent(),
       out.max_inbound_window_update_frames_per_data_frame_sent);
  if (message.has_connection_keepalive()) {
    const config::Faults::Scope scope(faults, "connection_keepalive");
    out.keepalive = CompileKeepalive(message.connection_keepalive(), faults);
  }
  return out;
}

}  // namespace nuncio::http::h2
