#include "source/http/h1/body_reader.h"

#include <algorithm>

#include "source/http/field_syntax.h"
#include "source/http/h1/errors.h"

namespace nuncio::http::h1 {

void BodyReader::Start(const Framing& framing, size_t max_trailer_bytes) {
  kind_ = framing.kind;
  remaining_ = framing.length;
  state_ = ChunkState::kSizeFirst;
  overhead_ = 0;
  max_trailer_bytes_ = max_trailer_bytes;
}

BodyReader::Status BodyReader::Read(buffer::Buffer& in, buffer::Buffer& content) {
  switch (kind_) {
    case BodyKind::kNone:
      return Status::kEnd;
    case BodyKind::kLength: {
      const uint64_t n = std::min<uint64_t>(remaining_, in.length());
      content.MoveFrom(in, static_cast<size_t>(n));
      remaining_ -= n;
      return remaining_ == 0 ? Status::kEnd : Status::kMore;
    }
    case BodyKind::kChunked:
      return ReadChunked(in, content);
    case BodyKind::kUntilClose:
      content.MoveFrom(in);
      return Status::kMore;
  }
  return Status::kEnd;
}

BodyReader::Status BodyReader::ReadChunked(buffer::Buffer& in, buffer::Buffer& content) {
  while (true) {
    if (state_ == ChunkState::kTrailers) return FindTrailers(in);
    if (in.empty()) return Status::kMore;
    if (state_ == ChunkState::kData) {
      const uint64_t n = std::min<uint64_t>(remaining_, in.length());
      content.MoveFrom(in, static_cast<size_t>(n));
      remaining_ -= n;
      if (remaining_ == 0) state_ = ChunkState::kDataCr;
    } else if (!ReadFraming(in)) {
      return Status::kFault;
    }
  }
}

bool BodyReader::ReadFraming(buffer::Buffer& in) {
  const std::string_view run = in.Front();
  size_t i = 0;
  while (i < run.size() && state_ != ChunkState::kData && state_ != ChunkState::kTrailers) {
    error_ = Step(run[i++]);
    if (error_ != nullptr) return false;
  }
  in.Drain(i);
  return true;
}

const DecodeError* BodyReader::Step(char c) {
  switch (state_) {
    case ChunkState::kSizeFirst:
      if (HexValue(c) < 0) return &kInvalidChunkSize;
      remaining_ = static_cast<uint64_t>(HexValue(c));
      size_digits_ = 1;
      extension_bytes_ = 0;
      state_ = ChunkState::kSize;
      return nullptr;
    case ChunkState::kSize:
      if (const int digit = HexValue(c); digit >= 0) {
        // Fifteen digits neither overflow nor occur.
        if (++size_digits_ > 15) return &kInvalidChunkSize;
        remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
        return nullptr;
      }
      if (c == '\r') {
        state_ = ChunkState::kSizeLf;
        return nullptr;
      }
      // RFC 9112 7.1.1 has white space before the ";" for the sake of old senders only; "5 \r\n" and the like are read
      // differently by different recipients.
      if (c != ';') return &kInvalidChunkSize;
      state_ = ChunkState::kExtension;
      return nullptr;
    case ChunkState::kExtension:
      if (c == '\r') {
        state_ = ChunkState::kSizeLf;
        return nullptr;
      }
      // A bare LF in here, taken for the line's end by another recipient, is the classic way in.
      if (!IsFieldValueChar(c) || ++extension_bytes_ > kMaxExtension) return &kInvalidChunkExtension;
      return nullptr;
    case ChunkState::kSizeLf:
      return c == '\n' ? EndSizeLine() : &kInvalidChunkSize;
    case ChunkState::kDataCr:
      if (c != '\r') return &kInvalidChunkEnd;
      state_ = ChunkState::kDataLf;
      return nullptr;
    case ChunkState::kDataLf:
      if (c != '\n') return &kInvalidChunkEnd;
      state_ = ChunkState::kSizeFirst;
      return nullptr;
    case ChunkState::kData:
    case ChunkState::kTrailers:
      break;
  }
  return nullptr;
}

const DecodeError* BodyReader::EndSizeLine() {
  overhead_ += size_digits_ + extension_bytes_ + 4;
  overhead_ -= std::min(overhead_, kOverheadPerChunk + 2 * remaining_);
  if (overhead_ > kMaxOverhead) return &kChunkOverhead;
  if (remaining_ > 0) {
    state_ = ChunkState::kData;
    return nullptr;
  }
  state_ = ChunkState::kTrailers;
  trailers_end_.BeginTrailers();
  return nullptr;
}

BodyReader::Status BodyReader::FindTrailers(buffer::Buffer& in) {
  // An empty line alone is always allowed.
  const size_t limit = std::max<size_t>(max_trailer_bytes_, 2);
  trailers_size_ = trailers_end_.Find(in, limit);
  if (trailers_size_ == 2 && in.Linearize(2) == "\r\n") {
    in.Drain(2);
    return Status::kEnd;
  }
  if (trailers_size_ > 0) return Status::kTrailers;
  if (in.length() < limit) return Status::kMore;
  error_ = &kTrailersTooLarge;
  return Status::kFault;
}

}  // namespace nuncio::http::h1
