#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/body_writer.h"
#include "source/http/h1/head_block.h"
#include "source/http/h1/options.h"

namespace nuncio::http::h1 {

// HTTP/1 towards an upstream host: one exchange at a time, allocating nothing of its own. Whatever could let an answer
// reach the wrong request makes the connection not reusable(): an early answer, one that ends with the connection,
// bytes behind it, output not yet written. Nor is it after a tunnel; what is sent into one before it was accepted is
// dropped. One thread; events may come from within every call.
class H1ClientCodec final : public ClientCodec, private RequestSender {
 public:
  // Interim answers to one request; more are a fault.
  static constexpr uint32_t kMaxInformational = 16;

  // `out` is the connection's write buffer. All three outlive the codec.
  H1ClientCodec(buffer::Buffer& out, ClientConnectionEvents& events, const H1Options& options)
      : out_(out), events_(events), options_(options), content_(out.pool()) {}
  H1ClientCodec(const H1ClientCodec&) = delete;
  H1ClientCodec& operator=(const H1ClientCodec&) = delete;

  // Also false when bytes came that no request asked for.
  bool Dispatch(buffer::Buffer& data) override;
  void OnEndOfInput() override;
  void OnConnectionClosed() override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;
  Protocol protocol() const override { return Protocol::kHttp11; }
  RequestSender& NewStream(ResponseReceiver& receiver) override;
  bool can_open_stream() const override { return reusable(); }
  size_t active_streams() const override { return active_ ? 1 : 0; }
  bool reusable() const override { return !active_ && usable_; }
  bool half_open() const override { return answer_complete_ && receiver_ != nullptr; }

  // How the last exchange ended, for those who count.
  enum class ExchangeEnd : uint8_t {
    kClean,    // Both messages are complete.
    kLast,     // As kClean, but the host wants no further request here.
    kTunnel,   // It became a tunnel, and both its directions have ended.
    kEarly,    // The answer was complete before the request was.
    kAborted,  // Reset by its sender.
    kBroken,   // A tunnel reset by its sender: the host must not take the end of the connection for a proper one.
    kCutOff,   // The connection ended first.
    kFault,    // The answer was malformed or over a limit, or bytes came that no request asked for.
  };
  ExchangeEnd exchange_end() const { return exchange_end_; }

 private:
  enum class State : uint8_t { kNoAnswer, kHead, kBody, kTunnel };

  // RequestSender.
  void SendHead(const RequestHead& head, bool end_stream) override;
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const HeaderMap& trailers) override;
  void Reset(StreamReset reset) override;
  void PauseReading(bool pause) override;
  void LeaveBodyInKernel() override { leave_in_kernel_ = true; }

  // Whether Dispatch can go on with what is left of `data`.
  bool ReadHead(buffer::Buffer& data);
  bool ReadBody(buffer::Buffer& data);
  void OnAnswerHead(ResponseHead& head, buffer::Buffer& data);
  void ReadTrailers(buffer::Buffer& data);
  void AcceptTunnel(ResponseHead& head);
  void EndTunnelAnswer();
  void EndTunnelRequest();
  void WriteHead(const RequestHead& head, const Framing& framing, const HeaderField* content_length, bool end_stream);

  // The answer is complete with what is consumed of `data`: settles reusable() and gives the receiver for its last
  // event, after which CloseStream is due.
  ResponseReceiver* FinishAnswer(const buffer::Buffer& data);
  void Fail(const DecodeError& error);
  void Fail(StreamReset reset, std::string_view details);
  void CloseStream();
  void UpdatePause();

  // Constant after construction.
  buffer::Buffer& out_;
  ClientConnectionEvents& events_;
  const H1Options& options_;

  // The connection.
  bool usable_ = true;
  bool paused_ = false;  // What events_ was told last.
  ExchangeEnd exchange_end_ = ExchangeEnd::kClean;

  // The exchange under way.
  bool active_ = false;
  State state_ = State::kNoAnswer;
  ResponseReceiver* receiver_ = nullptr;
  uint32_t pauses_ = 0;
  uint32_t informational_ = 0;
  Method method_ = Method::kOther;
  bool head_sent_ = false;
  bool request_complete_ = false;
  bool tunnel_wanted_ = false;
  bool upgrade_wanted_ = false;
  bool answer_complete_ = false;  // Of a tunnel whose other direction goes on.
  bool answer_begun_ = false;
  bool persistent_ = false;  // As the answer says.
  bool leave_in_kernel_ = false;  // The body, which events_ has not been told yet.
  BlockEndFinder head_end_;
  BodyReader body_reader_;
  BodyWriter body_writer_;
  buffer::Buffer content_;  // Empty between calls.
};

}  // namespace nuncio::http::h1
