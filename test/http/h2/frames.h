#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// HTTP/2 frames as bytes, well-formed or not, without a library between the test and the wire.
namespace nuncio::http::h2 {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;
inline constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
inline constexpr uint8_t kEnds = kEndStream | kEndHeaders;

// Network order.
std::string Bytes(uint32_t value, size_t size);
// `length` where it is to differ from the payload's.
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload);
std::string FrameOfLength(uint32_t length, uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload);

// A header block: literals without indexing, names and values as they are (RFC 7541 6.2.2).
std::string Block(const Fields& fields);
// An HPACK integer with a prefix of `bits`, `first` in the bits before it (RFC 7541 5.1).
std::string Integer(uint64_t value, int bits, uint8_t first);

std::string Headers(uint32_t stream_id, const Fields& fields, uint8_t flags = kEnds);
std::string Data(uint32_t stream_id, std::string_view bytes, uint8_t flags = 0);
std::string Settings(std::initializer_list<std::pair<uint16_t, uint32_t>> entries);
std::string SettingsAck();
std::string WindowUpdate(uint32_t stream_id, uint32_t increment);
std::string RstStream(uint32_t stream_id, uint32_t error_code);
std::string Ping(std::string_view eight_bytes = "12345678", uint8_t flags = 0);
std::string Priority(uint32_t stream_id, uint32_t dependency, uint8_t weight = 15);
std::string GoAway(uint32_t last_stream_id, uint32_t error_code);
std::string Continuation(uint32_t stream_id, std::string_view fragment, uint8_t flags);

// The fields of an ordinary request, with others behind.
Fields Request(std::string_view method = "GET", std::string_view path = "/", const Fields& more = {});

struct ParsedFrame {
  uint8_t type;
  uint8_t flags;
  uint32_t stream_id;
  std::string payload;
  Fields fields;  // Of HEADERS, with what follows in CONTINUATION.

  uint32_t Number(size_t offset) const;
  std::string Field(std::string_view name) const;
};

// Reads what a codec wrote. Keeps the compression state, so all of one connection's output goes through one reader.
class FrameReader {
 public:
  FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;
  ~FrameReader();

  std::vector<ParsedFrame> Read(std::string_view bytes);

 private:
  void Inflate(std::string_view block, Fields* fields);

  nghttp2_hd_inflater* inflater_ = nullptr;
};

}  // namespace nuncio::http::h2
