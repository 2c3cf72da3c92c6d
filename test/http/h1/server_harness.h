#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "source/base/strings.h"
#include "source/buffer/buffer.h"
#include "source/http/h1/server_codec.h"

namespace nuncio::http::h1 {

// A server's connection without a socket. Writes down what the codec reports as lines of text, content gathered into
// one line whatever pieces it came in, and answers as a test wants.
class ServerHarness final : public ServerConnectionEvents {
 public:
  class Stream final : public RequestReceiver {
   public:
    Stream(ServerHarness& harness, ResponseSender& sender) : harness_(harness), sender_(sender) {}

    ResponseSender& sender() { return sender_; }
    Arena& arena() override { return arena_; }

    void OnRequestHead(RequestHead& head, bool end_stream) override {
      StrAppend(harness_.log_, head.method_text, " ", head.path, " ", ProtocolName(head.protocol), " ", head.scheme,
                "://", head.authority, head.absolute_form ? " absolute" : "", "\n");
      if (!head.upgrade.empty()) StrAppend(harness_.log_, "upgrade to ", head.upgrade, "\n");
      for (const HeaderField& field : head.headers) StrAppend(harness_.log_, field.name, ": ", field.value, "\n");
      accepting_status_ = head.upgrade.empty() ? 200 : 101;
      tunnel_ = head.is_tunnel();
      if (end_stream) End();
      if (harness_.on_head) harness_.on_head(*this, end_stream);
    }
    void OnData(buffer::Buffer& data, bool end_stream) override {
      content_ += data.ToString();
      if (harness_.on_data) harness_.on_data(*this);
      if (end_stream) End();
    }
    void OnTrailers(HeaderMap& trailers) override {
      FlushContent();
      harness_.log_ += "trailers\n";
      for (const HeaderField& field : trailers) StrAppend(harness_.log_, field.name, ": ", field.value, "\n");
      End();
    }
    void OnDecodeError(const DecodeError& error) override {
      FlushContent();
      StrAppend(harness_.log_, "error ", error.status, " ", error.details, "\n");
      harness_.last_error_ = error;
      if (harness_.answer_errors) Answer(error.status, "");
    }
    void OnReset(StreamReset reset, std::string_view) override {
      FlushContent();
      StrAppend(harness_.log_, "reset ", StreamResetName(reset), "\n");
    }
    void OnSendBufferHigh() override { harness_.log_ += "high\n"; }
    void OnSendBufferLow() override { harness_.log_ += "low\n"; }

    bool tunnel() const { return tunnel_; }
    void AcceptTunnel() { SendHead(accepting_status_, {}, false); }

    // A whole answer with a length.
    void Answer(uint32_t status, std::string_view body) {
      ResponseHead head(arena_);
      head.status = status;
      head.headers.Add("content-length", StrCat(body.size()));
      sender_.SendHead(head, body.empty());
      if (!body.empty()) Send(body, true);
    }
    void SendHead(uint32_t status, std::initializer_list<std::pair<std::string_view, std::string_view>> fields,
                  bool end_stream) {
      ResponseHead head(arena_);
      head.status = status;
      for (const auto& [name, value] : fields) head.headers.Add(name, value);
      sender_.SendHead(head, end_stream);
    }
    void Send(std::string_view bytes, bool end_stream) {
      buffer::Buffer data(harness_.pool);
      data.Append(bytes);
      sender_.SendData(data, end_stream);
    }

   private:
    void FlushContent() {
      if (!content_.empty()) StrAppend(harness_.log_, "content ", content_, "\n");
      content_.clear();
    }
    void End() {
      FlushContent();
      harness_.log_ += "end\n";
      if (harness_.on_end) harness_.on_end(*this);
    }

    ServerHarness& harness_;
    ResponseSender& sender_;
    Arena arena_{harness_.blocks_};
    std::string content_;
    uint32_t accepting_status_ = 0;
    bool tunnel_ = false;
  };

  explicit ServerHarness(H1Options given = {}) : options(std::move(given)), codec(out, *this, options) {}

  // Feeds bytes as one read, and dispatches as long as the codec asks for it.
  void Feed(std::string_view bytes) {
    in.Append(bytes);
    Run();
  }
  void Run() {
    do {
      resumed_ = false;
      if (!dead) dead = !codec.Dispatch(in);
    } while (resumed_ && !dead && !in.empty());
  }
  // Dispatches again if the codec asked for it since.
  void RunIfResumed() {
    if (resumed_) Run();
  }

  Stream& current() { return streams_.back(); }
  size_t stream_count() const { return streams_.size(); }
  std::string TakeOutput() {
    std::string text = out.ToString();
    out.Clear();
    return text;
  }
  std::string TakeLog() { return std::exchange(log_, {}); }
  const std::string& log() const { return log_; }
  const DecodeError& last_error() const { return last_error_; }

  void OnOutput() override { ++outputs; }
  void OnPauseReading(bool pause) override {
    paused = pause;
    resumed_ |= !pause;
  }
  RequestReceiver& OnNewStream(ResponseSender& sender) override { return streams_.emplace_back(*this, sender); }
  void OnEndOfOutput() override { log_ += "fin\n"; }
  void OnCloseAfterFlush() override {
    closing = true;
    log_ += "close\n";
  }
  void OnAbort() override {
    closing = true;
    log_ += "abort\n";
  }

  // What to do at a request's head, at its content, at its end.
  std::function<void(Stream&, bool end_stream)> on_head;
  std::function<void(Stream&)> on_data;
  std::function<void(Stream&)> on_end;
  bool answer_errors = true;

  const H1Options options;
  buffer::SlicePool pool;
  buffer::Buffer in{pool};
  buffer::Buffer out{pool};
  bool dead = false;
  bool closing = false;
  bool paused = false;
  int outputs = 0;

 private:
  ArenaBlockPool blocks_;
  std::list<Stream> streams_;
  std::string log_;
  DecodeError last_error_{0, ""};
  bool resumed_ = false;

 public:
  H1ServerCodec codec;
};

}  // namespace nuncio::http::h1
