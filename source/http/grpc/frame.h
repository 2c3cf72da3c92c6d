#pragma once

#include <cstddef>
#include <cstdint>

// gRPC's length-prefixed messages ("gRPC over HTTP2", Length-Prefixed-Message): a byte of flags, four of length in
// network order, the message.
namespace nuncio::http::grpc {

inline constexpr size_t kFrameHeaderSize = 5;
inline constexpr uint8_t kCompressedFlag = 1;
// What gRPC's own libraries take unless told otherwise.
inline constexpr size_t kDefaultMaxMessageBytes = 4 << 20;

}  // namespace nuncio::http::grpc
