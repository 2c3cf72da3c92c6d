#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"

// Base64 (RFC 4648 4) of bodies that pass by in pieces, cut anywhere: what gRPC-Web calls text. Not thread-safe.
namespace nuncio::http::grpc {

// Each group of four may be padded, not only the last: what was encoded in pieces can be joined.
class Base64Decoder {
 public:
  // Appends the bytes of all groups that are complete. False: not base64, or not in its one canonical form; what was
  // appended is to be dropped.
  [[nodiscard]] bool Decode(const buffer::Buffer& text, buffer::Buffer& out);
  // Whether the text may end here.
  bool at_boundary() const { return digits_ == 0; }

 private:
  bool DecodeRun(std::string_view run, buffer::Buffer& out);

  uint32_t bits_ = 0;
  uint8_t digits_ = 0;   // Of the group, padding included.
  uint8_t padding_ = 0;
};

class Base64Encoder {
 public:
  // Appends the text of all groups of three bytes that are complete.
  void Encode(const buffer::Buffer& bytes, buffer::Buffer& out);
  // Appends what is left, padded.
  void Flush(buffer::Buffer& out);
  // Bytes that were not written yet.
  size_t pending() const { return pending_size_; }

 private:
  void EncodeRun(std::string_view run, buffer::Buffer& out);

  uint8_t pending_[2] = {0, 0};
  size_t pending_size_ = 0;
};

}  // namespace nuncio::http::grpc
