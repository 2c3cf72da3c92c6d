#pragma once

#include "source/base/object_pool.h"
#include "source/http/h2/client_stream.h"
#include "source/http/h2/nghttp2_memory.h"
#include "source/http/h2/server_stream.h"

namespace nuncio::http::h2 {

// What the connections of one worker share, of both roles. Must outlive their codecs. Not thread-safe.
struct H2Pools {
  Nghttp2Memory memory;
  ObjectPool<ClientStream> client_streams;
  ObjectPool<ServerStream> server_streams;
};

}  // namespace nuncio::http::h2
