#pragma once

#include <string_view>

#include "source/http/codec.h"
#include "source/http/h2/session.h"
#include "source/http/h2/stream.h"

namespace nuncio::http::h2 {

// One exchange on a client's connection: sends the request, makes the answer's events out of what arrives.
class ClientStream final : public Stream, public RequestSender {
 public:
  // Informational answers that are passed on; one more resets the stream, since each takes room in its arena.
  static constexpr int kMaxInformational = 16;

  ClientStream(Session& session, ResponseReceiver& receiver, buffer::SlicePool& pool)
      : Stream(pool), session_(session), receiver_(receiver) {}

  void SendHead(const RequestHead& head, bool end_stream) override;
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const HeaderMap& trailers) override;
  void Reset(StreamReset reset) override;
  void PauseReading(bool pause) override;

 private:
  HeaderMap* OnHeadersBegin() override;
  void OnPseudoHeader(std::string_view name, std::string_view value) override;
  void OnHeadersEnd(bool end_stream) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnReset(StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;
  void OnAnswerDone();

  Session& session_;
  ResponseReceiver& receiver_;
  ResponseHead* head_ = nullptr;     // Arriving, or arrived.
  HeaderMap* trailers_ = nullptr;
  bool head_delivered_ = false;
  int informational_ = 0;
};

}  // namespace nuncio::http::h2
