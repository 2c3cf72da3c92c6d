#include "source/http/grpc/frame_counter.h"

#include <algorithm>

#include "source/http/grpc/frame.h"

namespace nuncio::http::grpc {

uint64_t FrameCounter::Count(const buffer::Buffer& data) {
  uint64_t begun = 0;
  data.ForEachRun([&](std::string_view run) { begun += CountRun(run); });
  return begun;
}

uint64_t FrameCounter::CountRun(std::string_view run) {
  uint64_t begun = 0;
  while (!run.empty()) {
    if (since_boundary_ < kFrameHeaderSize) {
      if (since_boundary_ == 0) {
        ++begun;
        body_left_ = 0;
      } else {
        body_left_ = body_left_ << 8 | static_cast<uint8_t>(run.front());
      }
      run.remove_prefix(1);
      ++since_boundary_;
    } else {
      const uint64_t taken = std::min<uint64_t>(body_left_, run.size());
      run.remove_prefix(taken);
      since_boundary_ += taken;
      body_left_ -= taken;
    }
    if (since_boundary_ >= kFrameHeaderSize && body_left_ == 0) since_boundary_ = 0;
  }
  return begun;
}

}  // namespace nuncio::http::grpc
