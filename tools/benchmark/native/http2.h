#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The little of HTTP/2 (RFC 9113) that a generator of load and its backend need.
namespace nuncio::benchmark::http2 {

enum Type : uint8_t {
  kData = 0,
  kHeaders = 1,
  kResetStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
};
enum Flag : uint8_t { kEndStream = 1, kAck = 1, kEndHeaders = 4 };
enum Setting : uint16_t { kHeaderTableSize = 1, kEnablePush = 2, kMaxConcurrentStreams = 3, kInitialWindowSize = 4 };

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHead = 9;
constexpr size_t kMaxFrame = 16 * 1024;
// Of a connection, and of a stream where no setting says another.
constexpr int64_t kDefaultWindow = 65535;

struct Frame {
  uint8_t type;
  uint8_t flags;
  uint32_t stream;
  std::string_view payload;

  bool has(Flag flag) const { return (flags & flag) != 0; }
};

inline uint32_t ReadNumber(std::string_view bytes, size_t size) {
  uint32_t number = 0;
  for (size_t i = 0; i < size; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

inline void AppendNumber(std::string& out, uint32_t number, size_t size) {
  for (size_t i = size; i-- > 0;) out.push_back(static_cast<char>(number >> (8 * i)));
}

inline void AppendFrame(std::string& out, Type type, uint8_t flags, uint32_t stream, std::string_view payload) {
  AppendNumber(out, payload.size(), 3);
  AppendNumber(out, type, 1);
  AppendNumber(out, flags, 1);
  AppendNumber(out, stream, 4);
  out.append(payload);
}

inline void AppendWindowUpdate(std::string& out, uint32_t increment) {
  std::string payload;
  AppendNumber(payload, increment, 4);
  AppendFrame(out, kWindowUpdate, 0, 0, payload);
}

inline void AppendSetting(std::string& payload, Setting setting, uint32_t value) {
  AppendNumber(payload, setting, 2);
  AppendNumber(payload, value, 4);
}

// Takes one frame off the front of `bytes`. False: not all of it is there. Frames are of kMaxFrame at most, as both
// sides here never allow more.
inline bool TakeFrame(std::string_view& bytes, Frame& frame) {
  if (bytes.size() < kFrameHead) return false;
  const size_t length = ReadNumber(bytes, 3);
  if (bytes.size() < kFrameHead + length) return false;
  frame = {static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
           ReadNumber(bytes.substr(5), 4) & 0x7fffffff, bytes.substr(kFrameHead, length)};
  bytes.remove_prefix(kFrameHead + length);
  return true;
}

}  // namespace nuncio::benchmark::http2
