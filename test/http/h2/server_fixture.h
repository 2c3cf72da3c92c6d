#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/http/h2/h2_server_codec.h"
#include "test/http/h2/frames.h"

namespace nuncio::http::h2 {

// One request as the server codec tells of it, and the means to answer.
class ServedRequest final : public RequestReceiver {
 public:
  ServedRequest(ArenaBlockPool& pool, buffer::SlicePool& slices, ResponseSender& sender)
      : sender_(sender), slices_(slices), arena_(std::make_unique<Arena>(pool)) {}

  Arena& arena() override { return *arena_; }
  void OnRequestHead(RequestHead& head, bool end_stream) override {
    method = head.method_text;
    path = head.path;
    authority = head.authority;
    scheme = head.scheme;
    upgrade = head.upgrade;
    protocol = head.protocol;
    for (const HeaderField& field : head.headers) headers.emplace_back(field.name, field.value);
    ended = end_stream;
    Event("head");
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    body_bytes += data.length();
    if (keep_body) body += data.ToString();
    ended = end_stream;
    Event("data");
  }
  void OnTrailers(HeaderMap& map) override {
    for (const HeaderField& field : map) trailers.emplace_back(field.name, field.value);
    ended = true;
    Event("trailers");
  }
  void OnDecodeError(const DecodeError& error) override {
    decode_error = error.status;
    details = error.details;
    Event("decode_error");
    if (answer_errors) Answer(error.status, {}, "");
  }
  void OnReset(StreamReset why, std::string_view text) override {
    EXPECT_FALSE(reset.has_value()) << "reset twice";
    reset = why;
    details = text;
    Event("reset");
    arena_.reset();
  }
  void OnSendBufferHigh() override {
    ++high;
    Event("high");
  }
  void OnSendBufferLow() override {
    ++low;
    Event("low");
  }

  ResponseSender& sender() { return sender_; }
  void SendHead(uint32_t status, const Fields& fields, bool end_stream) {
    ResponseHead& head = *arena_->New<ResponseHead>(*arena_);
    head.status = status;
    for (const auto& [name, value] : fields) head.headers.Add(name, value);
    if (status < 200 && status != 101) {
      sender_.SendInformational(head);
    } else {
      sender_.SendHead(head, end_stream);
    }
  }
  void Send(std::string_view bytes, bool end_stream) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    sender_.SendData(data, end_stream);
    EXPECT_TRUE(data.empty());
  }
  void SendTrailers(const Fields& fields) {
    HeaderMap& map = *arena_->New<HeaderMap>(*arena_);
    for (const auto& [name, value] : fields) map.Add(name, value);
    sender_.SendTrailers(map);
  }
  void Answer(uint32_t status, const Fields& fields, std::string_view text) {
    SendHead(status, fields, text.empty());
    if (!text.empty()) Send(text, true);
  }
  // As its owner does once it was answered; nothing may touch the memory any more.
  void DropArena() { arena_.reset(); }
  std::string Header(std::string_view name) const {
    for (const auto& [n, value] : headers) {
      if (n == name) return value;
    }
    return "<none>";
  }

  std::string method, path, authority, scheme, upgrade;
  Protocol protocol = Protocol::kHttp10;
  Fields headers;
  Fields trailers;
  std::string body;
  size_t body_bytes = 0;
  bool keep_body = true;
  bool ended = false;
  uint32_t decode_error = 0;
  bool answer_errors = true;
  std::optional<StreamReset> reset;
  std::string details;
  int high = 0;
  int low = 0;
  std::function<void(std::string_view event)> on_event;

 private:
  void Event(std::string_view name) {
    if (on_event) on_event(name);
  }
  ResponseSender& sender_;
  buffer::SlicePool& slices_;
  std::unique_ptr<Arena> arena_;
};

// A server codec, and the wire as bytes.
class ServerFixture : public testing::Test, public ServerConnectionEvents {
 protected:
  ~ServerFixture() override { End(); }

  // The connection goes; nothing of it may be left.
  void End() {
    if (codec_ != nullptr) codec_->OnConnectionClosed();
    codec_.reset();
    EXPECT_EQ(stats_.streams_active.value(), 0);
    EXPECT_EQ(stats_.pending_send_bytes.value(), 0);
    out_.Clear();
    requests_.clear();
    connection_errors.clear();
    EXPECT_EQ(slices_.bytes_in_use(), 0);
    EXPECT_EQ(pools_.memory.blocks_in_use(), 0);
  }

  // Without preface and SETTINGS of the client.
  void StartBare(const H2Options& options = {}) {
    End();
    options_ = options;
    ServerConnectionEvents& events = *this;
    codec_ = std::make_unique<H2ServerCodec>(out_, events, options_, pools_, stats_, downstream_stats_);
    reader_ = std::make_unique<FrameReader>();
  }
  // With both, and the acknowledgement of ours.
  void Start(const H2Options& options = {}, std::initializer_list<std::pair<uint16_t, uint32_t>> settings = {}) {
    StartBare(options);
    ASSERT_TRUE(Feed(std::string(kPreface) + Settings(settings) + SettingsAck()));
    Sent();
  }

  // One read; whether the connection lives.
  bool Feed(std::string_view bytes) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    const bool good = codec_->Dispatch(data);
    EXPECT_TRUE(data.empty());
    return good;
  }
  bool FeedInSteps(std::string_view bytes, size_t step) {
    if (step == 0) return Feed(bytes);
    for (size_t at = 0; at < bytes.size(); at += step) {
      if (!Feed(bytes.substr(at, step))) return false;
    }
    return true;
  }

  // What was written since the last call.
  std::vector<ParsedFrame> Sent() {
    const std::string bytes = out_.ToString();
    out_.Clear();
    return reader_->Read(bytes);
  }
  // The only frame of `type` on `stream_id` in `frames`; null where there is none.
  static const ParsedFrame* Find(const std::vector<ParsedFrame>& frames, uint8_t type, uint32_t stream_id) {
    for (const ParsedFrame& frame : frames) {
      if (frame.type == type && frame.stream_id == stream_id) return &frame;
    }
    return nullptr;
  }
  static std::string BodyOf(const std::vector<ParsedFrame>& frames, uint32_t stream_id) {
    std::string body;
    for (const ParsedFrame& frame : frames) {
      if (frame.type == NGHTTP2_DATA && frame.stream_id == stream_id) body += frame.payload;
    }
    return body;
  }

  // The stream alone is at fault: RST_STREAM with `code`, and the connection still answers.
  void ExpectStreamError(uint32_t stream_id, uint32_t code) {
    const std::vector<ParsedFrame> frames = Sent();
    const ParsedFrame* reset = Find(frames, NGHTTP2_RST_STREAM, stream_id);
    ASSERT_NE(reset, nullptr) << "no RST_STREAM";
    EXPECT_EQ(reset->Number(0), code);
    EXPECT_EQ(Find(frames, NGHTTP2_GOAWAY, 0), nullptr);
    EXPECT_TRUE(connection_errors.empty());
    ExpectAlive();
  }
  void ExpectAlive() {
    ASSERT_TRUE(Feed(Ping("areyouok")));
    const std::vector<ParsedFrame> frames = Sent();
    const ParsedFrame* pong = Find(frames, NGHTTP2_PING, 0);
    ASSERT_NE(pong, nullptr) << "the connection is dead";
    EXPECT_EQ(pong->flags, NGHTTP2_FLAG_ACK);
    EXPECT_EQ(pong->payload, "areyouok");
  }
  // GOAWAY with `code`, after which nothing is read.
  void ExpectConnectionError(uint32_t code) {
    const std::vector<ParsedFrame> frames = Sent();
    const ParsedFrame* goaway = Find(frames, NGHTTP2_GOAWAY, 0);
    ASSERT_NE(goaway, nullptr) << "no GOAWAY";
    EXPECT_EQ(goaway->Number(4), code);
    EXPECT_EQ(connection_errors.size(), 1);
    EXPECT_EQ(codec_->active_streams(), 0);
    EXPECT_FALSE(Feed(Ping()));
  }

  ServedRequest& request(size_t index) { return *requests_.at(index); }
  size_t request_count() const { return requests_.size(); }

  // ServerConnectionEvents.
  void OnOutput() override { ++outputs; }
  void OnPauseReading(bool) override { ADD_FAILURE() << "HTTP/2 pauses streams"; }
  RequestReceiver& OnNewStream(ResponseSender& sender) override {
    requests_.push_back(std::make_unique<ServedRequest>(arenas_, slices_, sender));
    ServedRequest& request = *requests_.back();
    if (on_request) {
      request.on_event = [this, &request](std::string_view event) { on_request(request, event); };
    }
    return request;
  }
  void OnCloseAfterFlush() override { ++closes; }
  void OnConnectionError(StreamReset reset, std::string_view details) override {
    connection_errors.emplace_back(reset, details);
  }
  void OnPong(uint64_t opaque) override { pongs.push_back(opaque); }

  int outputs = 0;
  int closes = 0;
  std::vector<std::pair<StreamReset, std::string>> connection_errors;
  std::vector<uint64_t> pongs;
  std::function<void(ServedRequest&, std::string_view event)> on_request;

  buffer::SlicePool slices_;
  ArenaBlockPool arenas_;
  H2Pools pools_;
  telemetry::Http2Stats stats_;
  telemetry::DownstreamHttp2Stats downstream_stats_;
  buffer::Buffer out_{slices_};
  H2Options options_;
  std::unique_ptr<FrameReader> reader_;
  std::vector<std::unique_ptr<ServedRequest>> requests_;
  std::unique_ptr<H2ServerCodec> codec_;
};

}  // namespace nuncio::http::h2
