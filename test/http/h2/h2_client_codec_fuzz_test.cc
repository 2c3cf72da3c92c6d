// Bytes of a hostile server into the client codec. The first byte says how the rest is cut and what the receivers do.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "source/http/h2/h2_client_codec.h"

namespace nuncio::http::h2 {
namespace {

class Receiver final : public ResponseReceiver {
 public:
  Receiver(ArenaBlockPool& pool, uint8_t mode) : arena_(std::make_unique<Arena>(pool)), mode_(mode) {}

  Arena& arena() override { return *arena_; }
  void OnInformational(ResponseHead&) override { Check(); }
  void OnResponseHead(ResponseHead& head, bool end_stream) override {
    Check();
    if (head.status < 200) abort();
    if ((mode_ & 1) != 0 && !end_stream) sender->PauseReading(true);
    if ((mode_ & 2) != 0) Reset();
    if (end_stream) over_ = true;
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    Check();
    if ((mode_ & 4) != 0) Reset();
    if (end_stream) over_ = true;
  }
  void OnTrailers(HeaderMap&) override {
    Check();
    over_ = true;
  }
  void OnReset(StreamReset, std::string_view) override {
    Check();
    over_ = true;
    arena_.reset();
  }
  void OnSendBufferHigh() override { Check(); }
  void OnSendBufferLow() override { Check(); }

  RequestSender* sender = nullptr;
  bool over() const { return over_; }

 private:
  // Nothing comes after the end.
  void Check() {
    if (over_) abort();
  }
  void Reset() {
    over_ = true;
    sender->Reset(StreamReset::kLocal);
  }

  std::unique_ptr<Arena> arena_;
  const uint8_t mode_;
  bool over_ = false;
};

class Connection final : public ClientConnectionEvents {
 public:
  void OnOutput() override {}
  void OnPauseReading(bool) override {}
  void OnGoAway() override {}
  void OnMaxStreams(uint32_t) override {}
  void OnStreamClosed() override { ++closed; }
  size_t closed = 0;
};

void Run(std::string_view input) {
  if (input.empty()) return;
  const auto mode = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  const size_t step = (mode & 0x30) == 0 ? input.size() : size_t{1} << ((mode >> 4) & 3);

  buffer::SlicePool slices;
  ArenaBlockPool arenas;
  H2Pools pools;
  H2Options options;
  options.max_header_bytes = 2000;
  options.initial_stream_window_size = 65535;
  options.initial_connection_window_size = 65535;
  {
    buffer::Buffer out(slices);
    Connection events;
    telemetry::Http2Stats stats;
  H2ClientCodec codec(out, events, options, pools, stats);
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (int i = 0; i < 4; ++i) {
      receivers.push_back(std::make_unique<Receiver>(arenas, mode));
      Receiver& receiver = *receivers.back();
      RequestSender& sender = codec.NewStream(receiver);
      receiver.sender = &sender;
      RequestHead& head = *receiver.arena().New<RequestHead>(receiver.arena());
      head.method_text = i == 1 ? "HEAD" : "POST";
      head.method = i == 1 ? Method::kHead : Method::kPost;
      head.path = "/";
      head.authority = "a";
      head.scheme = "http";
      sender.SendHead(head, i % 2 == 0);
      if (i == 3) {
        buffer::Buffer data(slices);
        data.Append("body");
        sender.SendData(data, false);
      }
    }
    if ((mode & 8) != 0) codec.OnSendBufferHigh();
    bool good = true;
    while (good && !input.empty()) {
      const size_t n = std::min(step, input.size());
      buffer::Buffer data(slices);
      data.Append(input.substr(0, n));
      input.remove_prefix(n);
      good = codec.Dispatch(data);
      out.Clear();
      // A stalled reader is owed no more than its window, and frames of a few bytes never make much output.
      if (slices.bytes_in_use() > (8 << 20)) abort();
    }
    codec.OnSendBufferLow();
    codec.OnEndOfInput();
    if (codec.active_streams() != 0 || events.closed != receivers.size()) abort();
    for (const auto& receiver : receivers) {
      if (!receiver->over()) abort();
    }
  }
  if (slices.bytes_in_use() != 0 || pools.memory.blocks_in_use() != 0) abort();
}

}  // namespace
}  // namespace nuncio::http::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nuncio::http::h2::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
