#include "test/http/h2/frames.h"

#include "gtest/gtest.h"

namespace nuncio::http::h2 {

std::string Bytes(uint32_t value, size_t size) {
  std::string bytes;
  for (size_t i = size; i-- > 0;) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload) {
  return FrameOfLength(static_cast<uint32_t>(payload.size()), type, flags, stream_id, payload);
}

std::string FrameOfLength(uint32_t length, uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload) {
  std::string frame = Bytes(length, 3);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  frame += Bytes(stream_id, 4);
  frame.append(payload);
  return frame;
}

std::string Integer(uint64_t value, int bits, uint8_t first) {
  const uint64_t most = (uint64_t{1} << bits) - 1;
  if (value < most) return std::string(1, static_cast<char>(first | value));
  std::string bytes(1, static_cast<char>(first | most));
  for (value -= most; value >= 128; value >>= 7) bytes.push_back(static_cast<char>(value % 128 + 128));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string Block(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block.push_back('\0');
    block += Integer(name.size(), 7, 0) + name;
    block += Integer(value.size(), 7, 0) + value;
  }
  return block;
}

std::string Headers(uint32_t stream_id, const Fields& fields, uint8_t flags) {
  return Frame(NGHTTP2_HEADERS, flags, stream_id, Block(fields));
}
std::string Data(uint32_t stream_id, std::string_view bytes, uint8_t flags) {
  return Frame(NGHTTP2_DATA, flags, stream_id, bytes);
}
std::string Settings(std::initializer_list<std::pair<uint16_t, uint32_t>> entries) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += Bytes(id, 2) + Bytes(value, 4);
  return Frame(NGHTTP2_SETTINGS, 0, 0, payload);
}
std::string SettingsAck() { return Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""); }
std::string WindowUpdate(uint32_t stream_id, uint32_t increment) {
  return Frame(NGHTTP2_WINDOW_UPDATE, 0, stream_id, Bytes(increment, 4));
}
std::string RstStream(uint32_t stream_id, uint32_t error_code) {
  return Frame(NGHTTP2_RST_STREAM, 0, stream_id, Bytes(error_code, 4));
}
std::string Ping(std::string_view eight_bytes, uint8_t flags) { return Frame(NGHTTP2_PING, flags, 0, eight_bytes); }
std::string Priority(uint32_t stream_id, uint32_t dependency, uint8_t weight) {
  return Frame(NGHTTP2_PRIORITY, 0, stream_id, Bytes(dependency, 4) + static_cast<char>(weight));
}
std::string GoAway(uint32_t last_stream_id, uint32_t error_code) {
  return Frame(NGHTTP2_GOAWAY, 0, 0, Bytes(last_stream_id, 4) + Bytes(error_code, 4));
}
std::string Continuation(uint32_t stream_id, std::string_view fragment, uint8_t flags) {
  return Frame(NGHTTP2_CONTINUATION, flags, stream_id, fragment);
}

Fields Request(std::string_view method, std::string_view path, const Fields& more) {
  Fields fields = {{":method", std::string(method)},
                   {":scheme", "http"},
                   {":path", std::string(path)},
                   {":authority", "example.com"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

uint32_t ParsedFrame::Number(size_t offset) const {
  uint32_t value = 0;
  for (size_t i = offset; i < offset + 4 && i < payload.size(); ++i) {
    value = value << 8 | static_cast<uint8_t>(payload[i]);
  }
  return value;
}

std::string ParsedFrame::Field(std::string_view name) const {
  for (const auto& [n, value] : fields) {
    if (n == name) return value;
  }
  return "<none>";
}

FrameReader::FrameReader() { EXPECT_EQ(nghttp2_hd_inflate_new(&inflater_), 0); }

FrameReader::~FrameReader() { nghttp2_hd_inflate_del(inflater_); }

std::vector<ParsedFrame> FrameReader::Read(std::string_view bytes) {
  std::vector<ParsedFrame> frames;
  std::string block;
  while (bytes.size() >= 9) {
    const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    const size_t length = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
    ParsedFrame frame{at(3), at(4), 0, "", {}};
    for (size_t i = 5; i < 9; ++i) frame.stream_id = frame.stream_id << 8 | at(i);
    EXPECT_LE(length, bytes.size() - 9) << "a frame was cut";
    frame.payload = bytes.substr(9, length);
    bytes.remove_prefix(std::min(bytes.size(), 9 + length));
    if (frame.type == NGHTTP2_CONTINUATION) {
      block += frame.payload;
    } else {
      if (frame.type == NGHTTP2_HEADERS) block = frame.payload;
      frames.push_back(frame);
    }
    if ((frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_CONTINUATION) && (frame.flags & kEndHeaders) != 0) {
      Inflate(block, &frames.back().fields);
    }
  }
  EXPECT_TRUE(bytes.empty()) << "half a frame head";
  return frames;
}

void FrameReader::Inflate(std::string_view block, Fields* fields) {
  const auto* in = reinterpret_cast<const uint8_t*>(block.data());
  size_t left = block.size();
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    const ssize_t n = nghttp2_hd_inflate_hd2(inflater_, &nv, &flags, in, left, 1);
    ASSERT_GE(n, 0) << nghttp2_strerror(static_cast<int>(n));
    in += n;
    left -= static_cast<size_t>(n);
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      fields->emplace_back(std::string(reinterpret_cast<const char*>(nv.name), nv.namelen),
                           std::string(reinterpret_cast<const char*>(nv.value), nv.valuelen));
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater_);
}

}  // namespace nuncio::http::h2
