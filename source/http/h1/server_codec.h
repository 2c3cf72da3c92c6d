#pragma once

#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/body_writer.h"
#include "source/http/h1/head_block.h"
#include "source/http/h1/options.h"

namespace nuncio::http::h1 {

// HTTP/1 towards a client: one exchange at a time, allocating nothing of its own. Requests sent ahead (pipelining) stay
// in the read buffer, and reading pauses, until the answer before theirs has been sent; OnPauseReading(false) then asks
// the owner to dispatch them. So does what follows a request for a tunnel: it is the tunnel's once that is accepted;
// where it is refused the connection ends with the answer. One thread; events may come from within every call.
class H1ServerCodec final : public ServerCodec, private ResponseSender {
 public:
  // `out` is the connection's write buffer. All three outlive the codec.
  H1ServerCodec(buffer::Buffer& out, ServerConnectionEvents& events, const H1Options& options)
      : out_(out), events_(events), options_(options), content_(out.pool()) {}
  H1ServerCodec(const H1ServerCodec&) = delete;
  H1ServerCodec& operator=(const H1ServerCodec&) = delete;

  // No request is begun while the write buffer holds more than this, nor between OnSendBufferHigh and OnSendBufferLow,
  // of which only the stream under way is told: so a client cannot pile up answers that it does not read. Bytes; no
  // limit by default.
  void set_output_limit(size_t bytes) { output_limit_ = bytes; }
  bool output_is_full() const override {
    return state_ == State::kIdle && (output_high_ || out_.length() > output_limit_);
  }

  bool Dispatch(buffer::Buffer& data) override;
  void OnEndOfInput() override;
  void OnConnectionClosed() override;
  void Drain() override { draining_ = true; }
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;
  Protocol protocol() const override { return protocol_; }
  size_t active_streams() const override { return receiver_ != nullptr ? 1 : 0; }

 private:
  enum class State : uint8_t {
    kIdle,     // Between requests; no stream.
    kHead,     // A request's first byte was seen.
    kBody,
    kAnswer,   // The request is complete; what follows in the input waits.
    kOffer,    // The request asks for a tunnel; what follows in the input waits.
    kTunnel,
    kDiscard,  // The request was refused and is being answered; input is dropped.
    kClosed,   // The owner was told to close, or has closed.
  };

  // ResponseSender.
  void SendInformational(const ResponseHead& head) override;
  void SendHead(const ResponseHead& head, bool end_stream) override;
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const HeaderMap& trailers) override;
  void Reset(StreamReset reset) override;
  void PauseReading(bool pause) override;

  // Each returns whether Dispatch can go on with what is left of `data`.
  bool BeginRequest(buffer::Buffer& data);
  bool ReadHead(buffer::Buffer& data);
  bool ReadBody(buffer::Buffer& data);
  bool BeginOffer(RequestHead& head, const Framing& framing);

  // The fault, if any, in a head whose end has not come yet.
  const DecodeError* CheckIncompleteHead(buffer::Buffer& data);
  const DecodeError* CheckRequestLine(buffer::Buffer& data);
  void ReadTrailers(buffer::Buffer& data);
  void DeliverData(bool end_stream);
  void Fail(const DecodeError& error);

  Framing AnswerFraming(const ResponseHead& head, bool end_stream, const HeaderField** content_length) const;
  void WriteHead(const ResponseHead& head, const Framing& framing, const HeaderField* content_length, bool end_stream);
  void FinishAnswer();
  void AcceptTunnel(const ResponseHead& head, bool end_stream);
  void EndTunnelInput();
  void EndTunnelOutput();
  // Acts on the client's FIN when no answer is under way.
  void FinishInput();
  void Close(bool abort);
  void UpdatePause();

  // Constant after construction.
  buffer::Buffer& out_;
  ServerConnectionEvents& events_;
  const H1Options& options_;
  size_t output_limit_ = SIZE_MAX;

  // The connection.
  State state_ = State::kIdle;
  bool dispatching_ = false;
  bool draining_ = false;
  bool input_ended_ = false;
  bool output_high_ = false;    // Since OnSendBufferHigh.
  bool backlog_ = false;        // Input was left for later.
  bool paused_ = false;         // What events_ was told last.
  uint8_t empty_lines_ = 0;     // Before the request to come.
  Protocol protocol_ = Protocol::kHttp11;

  // The exchange under way.
  RequestReceiver* receiver_ = nullptr;
  uint32_t pauses_ = 0;
  Method method_ = Method::kOther;
  bool persistent_ = true;        // As far as the client goes.
  bool line_checked_ = false;     // The line of an incomplete head.
  bool request_complete_ = false;
  bool head_sent_ = false;
  bool close_after_answer_ = false;
  bool answer_complete_ = false;  // Of a tunnel whose other direction goes on.
  std::string_view upgrade_;
  size_t line_scanned_ = 0;
  BlockEndFinder head_end_;
  BodyReader body_reader_;
  BodyWriter body_writer_;
  buffer::Buffer content_;  // Empty between calls.
};

}  // namespace nuncio::http::h1
