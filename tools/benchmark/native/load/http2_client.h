#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/benchmark/native/http2.h"
#include "tools/benchmark/native/load/client.h"

namespace nuncio::benchmark {

// HTTP/2 with many streams. Requests of a connection are alike, so that behind the first one each is a row of indexes
// into the table of header fields (RFC 7541), as between real peers. Of an answer's fields only a status of 200 is
// known.
class Http2Client final : public Client {
 public:
  using Client::Client;

  void Start(int64_t due) override;
  void Flush() override;

 private:
  struct Request {
    uint32_t stream;
    int64_t due;
    bool answered;
  };
  static constexpr size_t kRoom = 256 * 1024;

  void OnOpen() override;
  bool OnReadable() override;
  void OnBroken() override;
  bool OnFrame(const http2::Frame& frame);
  bool OnSettings(std::string_view settings);
  bool OnRequestFrame(const http2::Frame& frame);
  // As many of waiting_ as the window of the connection allows.
  void SendWaiting();

  // Due times of requests that were started and not sent.
  std::deque<int64_t> waiting_;
  std::vector<Request> requests_;
  uint32_t next_stream_ = 1;
  bool greeted_ = false;
  bool going_away_ = false;
  int64_t window_ = http2::kDefaultWindow;
  uint32_t consumed_ = 0;

  std::string out_;
  size_t sent_ = 0;
  std::vector<char> in_ = std::vector<char>(kRoom);
  size_t filled_ = 0;
};

}  // namespace nuncio::benchmark
