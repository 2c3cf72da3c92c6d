// Costs of the HTTP/1 codecs alone, for one core: nanoseconds for a message of ordinary size.
//   bazel run --config=release //test/http/h1:codec_benchmark
#include <string>
#include <string_view>

#include "benchmark/benchmark.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/head_block.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/server_codec.h"

namespace nuncio::http::h1 {
namespace {

constexpr std::string_view kRequest =
    "GET /api/v1/users/12345/orders?limit=20 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "X-Request-Id: 6c5f4a3e-7f0e-4b65-9a5e-1d2c3b4a5968\r\n"
    "Cookie: session=0123456789abcdef\r\n"
    "\r\n";
constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\n"
    "Server: backend\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 64\r\n"
    "Cache-Control: no-store\r\n"
    "\r\n"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class Events final : public ServerConnectionEvents,
                     public ClientConnectionEvents,
                     public RequestReceiver,
                     public ResponseReceiver {
 public:
  void OnOutput() override {}
  void OnPauseReading(bool) override {}
  RequestReceiver& OnNewStream(ResponseSender& given) override {
    sender = &given;
    return *this;
  }
  void OnCloseAfterFlush() override {}
  void OnGoAway() override {}
  void OnMaxStreams(uint32_t) override {}
  void OnStreamClosed() override {}
  Arena& arena() override { return arena_; }
  void OnRequestHead(RequestHead& head, bool) override { benchmark::DoNotOptimize(head.path.data()); }
  void OnResponseHead(ResponseHead& head, bool) override { benchmark::DoNotOptimize(head.status); }
  void OnInformational(ResponseHead&) override {}
  void OnData(buffer::Buffer&, bool) override {}
  void OnTrailers(HeaderMap&) override {}
  void OnDecodeError(const DecodeError&) override {}
  void OnReset(StreamReset, std::string_view) override {}
  void OnSendBufferHigh() override {}
  void OnSendBufferLow() override {}

  buffer::SlicePool pool;
  ResponseSender* sender = nullptr;

 private:
  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
};

// The request's way in and an empty answer's way out.
void BM_ServerExchange(benchmark::State& state) {
  Events events;
  const H1Options options;
  buffer::Buffer in(events.pool);
  buffer::Buffer out(events.pool);
  H1ServerCodec codec(out, events, options);
  for (auto _ : state) {
    in.Append(kRequest);
    codec.Dispatch(in);
    ResponseHead answer(events.arena());
    answer.status = 204;
    events.sender->SendHead(answer, true);
    out.Clear();
    events.arena().Reset();
  }
}
BENCHMARK(BM_ServerExchange);

void BM_ClientExchange(benchmark::State& state) {
  Events events;
  const H1Options options;
  buffer::Buffer in(events.pool);
  buffer::Buffer out(events.pool);
  H1ClientCodec codec(out, events, options);
  for (auto _ : state) {
    RequestHead request(events.arena());
    request.method_text = "GET";
    request.method = Method::kGet;
    request.path = "/";
    codec.NewStream(events).SendHead(request, true);
    out.Clear();
    in.Append(kAnswer);
    codec.Dispatch(in);
    events.arena().Reset();
  }
}
BENCHMARK(BM_ClientExchange);

// Finding the end, copying into the arena, parsing: without the copy into the read buffer.
void BM_ParseRequestHead(benchmark::State& state) {
  Events events;
  const H1Options options;
  buffer::Buffer in(events.pool);
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < 64; ++i) in.Append(kRequest);
    state.ResumeTiming();
    for (int i = 0; i < 64; ++i) {
      BlockEndFinder finder;
      finder.BeginHead();
      const size_t size = finder.Find(in, options.max_head_bytes);
      auto* head = events.arena().New<RequestHead>(events.arena());
      benchmark::DoNotOptimize(ParseRequestHead(TakeBlock(in, size, events.arena()), options, *head));
      events.arena().Reset();
    }
  }
  state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(BM_ParseRequestHead);

void BM_EncodeRequestHead(benchmark::State& state) {
  Events events;
  const H1Options options;
  buffer::Buffer in(events.pool);
  in.Append(kRequest);
  auto* head = events.arena().New<RequestHead>(events.arena());
  if (ParseRequestHead(TakeBlock(in, kRequest.size(), events.arena()), options, *head) != nullptr) {
    state.SkipWithError("the request is malformed");
  }
  buffer::Buffer out(events.pool);
  for (auto _ : state) {
    H1ClientCodec codec(out, events, options);
    codec.NewStream(events).SendHead(*head, true);
    out.Clear();
  }
}
BENCHMARK(BM_EncodeRequestHead);

}  // namespace
}  // namespace nuncio::http::h1

BENCHMARK_MAIN();
