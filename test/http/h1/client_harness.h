#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/strings.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/client_codec.h"

namespace nuncio::http::h1 {

// A client's connection without a socket; see ServerHarness.
class ClientHarness final : public ClientConnectionEvents, public ResponseReceiver {
 public:
  explicit ClientHarness(H1Options given = {}) : options(std::move(given)), codec(out, *this, options) {}

  // Sends a whole request without content and takes it off the output, as if written.
  std::string Request(std::string_view method = "GET", std::string_view path = "/") {
    sender = &codec.NewStream(*this);
    SendHead(method, path, {}, true);
    return TakeOutput();
  }
  void SendHead(std::string_view method, std::string_view path,
                std::initializer_list<std::pair<std::string_view, std::string_view>> fields, bool end_stream) {
    RequestHead head(arena_);
    head.method_text = arena_.Copy(method);
    head.method = FindMethod(method);
    head.path = path;
    head.authority = "host";
    head.scheme = "http";
    head.upgrade = upgrade;
    for (const auto& [name, value] : fields) head.headers.Add(name, value);
    sender->SendHead(head, end_stream);
  }
  void Send(std::string_view bytes, bool end_stream) {
    buffer::Buffer data(pool);
    data.Append(bytes);
    sender->SendData(data, end_stream);
  }
  void Feed(std::string_view bytes) {
    in.Append(bytes);
    if (!dead) dead = !codec.Dispatch(in);
  }
  std::string TakeOutput() {
    std::string text = out.ToString();
    out.Clear();
    return text;
  }
  std::string TakeLog() { return std::exchange(log_, {}); }

  Arena& arena() override { return arena_; }
  void OnInformational(ResponseHead& head) override {
    LogHead("informational ", head);
    if (on_event) on_event();
  }
  void OnResponseHead(ResponseHead& head, bool end_stream) override {
    LogHead("answer ", head);
    if (end_stream) log_ += "end\n";
    if (on_event) on_event();
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    content_ += data.ToString();
    if (end_stream) {
      FlushContent();
      log_ += "end\n";
    }
    if (on_event) on_event();
  }
  void OnTrailers(HeaderMap& trailers) override {
    FlushContent();
    log_ += "trailers\n";
    for (const HeaderField& field : trailers) StrAppend(log_, field.name, ": ", field.value, "\n");
    log_ += "end\n";
  }
  void OnReset(StreamReset reset, std::string_view details) override {
    FlushContent();
    StrAppend(log_, "reset ", StreamResetName(reset), " ", details, "\n");
    last_details = details;
  }
  void OnSendBufferHigh() override { log_ += "high\n"; }
  void OnSendBufferLow() override { log_ += "low\n"; }

  void OnOutput() override {}
  void OnPauseReading(bool pause) override { paused = pause; }
  void OnEndOfOutput() override { log_ += "fin\n"; }
  void OnBodyMayStayInKernel(uint64_t bytes) override {
    FlushContent();
    StrAppend(log_, "in kernel ", bytes == UINT64_MAX ? "all" : StrCat(bytes), "\n");
  }
  void OnGoAway() override {}
  void OnMaxStreams(uint32_t) override {}
  void OnStreamClosed() override {
    FlushContent();
    log_ += codec.reusable() ? "closed reusable\n" : "closed\n";
    if (on_closed) on_closed();
  }

  std::function<void()> on_event;
  std::function<void()> on_closed;
  const H1Options options;
  buffer::SlicePool pool;
  buffer::Buffer in{pool};
  buffer::Buffer out{pool};
  RequestSender* sender = nullptr;
  std::string_view upgrade;  // Of the next head.
  bool dead = false;
  bool paused = false;
  std::string last_details;

 private:
  void LogHead(std::string_view what, const ResponseHead& head) {
    StrAppend(log_, what, head.status, " ", head.reason, " ", ProtocolName(head.protocol), "\n");
    for (const HeaderField& field : head.headers) StrAppend(log_, field.name, ": ", field.value, "\n");
  }
  void FlushContent() {
    if (!content_.empty()) StrAppend(log_, "content ", content_, "\n");
    content_.clear();
  }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  std::string log_;
  std::string content_;

 public:
  H1ClientCodec codec;
};

}  // namespace nuncio::http::h1
