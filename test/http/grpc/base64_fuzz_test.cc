// A hostile body of gRPC-Web's text form. The first byte says how the rest is cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "source/http/grpc/base64_stream.h"

namespace nuncio::http::grpc {
namespace {

std::string Decode(std::string_view input, size_t step, bool* good) {
  buffer::SlicePool slices;
  std::string bytes;
  {
    Base64Decoder decoder;
    buffer::Buffer out(slices);
    for (*good = true; *good && !input.empty(); input.remove_prefix(std::min(step, input.size()))) {
      buffer::Buffer data(slices);
      data.Append(input.substr(0, step));
      *good = decoder.Decode(data, out);
    }
    *good = *good && decoder.at_boundary();
    bytes = out.ToString();
  }
  if (slices.bytes_in_use() != 0) abort();
  return bytes;
}

std::string Encode(std::string_view bytes) {
  buffer::SlicePool slices;
  buffer::Buffer in(slices);
  buffer::Buffer out(slices);
  in.Append(bytes);
  Base64Encoder encoder;
  encoder.Encode(in, out);
  encoder.Flush(out);
  return out.ToString();
}

}  // namespace
}  // namespace nuncio::http::grpc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nuncio::http::grpc::Decode;
  using nuncio::http::grpc::Encode;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  bool good, good_whole;
  const std::string pieces = Decode(input, 1 + data[0] % 16, &good);
  const std::string whole = Decode(input, input.size() + 1, &good_whole);
  // How the text was cut must not matter.
  if (good != good_whole || (good && pieces != whole)) abort();
  // There is one text for some bytes, but for padding within.
  if (good && input.find('=') >= input.size() - std::min<size_t>(2, input.size()) && Encode(whole) != input) abort();
  // And any bytes have one.
  bool back;
  if (Decode(Encode(input), 7, &back) != input || !back) abort();
  return 0;
}
