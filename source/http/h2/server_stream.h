#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/codec.h"
#include "source/http/h2/request_assembly.h"
#include "source/http/h2/session.h"
#include "source/http/h2/stream.h"

namespace nuncio::http::h2 {

// One exchange on a client's connection: makes the request's events out of what arrives, sends the answer. Its receiver
// is gone when the answer was handed over whole; the stream lives on until that has left.
class ServerStream final : public Stream, public ResponseSender {
 public:
  ServerStream(Session& session, ServerConnectionEvents& events, bool allow_connect)
      : Stream(session.slices()),
        session_(session),
        receiver_(&events.OnNewStream(*this)),
        own_(receiver_->arena().pool()),
        allow_connect_(allow_connect) {}

  void SendInformational(const ResponseHead& head) override;
  void SendHead(const ResponseHead& head, bool end_stream) override;
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const HeaderMap& trailers) override;
  void Reset(StreamReset reset) override;
  void PauseReading(bool pause) override;

 private:
  HeaderMap* OnHeadersBegin() override;
  std::string_view OnPseudoHeader(std::string_view name, std::string_view value) override;
  void OnHeadersEnd(bool end_stream) override;
  void OnHeaderOverflow(std::string_view details) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnEndSent() override;
  void OnReset(StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;

  void OnTrailers(bool end_stream);
  // The receiver's last word was said.
  void FinishAnswer();
  void FinishRequest();

  Session& session_;
  RequestReceiver* receiver_;  // Null when the stream is over for it.
  Arena own_;                  // For trailers that wait behind a body.
  RequestAssembly* assembly_ = nullptr;
  HeaderMap* trailers_ = nullptr;
  const bool allow_connect_;
  bool head_delivered_ = false;
  bool head_handed_over_ = false;  // Of the answer.
  bool tunnel_asked_ = false;
  bool upgrade_asked_ = false;
  bool tunnel_ = false;            // Accepted.
  bool answer_over_ = false;
  bool request_end_told_ = false;  // Of a tunnel: the receiver has heard of the end of what the client sends.
};

}  // namespace nuncio::http::h2
