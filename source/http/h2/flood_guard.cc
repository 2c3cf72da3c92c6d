#include "source/http/h2/flood_guard.h"

namespace nuncio::http::h2 {

std::string_view FloodGuard::OnFrameReceived(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA: {
      const size_t padding = frame.hd.type == NGHTTP2_DATA ? frame.data.padlen : 0;
      if (frame.hd.length > padding || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        empty_in_a_row_ = 0;
      } else if (++empty_in_a_row_ > options_.max_consecutive_inbound_frames_with_empty_payload) {
        return "http2.inbound_empty_frames_flood";
      }
      return {};
    }
    case NGHTTP2_PRIORITY:
      if (++priority_frames_ >
          uint64_t{options_.max_inbound_priority_frames_per_stream} * (1 + streams_opened_)) {
        return "http2.inbound_priority_frames_flood";
      }
      return {};
    case NGHTTP2_WINDOW_UPDATE: {
      const uint64_t per_data = options_.max_inbound_window_update_frames_per_data_frame_sent;
      if (++window_updates_ > 5 + 2 * (streams_opened_ + per_data * data_frames_sent_)) {
        return "http2.inbound_window_update_frames_flood";
      }
      return {};
    }
    default:
      return {};
  }
}

}  // namespace nuncio::http::h2
