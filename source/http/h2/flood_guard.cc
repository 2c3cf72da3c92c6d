#include "source/http/h2/flood_guard.h"

#include <nghttp2/nghttp2.h>

#include "source/http/h2/field_rules.h"

namespace nuncio::http::h2 {
namespace {

// CONTINUATION beyond those that a header block of the greatest allowed size needs.
constexpr uint32_t kSpareHeaderFrames = 8;
constexpr uint32_t kSmallestMaxFrameSize = 16384;
// Each may change the window of every stream. Peers that tune it by what they receive send few for each frame of it.
constexpr uint64_t kSpareSettingsFrames = 1000;

bool EndsSomething(const FrameHead& head) {
  switch (head.type) {
    case NGHTTP2_DATA:
      return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    case NGHTTP2_HEADERS:
      return (head.flags & (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS)) != 0;
    case NGHTTP2_CONTINUATION:
      return (head.flags & NGHTTP2_FLAG_END_HEADERS) != 0;
    default:
      return false;
  }
}

}  // namespace

FloodGuard::FloodGuard(const H2Options& options, telemetry::Http2Stats& stats)
    : options_(options), stats_(stats), max_header_frames_(MaxHeaderFrames(options)) {}

uint32_t FloodGuard::MaxHeaderFrames(const H2Options& options) {
  return kSpareHeaderFrames + static_cast<uint32_t>(options.max_header_bytes / kSmallestMaxFrameSize);
}

bool FloodGuard::IsEmpty(const FrameHead& head, std::string_view payload) const {
  if (head.length == 0) return true;
  return head.type == NGHTTP2_DATA && (head.flags & NGHTTP2_FLAG_PADDED) != 0 && !payload.empty() &&
         head.length == 1u + static_cast<uint8_t>(payload.front());
}

std::string_view FloodGuard::OnFrameReceived(const FrameHead& head, std::string_view payload) {
  switch (head.type) {
    case NGHTTP2_PING:
      // Answered: bounded by the answers that wait.
      return {};
    case NGHTTP2_SETTINGS:
      if ((head.flags & NGHTTP2_FLAG_ACK) == 0 &&
          ++settings_frames_ > kSpareSettingsFrames + streams_opened_ + data_frames_sent_) {
        stats_.inbound_settings_frames_flood.Inc();
        return kSettingsFramesFlood;
      }
      return {};
    case NGHTTP2_PRIORITY:
      if (++priority_frames_ >
          uint64_t{options_.max_inbound_priority_frames_per_stream} * (1 + streams_opened_)) {
        stats_.inbound_priority_frames_flood.Inc();
        return kPriorityFramesFlood;
      }
      return {};
    case NGHTTP2_WINDOW_UPDATE: {
      const uint64_t per_data = options_.max_inbound_window_update_frames_per_data_frame_sent;
      if (++window_updates_ > 5 + 2 * (streams_opened_ + per_data * data_frames_sent_)) {
        stats_.inbound_window_update_frames_flood.Inc();
        return kWindowUpdateFramesFlood;
      }
      return {};
    }
    case NGHTTP2_HEADERS:
      header_frames_ = 0;
      break;
    case NGHTTP2_CONTINUATION:
      if (++header_frames_ > max_header_frames_) {
        stats_.too_many_header_frames.Inc();
        return kTooManyHeaderFrames;
      }
      break;
    default:
      break;
  }
  if (!IsEmpty(head, payload) || EndsSomething(head)) {
    empty_in_a_row_ = 0;
  } else if (++empty_in_a_row_ > options_.max_consecutive_inbound_frames_with_empty_payload) {
    stats_.inbound_empty_frames_flood.Inc();
    return kEmptyFramesFlood;
  }
  return {};
}

std::string_view FloodGuard::OnPrematureReset() {
  return ++premature_resets_ > options_.max_premature_resets ? kPrematureResets : std::string_view();
}

}  // namespace nuncio::http::h2
