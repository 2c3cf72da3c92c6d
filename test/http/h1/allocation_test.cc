// In a steady state an exchange takes nothing from the heap, in either role: the codecs' memory comes from pools and
// arenas. Counted by replacing the global allocation functions.
#include <cstdlib>
#include <new>
#include <string_view>

#include "gtest/gtest.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/server_codec.h"

namespace {
size_t allocations = 0;

void* Allocate(size_t size) {
  ++allocations;
  if (void* memory = malloc(size)) return memory;
  abort();
}
}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

namespace nuncio::http::h1 {
namespace {

// A proxy's core: requests of a server codec go to a client codec, answers come back.
class Forwarder final : public ServerConnectionEvents,
                        public ClientConnectionEvents,
                        public RequestReceiver,
                        public ResponseReceiver {
 public:
  void Exchange(std::string_view request, std::string_view answer) {
    from_client_.Append(request);
    server_.Dispatch(from_client_);
    to_host_.Clear();
    from_host_.Append(answer);
    client_.Dispatch(from_host_);
    to_client_.Clear();
    arena_.Reset();
  }
  size_t finished() const { return finished_; }

  void OnOutput() override {}
  void OnPauseReading(bool) override {}
  RequestReceiver& OnNewStream(ResponseSender& sender) override {
    down_ = &sender;
    return *this;
  }
  void OnCloseAfterFlush() override { ADD_FAILURE() << "closed"; }
  void OnGoAway() override {}
  void OnMaxStreams(uint32_t) override {}
  void OnStreamClosed() override {
    EXPECT_TRUE(client_.reusable());
    ++finished_;
  }

  Arena& arena() override { return arena_; }
  void OnRequestHead(RequestHead& head, bool end_stream) override {
    up_ = &client_.NewStream(*this);
    up_->SendHead(head, end_stream);
  }
  void OnResponseHead(ResponseHead& head, bool end_stream) override {
    answering_ = true;
    down_->SendHead(head, end_stream);
    if (end_stream) answering_ = false;
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    if (answering_) {
      answering_ = !end_stream;
      down_->SendData(data, end_stream);
    } else {
      up_->SendData(data, end_stream);
    }
  }
  void OnInformational(ResponseHead&) override {}
  void OnTrailers(HeaderMap&) override {}
  void OnDecodeError(const DecodeError& error) override { ADD_FAILURE() << error.details; }
  void OnReset(StreamReset, std::string_view details) override { ADD_FAILURE() << details; }
  void OnSendBufferHigh() override {}
  void OnSendBufferLow() override {}

 private:
  buffer::SlicePool slices_;
  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  buffer::Buffer from_client_{slices_};
  buffer::Buffer to_client_{slices_};
  buffer::Buffer from_host_{slices_};
  buffer::Buffer to_host_{slices_};
  H1Options options_;
  H1ServerCodec server_{to_client_, *this, options_};
  H1ClientCodec client_{to_host_, *this, options_};
  ResponseSender* down_ = nullptr;
  RequestSender* up_ = nullptr;
  bool answering_ = false;
  size_t finished_ = 0;
};

constexpr std::string_view kRequests[] = {
    "GET /some/path?with=query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nCookie: a=b; c=d\r\nX-Custom-Header: value\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 11\r\n\r\nhello world",
    "POST /upload HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
};
constexpr std::string_view kAnswers[] = {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nServer: s\r\n\r\nhello world",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n",
};

TEST(AllocationTest, ExchangesInASteadyStateTakeNothingFromTheHeap) {
  Forwarder forwarder;
  const auto round = [&forwarder] {
    for (std::string_view request : kRequests) {
      for (std::string_view answer : kAnswers) forwarder.Exchange(request, answer);
    }
  };
  round();
  const size_t before = allocations;
  ASSERT_GT(before, 0u);
  for (int i = 0; i < 100; ++i) round();
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(forwarder.finished(), 101 * std::size(kRequests) * std::size(kAnswers));
}

}  // namespace
}  // namespace nuncio::http::h1
