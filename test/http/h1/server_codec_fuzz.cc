// Any bytes from a client: no crash, the same events however they are cut into reads, and what is accepted and written
// on to a host is read there as the same requests, no more and no fewer.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "test/http/h1/client_harness.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

const H1Options kOptions{.max_head_bytes = 2000,
                         .max_headers = 20,
                         .accept_http_10 = true,
                         .default_host_for_http_10 = "default.example",
                         .enable_trailers = true};

// A host's limits leave room for what a proxy adds and escapes.
const H1Options kHostOptions{.max_head_bytes = 8000, .max_headers = 40, .enable_trailers = true};

void Require(bool condition, const char* what, std::string_view a = {}, std::string_view b = {}) {
  if (condition) return;
  fprintf(stderr, "%s\n<<<\n%.*s\n===\n%.*s\n>>>\n", what, static_cast<int>(a.size()), a.data(),
          static_cast<int>(b.size()), b.data());
  abort();
}

std::string Events(std::string_view bytes, size_t step) {
  ServerHarness server(kOptions);
  server.on_head = [](ServerHarness::Stream& stream, bool) {
    if (stream.tunnel()) stream.AcceptTunnel();
  };
  server.on_end = [](ServerHarness::Stream& stream) {
    if (stream.tunnel()) {
      stream.Send("", true);
    } else {
      stream.Answer(200, "ok");
    }
  };
  for (size_t at = 0; at < bytes.size(); at += step) server.Feed(bytes.substr(at, step));
  if (!server.dead) server.codec.OnEndOfInput();
  Require(server.codec.active_streams() == 0, "a stream outlived its connection");
  return StrCat(server.log(), "---\n", server.TakeOutput());
}

// A server that tells what requests it read, and writes them on through a client codec.
class Forwarder final : public ServerConnectionEvents, public RequestReceiver {
 public:
  Forwarder(bool forward, const H1Options& options) : forward_(forward), codec_(out_, *this, options) {}

  void Read(std::string_view bytes) {
    in_.Append(bytes);
    codec_.Dispatch(in_);
  }
  // The requests that came to their end.
  const std::string& requests() const { return requests_; }
  // What a host is sent of them.
  const std::string& forwarded() const { return forwarded_; }
  bool refused() const { return refused_; }

  Arena& arena() override { return arena_; }
  void OnRequestHead(RequestHead& head, bool end_stream) override {
    if (head.is_tunnel()) {
      sender_->Reset(StreamReset::kLocal);
      return;
    }
    current_ = StrCat(head.method_text, " ", head.path, " ", head.authority, "\n");
    if (forward_) {
      host_.sender = &host_.codec.NewStream(host_);
      host_.sender->SendHead(head, end_stream);
    }
    if (end_stream) End();
  }
  void OnData(buffer::Buffer& data, bool end_stream) override {
    current_ += data.ToString();
    if (forward_) host_.sender->SendData(data, end_stream);
    if (end_stream) End();
  }
  void OnTrailers(HeaderMap& trailers) override {
    for (const HeaderField& field : trailers) StrAppend(current_, "\n", field.name, "=", field.value);
    if (forward_) host_.sender->SendTrailers(trailers);
    End();
  }
  void OnDecodeError(const DecodeError&) override {
    refused_ = true;
    sender_->Reset(StreamReset::kLocal);
  }
  void OnReset(StreamReset, std::string_view) override {}
  void OnSendBufferHigh() override {}
  void OnSendBufferLow() override {}
  void OnOutput() override {}
  void OnPauseReading(bool) override {}
  RequestReceiver& OnNewStream(ResponseSender& sender) override {
    sender_ = &sender;
    return *this;
  }
  void OnCloseAfterFlush() override {}

 private:
  void End() {
    StrAppend(requests_, current_, "\n");
    if (forward_) {
      forwarded_ += host_.TakeOutput();
      host_.Feed("HTTP/1.1 204 No Content\r\n\r\n");
      Require(host_.codec.reusable(), "a whole exchange left its connection unusable");
    }
    ResponseHead head(arena_);
    head.status = 204;
    sender_->SendHead(head, true);
  }

  const bool forward_;
  buffer::SlicePool pool_;
  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  buffer::Buffer in_{pool_};
  buffer::Buffer out_{pool_};
  H1ServerCodec codec_;
  ClientHarness host_{kOptions};
  ResponseSender* sender_ = nullptr;
  std::string current_;
  std::string requests_;
  std::string forwarded_;
  bool refused_ = false;
};

}  // namespace
}  // namespace nuncio::http::h1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nuncio::http::h1;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = Events(bytes, size + 1);
  Require(Events(bytes, 1) == whole, "other events byte by byte", whole, Events(bytes, 1));
  Require(Events(bytes, 1 + size % 23) == whole, "other events in pieces", whole, Events(bytes, 1 + size % 23));

  Forwarder proxy(true, kOptions);
  proxy.Read(bytes);
  Forwarder host(false, kHostOptions);
  host.Read(proxy.forwarded());
  Require(!host.refused(), "a host refuses what was forwarded", proxy.forwarded());
  Require(host.requests() == proxy.requests(), "a host reads other requests", proxy.requests(), host.requests());
  return 0;
}
