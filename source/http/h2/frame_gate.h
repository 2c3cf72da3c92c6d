#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nuncio::http::h2 {

// The head of a frame (RFC 9113 4.1).
struct FrameHead {
  static constexpr size_t kSize = 9;

  uint32_t length;
  uint8_t type;
  uint8_t flags;
  int32_t stream_id;
};

enum class FrameVerdict : uint8_t {
  kPass,  // On to nghttp2.
  kDrop,  // Skipped as if it had not come.
  kStop,  // The connection has failed.
};

// What FrameGate asks of its owner.
class FrameGateEvents {
 public:
  // Whether more is wanted.
  virtual bool OnPassed(std::string_view bytes) = 0;
  // `payload` holds the first bytes of it: all of a PRIORITY or WINDOW_UPDATE of the right length and of SETTINGS
  // without ACK up to 32 entries, Pad Length of a padded DATA. With `*flush` false frames before this one may not have
  // passed yet: where the verdict depends on what became of them the callee sets it, answers anything, and is asked
  // again when they have.
  virtual FrameVerdict OnFrameHead(const FrameHead& head, std::string_view payload, bool* flush) = 0;

 protected:
  ~FrameGateEvents() = default;
};

// Stands before nghttp2 and shows every frame of the input to its owner, those that nghttp2 would pass over in silence
// too; hands on the others in runs as long as the input's. Header blocks are never interrupted: within one all frames
// pass.
class FrameGate {
 public:
  // `preface`: bytes before the first frame, which pass.
  FrameGate(FrameGateEvents& events, size_t preface) : events_(events), payload_left_(preface) {}

  // Any cut of the input; false when it was stopped.
  bool Feed(std::string_view input);

 private:
  static constexpr size_t kMaxSettings = 32 * 6;
  static constexpr size_t kMaxPrefix = FrameHead::kSize + kMaxSettings;

  // How many bytes of a frame that begins with `bytes` the owner is shown.
  static size_t PrefixSize(std::string_view bytes);
  FrameVerdict Ask(std::string_view prefix, std::string_view before, bool* flushed);
  bool Pass(std::string_view bytes) { return bytes.empty() || events_.OnPassed(bytes); }

  FrameGateEvents& events_;
  size_t payload_left_;
  bool passing_ = true;
  bool in_header_block_ = false;
  // The beginning of a frame that came in pieces.
  char prefix_[kMaxPrefix];
  size_t prefix_size_ = 0;
};

}  // namespace nuncio::http::h2
