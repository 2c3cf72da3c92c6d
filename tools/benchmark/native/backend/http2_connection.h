#pragma once

#include <string>

#include "tools/benchmark/native/backend/connection.h"
#include "tools/benchmark/native/http2.h"

namespace nuncio::benchmark {

// Any request, without TLS: status 200, 128 bytes, trailers with grpc-status 0. What is asked for is not decoded.
class Http2Connection final : public Connection {
 public:
  using Connection::Connection;

 private:
  static constexpr size_t kRoom = 64 * 1024;

  Next Read() override;
  void OnFrame(const http2::Frame& frame);
  void Reply(uint32_t stream);
  void SendFrame(http2::Type type, uint8_t flags, uint32_t stream, std::string_view payload);

  char in_[kRoom];
  size_t filled_ = 0;
  bool greeted_ = false;
  int64_t window_ = http2::kDefaultWindow;
  uint32_t consumed_ = 0;
  // Streams whose replies wait for window_.
  std::string waiting_;
};

}  // namespace nuncio::benchmark
