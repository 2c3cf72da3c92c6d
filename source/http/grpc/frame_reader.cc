#include "source/http/grpc/frame_reader.h"

#include <string>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::http::grpc {

FrameReader::Result FrameReader::Next(buffer::Buffer& message) {
  if (!status_.ok()) return Result::kError;
  if (!in_message_) {
    if (pending_.length() < kFrameHeaderSize) return Result::kNeedMore;
    const std::string_view header = pending_.Linearize(kFrameHeaderSize);
    const auto byte = [header](size_t i) { return static_cast<uint8_t>(header[i]); };
    const uint8_t flags = byte(0);
    message_size_ = size_t{byte(1)} << 24 | size_t{byte(2)} << 16 | size_t{byte(3)} << 8 | byte(4);
    if (flags == kCompressedFlag) {
      return Fail(StatusCode::kInternal, "gRPC message is compressed, but no encoding was agreed on");
    }
    if (flags != 0) {
      return Fail(StatusCode::kInternal,
                  StrCat("gRPC message with flags ", int{flags}, ", where only 0 and 1 have a meaning"));
    }
    if (message_size_ > max_message_bytes_) {
      return Fail(StatusCode::kResourceExhausted,
                  StrCat("gRPC message of ", message_size_, " bytes is over the limit of ", max_message_bytes_));
    }
    pending_.Drain(kFrameHeaderSize);
    in_message_ = true;
  }
  if (pending_.length() < message_size_) return Result::kNeedMore;
  message.MoveFrom(pending_, message_size_);
  in_message_ = false;
  return Result::kMessage;
}

FrameReader::Result FrameReader::Fail(StatusCode code, std::string message) {
  status_ = {code, std::move(message)};
  pending_.Clear();
  return Result::kError;
}

}  // namespace nuncio::http::grpc
