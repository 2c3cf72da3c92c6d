// An exchange on a warm connection asks nothing of the heap: streams, nghttp2's own memory and slices come from pools.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/h2/h2_client_codec.h"
#include "test/http/h2/server_peer.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NUNCIO_HEAP_COUNTED 0
#else
#define NUNCIO_HEAP_COUNTED 1
#endif

namespace {
bool counting = false;
size_t allocations = 0;
}  // namespace

#if NUNCIO_HEAP_COUNTED
// The executable's definitions stand before the C library's, for the shared libraries as well.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* pointer, size_t size);
void* malloc(size_t size) {
  allocations += counting;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocations += counting;
  return __libc_calloc(count, size);
}
void* realloc(void* pointer, size_t size) {
  allocations += counting;
  return __libc_realloc(pointer, size);
}
}
#endif

namespace nuncio::http::h2 {
namespace {

class NullConnection final : public ClientConnectionEvents {
 public:
  void OnOutput() override {}
  void OnPauseReading(bool) override {}
  void OnGoAway() override {}
  void OnMaxStreams(uint32_t) override {}
  void OnStreamClosed() override { ++closed; }
  int closed = 0;
};

class CountingReceiver final : public ResponseReceiver {
 public:
  explicit CountingReceiver(ArenaBlockPool& pool) : arena_(pool) {}
  Arena& arena() override { return arena_; }
  void OnInformational(ResponseHead&) override {}
  void OnResponseHead(ResponseHead& head, bool) override { status = head.status; }
  void OnData(buffer::Buffer& data, bool) override { bytes += data.length(); }
  void OnTrailers(HeaderMap& trailers) override { fields = trailers.size(); }
  void OnReset(StreamReset, std::string_view) override {}
  void OnSendBufferHigh() override {}
  void OnSendBufferLow() override {}
  uint32_t status = 0;
  size_t bytes = 0;
  size_t fields = 0;

 private:
  Arena arena_;
};

TEST(H2SteadyState, NoHeapPerExchange) {
#if !NUNCIO_HEAP_COUNTED
  GTEST_SKIP() << "the sanitizer owns the heap's functions";
#endif
  buffer::SlicePool slices;
  ArenaBlockPool arenas;
  H2Pools pools;
  const H2Options options;
  buffer::Buffer out(slices);
  NullConnection events;
  telemetry::Http2Stats stats;
  H2ClientCodec codec(out, events, options, pools, stats);
  ServerPeer peer;
  const std::string body(20000, 'b');

  constexpr int kWarmUp = 200;
  constexpr int kCounted = 1000;
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    const int32_t id = 2 * i + 1;
    if (i == kWarmUp) {
      EXPECT_GT(allocations, 0) << "the counter does not count";
      allocations = 0;
    }
    CountingReceiver receiver(arenas);
    counting = true;
    RequestSender& sender = codec.NewStream(receiver);
    RequestHead& head = *receiver.arena().New<RequestHead>(receiver.arena());
    head.method_text = "POST";
    head.method = Method::kPost;
    head.path = "/service/method";
    head.authority = "example.com";
    head.scheme = "http";
    head.headers.Add("Content-Type", "application/grpc");
    head.headers.Add("te", "trailers");
    head.headers.Add("x-request-id", i % 2 == 0 ? "even" : "odd");
    sender.SendHead(head, false);
    buffer::Buffer data(slices);
    data.Append(body);
    sender.SendData(data, false);
    HeaderMap trailers(receiver.arena());
    trailers.Add("x-t", "1");
    sender.SendTrailers(trailers);
    counting = false;

    ASSERT_TRUE(peer.Feed(out.ToString()));
    out.Clear();
    ASSERT_TRUE(peer.requests[id].ended);
    peer.requests.erase(id);
    peer.Respond(id, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
    peer.Body(id, body, false);
    peer.Trailers(id, {{"grpc-status", "0"}});
    const std::string answer = peer.Take();

    counting = true;
    buffer::Buffer input(slices);
    input.Append(answer);
    ASSERT_TRUE(codec.Dispatch(input));
    counting = false;
    ASSERT_EQ(receiver.status, 200);
    ASSERT_EQ(receiver.bytes, body.size());
    ASSERT_EQ(receiver.fields, 1);
  }
  EXPECT_EQ(events.closed, kWarmUp + kCounted);
  EXPECT_EQ(allocations, 0);
  codec.OnConnectionClosed();
}

}  // namespace
}  // namespace nuncio::http::h2
