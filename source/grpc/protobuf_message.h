#pragma once

#include "source/buffer/buffer.h"

namespace google::protobuf {
class MessageLite;
}

// Between protobuf messages and buffers, without a copy in between. Only for those who speak protobuf anyway.
namespace nuncio::grpc {

// Appends the wire form. False for a message of 2 GiB and more, which protobuf does not write; nothing is appended
// then.
[[nodiscard]] bool AppendProtobuf(const google::protobuf::MessageLite& message, buffer::Buffer& out);

// Parses all of `data`. False where it is malformed.
[[nodiscard]] bool ParseProtobuf(const buffer::Buffer& data, google::protobuf::MessageLite& message);

}  // namespace nuncio::grpc
