#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>

#include "source/http/h2/h2_options.h"

namespace nuncio::http::h2 {

// Counts the frames of a peer that cost work and carry nothing. One per connection.
class FloodGuard {
 public:
  explicit FloodGuard(const H2Options& options) : options_(options) {}

  void OnStreamOpened() { ++streams_opened_; }
  void OnDataFrameSent() { ++data_frames_sent_; }
  // Empty while the peer may go on; else the stable name of what it overdid.
  std::string_view OnFrameReceived(const nghttp2_frame& frame);

 private:
  const H2Options& options_;
  uint64_t streams_opened_ = 0;
  uint64_t data_frames_sent_ = 0;
  uint64_t priority_frames_ = 0;
  uint64_t window_updates_ = 0;
  uint32_t empty_in_a_row_ = 0;
};

}  // namespace nuncio::http::h2
