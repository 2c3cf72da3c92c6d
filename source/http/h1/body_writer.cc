#include "source/http/h1/body_writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "source/http/h1/head_writer.h"
#include "source/http/trailers.h"

namespace nuncio::http::h1 {

void BodyWriter::Write(buffer::Buffer& data, bool end_stream, buffer::Buffer& out) {
  switch (kind_) {
    case BodyKind::kNone:
      // The body of an answer to HEAD and the like.
      data.Clear();
      return;
    case BodyKind::kLength: {
      const uint64_t n = std::min<uint64_t>(remaining_, data.length());
      out.MoveFrom(data, static_cast<size_t>(n));
      remaining_ -= n;
      broken_ |= !data.empty() || (end_stream && remaining_ > 0);
      data.Clear();
      return;
    }
    case BodyKind::kChunked:
      WriteChunk(data, end_stream, out);
      return;
    case BodyKind::kUntilClose:
      out.MoveFrom(data);
      return;
  }
}

void BodyWriter::WriteChunk(buffer::Buffer& data, bool end_stream, buffer::Buffer& out) {
  static constexpr std::string_view kLast = "0\r\n\r\n";
  if (!data.empty()) {
    char line[18];
    char* const digits_end = std::to_chars(line, line + 16, data.length(), 16).ptr;
    memcpy(digits_end, "\r\n", 2);
    out.Append(std::string_view(line, static_cast<size_t>(digits_end + 2 - line)));
    out.MoveFrom(data);
    out.Append("\r\n");
  }
  if (end_stream) out.Append(kLast);
}

void BodyWriter::WriteTrailers(const HeaderMap& trailers, bool enabled, buffer::Buffer& out) {
  if (kind_ == BodyKind::kLength) broken_ |= remaining_ > 0;
  if (kind_ != BodyKind::kChunked) return;
  HeadWriter writer(out, 8 + HeadWriter::MaxFieldsSize(trailers));
  writer.PutLiteral("0\r\n");
  if (enabled) {
    for (const HeaderField& field : trailers) {
      if (!IsForbiddenTrailer(field)) writer.PutField(field.name, field.value);
    }
  }
  writer.Finish();
}

}  // namespace nuncio::http::h1
