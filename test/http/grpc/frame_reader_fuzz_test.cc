// A hostile body into the frame reader. The first byte says how the rest is cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/http/grpc/frame_reader.h"
#include "source/http/grpc/frame_writer.h"

namespace nuncio::http::grpc {
namespace {

constexpr size_t kMaxMessage = 1000;

// Reads `input` in pieces of `step`; returns the messages, framed again.
std::string Read(std::string_view input, size_t step, bool* failed, bool* at_boundary) {
  buffer::SlicePool slices;
  std::string framed;
  {
    FrameReader reader(slices, kMaxMessage);
    buffer::Buffer out(slices);
    for (FrameReader::Result result = FrameReader::Result::kNeedMore;
         !input.empty() && result != FrameReader::Result::kError;) {
      buffer::Buffer data(slices);
      data.Append(input.substr(0, step));
      input.remove_prefix(std::min(step, input.size()));
      reader.Add(data);
      for (;;) {
        buffer::Buffer message(slices);
        result = reader.Next(message);
        if (result != FrameReader::Result::kMessage) break;
        if (message.length() > kMaxMessage || !FrameMessage(message)) abort();
        out.MoveFrom(message);
      }
    }
    *failed = !reader.status().ok();
    *at_boundary = reader.at_boundary();
    framed = out.ToString();
  }
  if (slices.bytes_in_use() != 0) abort();
  return framed;
}

}  // namespace
}  // namespace nuncio::http::grpc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nuncio::http::grpc::Read;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  bool failed, at_boundary, failed_whole, at_boundary_whole;
  const std::string pieces = Read(input, 1 + data[0] % 16, &failed, &at_boundary);
  const std::string whole = Read(input, input.size() + 1, &failed_whole, &at_boundary_whole);
  // How the body was cut must not matter, and reading loses nothing.
  if (pieces != whole || failed != failed_whole) abort();
  if (!failed && at_boundary != at_boundary_whole) abort();
  if (input.substr(0, whole.size()) != whole) abort();
  if (!failed && at_boundary && whole.size() != input.size()) abort();
  return 0;
}
