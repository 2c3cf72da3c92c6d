// Bytes of a hostile client into the server codec, behind the connection preface. The first byte says how the rest is
// cut and what the receivers do. Beside the seam's contract this holds every request that is told to what HTTP/1 could
// be sent (RFC 9113 8.2.1, 10.3).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "source/http/h2/h2_server_codec.h"

namespace nuncio::http::h2 {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Bits of the first byte. 0x30: how the input is cut.
constexpr uint8_t kPause = 0x01;
constexpr uint8_t kReset = 0x02;
constexpr uint8_t kAnswerEarly = 0x04;
constexpr uint8_t kEcho = 0x08;
constexpr uint8_t kConnect = 0x40;
constexpr uint8_t kDrain = 0x80;

void Require(bool condition) {
  if (!condition) abort();
}

bool HasAnyOf(std::string_view text, std::string_view bytes) { return text.find_first_of(bytes) != text.npos; }

void RequireHarmless(const HeaderMap& map) {
  for (const HeaderField& field : map) {
    Require(!field.name.empty() && !HasAnyOf(field.name, std::string_view("\0\r\n\t :", 6)));
    Require(std::none_of(field.name.begin(), field.name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    Require(!HasAnyOf(field.value, std::string_view("\0\r\n", 3)));
    for (const std::string_view name : {"connection", "transfer-encoding", "keep-alive", "proxy-connection"}) {
      Require(field.name != name);
    }
  }
}

class Receiver final : public RequestReceiver {
 public:
  Receiver(ArenaBlockPool& arenas, buffer::SlicePool& slices, ResponseSender& sender, uint8_t mode)
      : arena_(std::make_unique<Arena>(arenas)), slices_(slices), sender_(sender), mode_(mode) {}

  Arena& arena() override {
    Require(arena_ != nullptr);
    return *arena_;
  }
  void OnRequestHead(RequestHead& head, bool end_stream) override {
    Require(!over_ && !head_seen_ && !ended_);
    head_seen_ = true;
    ended_ = end_stream;
    tunnel_ = head.is_tunnel();
    Require(!head.method_text.empty() && !HasAnyOf(head.method_text, std::string_view("\0\r\n\t :/", 7)));
    Require(!HasAnyOf(head.path, std::string_view("\0\r\n\t #", 6)));
    Require(!HasAnyOf(head.authority, std::string_view("\0\r\n\t /@", 7)));
    RequireHarmless(head.headers);
    if (const HeaderField* length = head.headers.Find(HeaderId::kContentLength)) expected_ = Number(length->value);
    if ((mode_ & kPause) != 0) sender_.PauseReading(true);
    if ((mode_ & kReset) != 0) {
      End();
      sender_.Reset(StreamReset::kLocal);
    } else if (tunnel_) {
      SendHead(head.upgrade.empty() ? 200 : 101, false);
    } else if ((mode_ & kAnswerEarly) != 0) {
      SendHead(200, true);
    } else if (ended_) {
      RequireLength();
      Answer();
    }
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    Require(!over_ && head_seen_ && !ended_);
    ended_ = end_stream;
    received_ += data.length();
    if (expected_.has_value()) Require(received_ <= *expected_);
    if (tunnel_) {
      sender_.SendData(data, end_stream);
      if (end_stream) End();
      return;
    }
    if ((mode_ & kPause) != 0 && received_ % 2 == 1) sender_.PauseReading(false), sender_.PauseReading(true);
    if (!end_stream) return;
    RequireLength();
    Answer();
  }
  void OnTrailers(HeaderMap& trailers) override {
    Require(!over_ && head_seen_ && !ended_ && !tunnel_);
    ended_ = true;
    RequireHarmless(trailers);
    RequireLength();
    Answer();
  }
  void OnDecodeError(const DecodeError& error) override {
    Require(!over_ && error.status >= 400);
    SendHead(error.status, true);
  }
  void OnReset(StreamReset, std::string_view details) override {
    Require(!over_ && !details.empty());
    End();
  }
  void OnSendBufferHigh() override { Require(!over_ && !high_++); }
  void OnSendBufferLow() override { Require(!over_ && high_-- == 1); }

  bool over() const { return over_; }

 private:
  static std::optional<uint64_t> Number(std::string_view text) {
    uint64_t number = 0;
    for (const char c : text) {
      Require(c >= '0' && c <= '9');
      number = number * 10 + static_cast<uint64_t>(c - '0');
    }
    return number;
  }
  void RequireLength() const {
    if (expected_.has_value()) Require(received_ == *expected_);
  }
  // Nothing comes after the end, and nothing of the receiver is touched any more.
  void End() {
    over_ = true;
    arena_.reset();
  }
  void SendHead(uint32_t status, bool end_stream) {
    ResponseHead& head = *arena().New<ResponseHead>(arena());
    head.status = status;
    head.headers.Add("x-test", "value");
    sender_.SendHead(head, end_stream);
    if (end_stream) End();
  }
  void Answer() {
    if ((mode_ & kEcho) == 0) {
      SendHead(204, true);
      return;
    }
    SendHead(200, false);
    buffer::Buffer body(slices_);
    for (int i = 0; i < 64; ++i) body.Append("an answer of some length, which must wait for windows that are small");
    sender_.SendData(body, false);
    HeaderMap& trailers = *arena().New<HeaderMap>(arena());
    trailers.Add("x-trailer", "value");
    sender_.SendTrailers(trailers);
    End();
  }

  std::unique_ptr<Arena> arena_;
  buffer::SlicePool& slices_;
  ResponseSender& sender_;
  const uint8_t mode_;
  bool head_seen_ = false;
  bool ended_ = false;
  bool tunnel_ = false;
  bool over_ = false;
  int high_ = 0;
  std::optional<uint64_t> expected_;
  uint64_t received_ = 0;
};

class Connection final : public ServerConnectionEvents {
 public:
  Connection(ArenaBlockPool& arenas, buffer::SlicePool& slices, uint8_t mode)
      : arenas_(arenas), slices_(slices), mode_(mode) {}

  void OnOutput() override {}
  void OnPauseReading(bool) override { abort(); }
  RequestReceiver& OnNewStream(ResponseSender& sender) override {
    receivers_.push_back(std::make_unique<Receiver>(arenas_, slices_, sender, mode_));
    return *receivers_.back();
  }
  void OnCloseAfterFlush() override {}
  void OnConnectionError(StreamReset, std::string_view details) override { Require(!details.empty() && !failed_++); }

  void RequireAllOver() const {
    for (const auto& receiver : receivers_) Require(receiver->over());
  }
  bool failed() const { return failed_ > 0; }

 private:
  ArenaBlockPool& arenas_;
  buffer::SlicePool& slices_;
  const uint8_t mode_;
  int failed_ = 0;
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

H2Options Options(uint8_t mode) {
  H2Options options;
  options.max_header_bytes = 2000;
  options.max_header_count = 20;
  options.max_concurrent_streams = 8;
  options.max_premature_resets = 20;
  options.send_buffer_high = 1024;
  options.initial_stream_window_size = 65535;
  options.initial_connection_window_size = 65535;
  options.allow_connect = (mode & kConnect) != 0;
  return options;
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const auto mode = static_cast<uint8_t>(input.front());
  input.remove_prefix(1);
  const size_t step = (mode & 0x30) == 0 ? input.size() : size_t{1} << ((mode >> 4) & 3);

  buffer::SlicePool slices;
  ArenaBlockPool arenas;
  H2Pools pools;
  const H2Options options = Options(mode);
  {
    buffer::Buffer out(slices);
    Connection events(arenas, slices, mode);
    telemetry::Http2Stats stats;
    telemetry::DownstreamHttp2Stats downstream_stats;
    H2ServerCodec codec(out, events, options, pools, stats, downstream_stats);
    codec.Start();
    buffer::Buffer preface(slices);
    preface.Append(kPreface);
    bool good = codec.Dispatch(preface);
    Require(good);
    for (bool first = true; good && !input.empty(); first = false) {
      const size_t n = std::min(step, input.size());
      buffer::Buffer data(slices);
      data.Append(input.substr(0, n));
      input.remove_prefix(n);
      good = codec.Dispatch(data);
      Require(data.empty() && !(good && events.failed()));
      out.Clear();
      if (first && (mode & kDrain) != 0) codec.NoticeShutdown();
      // What stalled readers may be owed, and answers that wait.
      if (slices.bytes_in_use() > (4 << 20)) abort();
    }
    if ((mode & kDrain) != 0) codec.Drain();
    codec.ExpireFlushes();
    codec.ExpireFlushes();
    codec.OnEndOfInput();
    Require(codec.active_streams() == 0);
    events.RequireAllOver();
    codec.OnConnectionClosed();
  }
  Require(slices.bytes_in_use() == 0 && pools.memory.blocks_in_use() == 0);
}

}  // namespace
}  // namespace nuncio::http::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nuncio::http::h2::Run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
