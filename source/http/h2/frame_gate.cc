#include "source/http/h2/frame_gate.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

namespace nuncio::http::h2 {
namespace {

uint32_t Number(std::string_view bytes) {
  uint32_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

FrameHead Parse(std::string_view bytes) {
  return {.length = Number(bytes.substr(0, 3)),
          .type = static_cast<uint8_t>(bytes[3]),
          .flags = static_cast<uint8_t>(bytes[4]),
          .stream_id = static_cast<int32_t>(Number(bytes.substr(5, 4)) & 0x7fffffff)};
}

}  // namespace

size_t FrameGate::PrefixSize(std::string_view bytes) {
  if (bytes.size() < FrameHead::kSize) return FrameHead::kSize;
  const uint32_t length = Number(bytes.substr(0, 3));
  switch (bytes[3]) {
    case NGHTTP2_PRIORITY:
      return FrameHead::kSize + (length == 5 ? 5 : 0);
    case NGHTTP2_WINDOW_UPDATE:
      return FrameHead::kSize + (length == 4 ? 4 : 0);
    case NGHTTP2_SETTINGS:
      return FrameHead::kSize +
             (length <= kMaxSettings && (bytes[4] & NGHTTP2_FLAG_ACK) == 0 ? size_t{length} : size_t{0});
    case NGHTTP2_DATA:
      return FrameHead::kSize + ((bytes[4] & NGHTTP2_FLAG_PADDED) != 0 && length > 0 ? 1 : 0);
    default:
      return FrameHead::kSize;
  }
}

FrameVerdict FrameGate::Ask(std::string_view prefix, std::string_view before, bool* flushed) {
  const FrameHead head = Parse(prefix);
  const bool was_in_block = in_header_block_;
  if (head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_CONTINUATION) {
    in_header_block_ = (head.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
  }
  const std::string_view payload = prefix.substr(FrameHead::kSize);
  bool flush = false;
  FrameVerdict verdict = events_.OnFrameHead(head, payload, &flush);
  if (flush) {
    if (!Pass(before)) return FrameVerdict::kStop;
    *flushed = true;
    verdict = events_.OnFrameHead(head, payload, &flush);
  }
  if (verdict == FrameVerdict::kDrop && was_in_block) verdict = FrameVerdict::kPass;
  payload_left_ = head.length;
  passing_ = verdict == FrameVerdict::kPass;
  return verdict;
}

bool FrameGate::Feed(std::string_view input) {
  size_t from = 0;  // What comes before has passed or was dropped.
  size_t at = 0;
  const auto waiting = [&] { return input.substr(from, at - from); };
  while (at < input.size()) {
    if (payload_left_ > 0) {
      const size_t n = std::min(payload_left_, input.size() - at);
      payload_left_ -= n;
      at += n;
      if (!passing_) from = at;
      continue;
    }
    const std::string_view rest = input.substr(at);
    const size_t wanted = PrefixSize(rest);
    if (prefix_size_ == 0 && rest.size() >= wanted) [[likely]] {
      bool flushed = false;
      const FrameVerdict verdict = Ask(rest.substr(0, wanted), waiting(), &flushed);
      if (verdict == FrameVerdict::kStop) return false;
      if (flushed) from = at;
      if (verdict == FrameVerdict::kDrop && !Pass(waiting())) return false;
      at += FrameHead::kSize;
      if (verdict == FrameVerdict::kDrop) from = at;
      continue;
    }
    // In pieces: gathered, and handed on apart.
    if (!Pass(waiting())) return false;
    while (at < input.size() && prefix_size_ < PrefixSize({prefix_, prefix_size_})) {
      prefix_[prefix_size_++] = input[at++];
    }
    from = at;
    const std::string_view prefix(prefix_, prefix_size_);
    if (prefix.size() < PrefixSize(prefix)) return true;
    prefix_size_ = 0;
    bool flushed = false;
    const FrameVerdict verdict = Ask(prefix, {}, &flushed);
    if (verdict == FrameVerdict::kStop) return false;
    if (verdict == FrameVerdict::kPass && !Pass(prefix)) return false;
    payload_left_ -= prefix.size() - FrameHead::kSize;
  }
  return Pass(waiting());
}

}  // namespace nuncio::http::h2
