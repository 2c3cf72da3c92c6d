#pragma once

#include <string_view>

#include "source/buffer/buffer.h"

namespace nuncio::http::grpc {

// Puts the header of an uncompressed message before `message`, in place. False, with nothing done, for one of 4 GiB
// and more, which gRPC cannot frame.
[[nodiscard]] bool FrameMessage(buffer::Buffer& message);

// Appends header and message; as FrameMessage.
[[nodiscard]] bool AppendMessage(std::string_view message, buffer::Buffer& out);

}  // namespace nuncio::http::grpc
