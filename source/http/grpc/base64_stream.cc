#include "source/http/grpc/base64_stream.h"

#include <algorithm>
#include <array>

namespace nuncio::http::grpc {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 64;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}();

// Bytes or letters that are read at once.
constexpr size_t kPiece = 1536;

char* PutGroup(uint32_t bits, char* to) {
  *to++ = kDigits[bits >> 18];
  *to++ = kDigits[bits >> 12 & 63];
  *to++ = kDigits[bits >> 6 & 63];
  *to++ = kDigits[bits & 63];
  return to;
}

uint32_t Group(uint8_t first, uint8_t second, uint8_t third) {
  return static_cast<uint32_t>(first) << 16 | static_cast<uint32_t>(second) << 8 | third;
}

}  // namespace

bool Base64Decoder::Decode(const buffer::Buffer& text, buffer::Buffer& out) {
  bool good = true;
  text.ForEachRun([&](std::string_view run) {
    for (; good && !run.empty(); run.remove_prefix(std::min(kPiece, run.size()))) {
      good = DecodeRun(run.substr(0, kPiece), out);
    }
  });
  return good;
}

bool Base64Decoder::DecodeRun(std::string_view run, buffer::Buffer& out) {
  char bytes[kPiece];
  char* to = bytes;
  for (const char c : run) {
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    const bool pad = c == '=' && digits_ >= 2;
    // Nothing but padding follows padding.
    if ((value == kNoDigit || padding_ > 0) && !pad) return false;
    bits_ = bits_ << 6 | (pad ? 0 : value);
    padding_ += pad ? 1 : 0;
    if (++digits_ < 4) continue;
    // Bits that the padding leaves over are zero.
    if ((padding_ == 1 && (bits_ & 0xff) != 0) || (padding_ == 2 && (bits_ & 0xffff) != 0)) return false;
    for (int shift = 16; shift >= 8 * padding_; shift -= 8) *to++ = static_cast<char>(bits_ >> shift);
    bits_ = 0;
    digits_ = padding_ = 0;
  }
  out.Append({bytes, static_cast<size_t>(to - bytes)});
  return true;
}

void Base64Encoder::Encode(const buffer::Buffer& bytes, buffer::Buffer& out) {
  bytes.ForEachRun([&](std::string_view run) {
    for (; !run.empty(); run.remove_prefix(std::min(kPiece, run.size()))) EncodeRun(run.substr(0, kPiece), out);
  });
}

void Base64Encoder::EncodeRun(std::string_view run, buffer::Buffer& out) {
  char text[(kPiece + 2) / 3 * 4];
  char* to = text;
  const auto next = [&run] {
    const auto byte = static_cast<uint8_t>(run.front());
    run.remove_prefix(1);
    return byte;
  };
  if (pending_size_ > 0 && pending_size_ + run.size() >= 3) {
    const uint8_t second = pending_size_ == 2 ? pending_[1] : next();
    to = PutGroup(Group(pending_[0], second, next()), to);
    pending_size_ = 0;
  }
  while (run.size() >= 3) {
    const uint8_t first = next();
    const uint8_t second = next();
    to = PutGroup(Group(first, second, next()), to);
  }
  while (!run.empty()) pending_[pending_size_++] = next();
  out.Append({text, static_cast<size_t>(to - text)});
}

void Base64Encoder::Flush(buffer::Buffer& out) {
  if (pending_size_ == 0) return;
  char text[4];
  PutGroup(Group(pending_[0], pending_size_ == 2 ? pending_[1] : 0, 0), text);
  text[3] = '=';
  if (pending_size_ == 1) text[2] = '=';
  out.Append({text, sizeof(text)});
  pending_size_ = 0;
}

}  // namespace nuncio::http::grpc
