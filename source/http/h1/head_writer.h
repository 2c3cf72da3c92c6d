#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/h1/framing.h"
#include "source/http/header_map.h"

namespace nuncio::http::h1 {

// Writes a head in one pass into one reserved piece of a buffer. The caller says beforehand how much it will put at
// most. Text that holds CR, LF or NUL cannot be written: its field is left out, whatever let it in.
class HeadWriter {
 public:
  HeadWriter(buffer::Buffer& out, size_t max_size) : out_(out), begin_(out.Reserve(max_size)), to_(begin_) {}
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;

  static size_t MaxFieldsSize(const HeaderMap& headers) { return headers.byte_size() + 4 * headers.size(); }

  template <size_t kSize>
  void PutLiteral(const char (&text)[kSize]) {
    memcpy(to_, text, kSize - 1);
    to_ += kSize - 1;
  }
  // False, and nothing put, for unclean text.
  bool PutText(std::string_view text);
  void PutField(std::string_view name, std::string_view value);
  // A request target: what may not stand in one is escaped, which takes up to three times its size.
  void PutTarget(std::string_view target);
  void PutStatus(uint32_t status) {
    to_[0] = static_cast<char>('0' + status / 100 % 10);
    to_[1] = static_cast<char>('0' + status / 10 % 10);
    to_[2] = static_cast<char>('0' + status % 10);
    to_ += 3;
  }
  // All fields but Connection, Transfer-Encoding and Content-Length, which are the codec's; of the latter only
  // `content_length` itself, if it is not null.
  void PutFields(const HeaderMap& headers, const HeaderField* content_length);
  // The empty line; nothing may be put after it.
  void Finish() {
    PutLiteral("\r\n");
    out_.Commit(static_cast<size_t>(to_ - begin_));
  }

 private:
  buffer::Buffer& out_;
  char* const begin_;
  char* to_;
};

// Bytes that PutTarget may need.
size_t MaxTargetSize(std::string_view target);

}  // namespace nuncio::http::h1
