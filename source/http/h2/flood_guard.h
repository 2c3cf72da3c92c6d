#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/h2/frame_gate.h"
#include "source/http/h2/h2_options.h"
#include "source/telemetry/http2_stats.h"

namespace nuncio::http::h2 {

// Counts what a peer does that costs work and carries nothing. One per connection.
class FloodGuard {
 public:
  FloodGuard(const H2Options& options, telemetry::Http2Stats& stats);

  // CONTINUATION frames that one header block may have.
  static uint32_t MaxHeaderFrames(const H2Options& options);

  // Both return nothing while the peer may go on; else the stable name of what it overdid, counted.
  std::string_view OnFrameReceived(const FrameHead& head, std::string_view payload);
  // A stream ended, by the peer or through its fault, before it was answered.
  std::string_view OnPrematureReset();

  void OnStreamOpened() { ++streams_opened_; }
  void OnAnswered() {
    if (premature_resets_ > 0) --premature_resets_;
  }
  void OnDataFrameSent() { ++data_frames_sent_; }

 private:
  bool IsEmpty(const FrameHead& head, std::string_view payload) const;

  const H2Options& options_;
  telemetry::Http2Stats& stats_;
  const uint32_t max_header_frames_;
  uint64_t streams_opened_ = 0;
  uint64_t data_frames_sent_ = 0;
  uint64_t priority_frames_ = 0;
  uint64_t window_updates_ = 0;
  uint64_t settings_frames_ = 0;
  uint32_t premature_resets_ = 0;
  uint32_t empty_in_a_row_ = 0;
  uint32_t header_frames_ = 0;  // Of the block now arriving.
};

}  // namespace nuncio::http::h2
