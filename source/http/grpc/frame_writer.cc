#include "source/http/grpc/frame_writer.h"

#include <cstdint>

#include "source/http/grpc/frame.h"

namespace nuncio::http::grpc {
namespace {

struct FrameHeader {
  explicit FrameHeader(size_t size)
      : bytes{0, static_cast<char>(size >> 24), static_cast<char>(size >> 16), static_cast<char>(size >> 8),
              static_cast<char>(size)} {}
  char bytes[kFrameHeaderSize];
};

}  // namespace

bool FrameMessage(buffer::Buffer& message) {
  if (message.length() > UINT32_MAX) return false;
  const FrameHeader header(message.length());
  message.Prepend({header.bytes, kFrameHeaderSize});
  return true;
}

bool AppendMessage(std::string_view message, buffer::Buffer& out) {
  if (message.size() > UINT32_MAX) return false;
  const FrameHeader header(message.size());
  out.Append({header.bytes, kFrameHeaderSize});
  out.Append(message);
  return true;
}

}  // namespace nuncio::http::grpc
