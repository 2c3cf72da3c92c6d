#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"

namespace nuncio::http::h2 {

// How many frames wait in a connection's write buffer for a peer that does not read; at most twice too many. Frames are
// counted by generation: one ends when all that the buffer held at its beginning has left.
class OutputGauge {
 public:
  explicit OutputGauge(const buffer::Buffer& out) : out_(out) {}

  // Before `bytes` more go to the buffer: a frame other than DATA, which is bounded by its bytes.
  void OnFrame(size_t bytes, bool control) {
    Advance();
    appended_ += bytes;
    ++frames_.now;
    control_.now += control ? 1 : 0;
  }
  void OnData(size_t bytes) {
    Advance();
    appended_ += bytes;
  }

  uint32_t frames() {
    Advance();
    return frames_.before + frames_.now;
  }
  uint32_t control_frames() {
    Advance();
    return control_.before + control_.now;
  }

 private:
  struct Count {
    uint32_t before = 0;
    uint32_t now = 0;
  };

  void Advance() {
    if (out_.empty()) {
      frames_ = control_ = {};
      generation_end_ = appended_;
    } else if (appended_ - out_.length() >= generation_end_) {
      frames_ = {frames_.now, 0};
      control_ = {control_.now, 0};
      generation_end_ = appended_;
    }
  }

  const buffer::Buffer& out_;
  uint64_t appended_ = 0;
  uint64_t generation_end_ = 0;
  Count frames_;
  Count control_;
};

}  // namespace nuncio::http::h2
