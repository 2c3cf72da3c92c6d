#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/http/h2/h2_client_codec.h"
#include "test/http/h2/server_peer.h"

namespace nuncio::http::h2 {

// Records one answer and lets the test act in its events.
class RecordingReceiver final : public ResponseReceiver {
 public:
  explicit RecordingReceiver(ArenaBlockPool& pool) : arena_(std::make_unique<Arena>(pool)) {}

  Arena& arena() override { return *arena_; }
  void OnInformational(ResponseHead& head) override {
    informational.push_back(head.status);
    Event("informational");
  }
  void OnResponseHead(ResponseHead& head, bool end_stream) override {
    status = head.status;
    protocol = head.protocol;
    for (const HeaderField& field : head.headers) headers.emplace_back(field.name, field.value);
    done = end_stream;
    Event("head");
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    body_bytes += data.length();
    ++data_events;
    if (keep_body) body += data.ToString();
    done = end_stream;
    Event("data");
  }
  void OnTrailers(HeaderMap& map) override {
    for (const HeaderField& field : map) trailers.emplace_back(field.name, field.value);
    done = true;
    Event("trailers");
  }
  void OnReset(StreamReset why, std::string_view text) override {
    EXPECT_FALSE(reset.has_value()) << "reset twice";
    reset = why;
    details = text;
    Event("reset");
    // What a stream's owner does: its memory goes.
    if (drop_arena_on_reset) arena_.reset();
  }
  void OnSendBufferHigh() override {
    ++high;
    Event("high");
  }
  void OnSendBufferLow() override {
    ++low;
    Event("low");
  }

  void DropArena() { arena_.reset(); }

  uint32_t status = 0;
  Protocol protocol = Protocol::kHttp10;
  std::vector<uint32_t> informational;
  Fields headers;
  Fields trailers;
  std::string body;
  size_t body_bytes = 0;
  int data_events = 0;
  bool keep_body = true;
  bool done = false;
  std::optional<StreamReset> reset;
  std::string details;
  int high = 0;
  int low = 0;
  bool drop_arena_on_reset = false;
  std::function<void(std::string_view event)> on_event;

 private:
  void Event(std::string_view name) {
    if (on_event) on_event(name);
  }
  std::unique_ptr<Arena> arena_;
};

class RecordingConnection final : public ClientConnectionEvents {
 public:
  void OnOutput() override {
    ++outputs;
    if (on_output) on_output();
  }
  void OnPauseReading(bool) override { ADD_FAILURE() << "HTTP/2 pauses streams"; }
  void OnGoAway() override { ++goaways; }
  void OnMaxStreams(uint32_t streams) override { max_streams.push_back(streams); }
  void OnStreamClosed() override {
    ++closed;
    if (on_closed) on_closed();
  }

  int outputs = 0;
  int goaways = 0;
  int closed = 0;
  std::vector<uint32_t> max_streams;
  std::function<void()> on_output;
  std::function<void()> on_closed;
};

// A client codec and a server, and the wire between them.
class ClientFixture : public testing::Test {
 protected:
  ~ClientFixture() override {
    // Receivers are members of the tests' bodies, gone by now.
    codec_.reset();
  }

  void Start(const H2Options& options = {}, const ServerPeer::Options& peer_options = {}) {
    options_ = options;
    peer_ = std::make_unique<ServerPeer>(peer_options);
    codec_ = std::make_unique<H2ClientCodec>(out_, events_, options_, pools_, stats_);
  }

  RecordingReceiver Receiver() { return RecordingReceiver(arenas_); }

  // A head in the receiver's arena.
  RequestHead& Head(RecordingReceiver& receiver, std::string_view method, std::string_view path,
                    const Fields& fields = {}) {
    Arena& arena = receiver.arena();
    RequestHead& head = *arena.New<RequestHead>(arena);
    head.method_text = arena.Copy(method);
    head.method = FindMethod(method);
    head.path = arena.Copy(path);
    head.authority = "example.com";
    head.scheme = "http";
    for (const auto& [name, value] : fields) head.headers.Add(name, value);
    return head;
  }

  RequestSender& Get(RecordingReceiver& receiver, std::string_view path = "/") {
    RequestSender& sender = codec_->NewStream(receiver);
    sender.SendHead(Head(receiver, "GET", path), true);
    return sender;
  }
  RequestSender& BeginPost(RecordingReceiver& receiver, std::string_view path = "/") {
    RequestSender& sender = codec_->NewStream(receiver);
    sender.SendHead(Head(receiver, "POST", path), false);
    return sender;
  }
  void Send(RequestSender& sender, std::string_view bytes, bool end_stream) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    sender.SendData(data, end_stream);
    EXPECT_TRUE(data.empty());
  }

  bool Dispatch(std::string_view bytes) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    return codec_->Dispatch(data);
  }

  // Client to server.
  void Forward() {
    const std::string bytes = out_.ToString();
    out_.Clear();
    EXPECT_TRUE(peer_->Feed(bytes));
  }
  // Server to client, `step` bytes at a time (0: all at once); whether the connection lives.
  bool Backward(size_t step = 0) {
    const std::string bytes = peer_->Take();
    if (step == 0) step = bytes.size();
    for (size_t at = 0; at < bytes.size(); at += step) {
      if (!Dispatch(std::string_view(bytes).substr(at, step))) return false;
    }
    return true;
  }
  // Both ways until nothing moves.
  bool Exchange(size_t step = 0) {
    for (;;) {
      Forward();
      const std::string bytes = peer_->Take();
      if (bytes.empty() && out_.empty()) return true;
      const size_t size = step == 0 ? bytes.size() : step;
      for (size_t at = 0; at < bytes.size(); at += size) {
        if (!Dispatch(std::string_view(bytes).substr(at, size))) return false;
      }
    }
  }

  buffer::SlicePool slices_;
  ArenaBlockPool arenas_;
  H2Pools pools_;
  telemetry::Http2Stats stats_;
  buffer::Buffer out_{slices_};
  RecordingConnection events_;
  H2Options options_;
  std::unique_ptr<ServerPeer> peer_;
  std::unique_ptr<H2ClientCodec> codec_;
};

}  // namespace nuncio::http::h2
