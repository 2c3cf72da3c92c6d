#include "source/http/h2/client_stream.h"

#include "source/http/h2/header_block.h"

namespace nuncio::http::h2 {

void ClientStream::SendHead(const RequestHead& head, bool end_stream) {
  if (retired()) return;
  session_.SubmitRequest(*this, RequestBlock(head), end_stream);
}

void ClientStream::SendData(buffer::Buffer& data, bool end_stream) { session_.SendData(*this, data, end_stream); }

void ClientStream::SendTrailers(const HeaderMap& trailers) {
  if (retired()) return;
  session_.SendTrailers(*this, TrailerBlock(trailers));
}

void ClientStream::Reset(StreamReset reset) {
  session_.Reset(*this, reset == StreamReset::kProtocolError ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_CANCEL);
}

void ClientStream::PauseReading(bool pause) { session_.PauseReading(*this, pause); }

HeaderMap* ClientStream::OnHeadersBegin() {
  Arena& arena = receiver_.arena();
  if (head_delivered_) {
    trailers_ = arena.New<HeaderMap>(arena);
    return trailers_;
  }
  head_ = arena.New<ResponseHead>(arena);
  head_->protocol = Protocol::kHttp2;
  return &head_->headers;
}

void ClientStream::OnPseudoHeader(std::string_view name, std::string_view value) {
  // nghttp2 lets only a well-placed, single `:status` of three digits through.
  if (!head_delivered_ && name == ":status") head_->status = ParseStatus(value);
}

void ClientStream::OnHeadersEnd(bool end_stream) {
  if (head_delivered_) {
    receiver_.OnTrailers(*trailers_);
    OnAnswerDone();
    return;
  }
  if (head_->status < 100) {
    session_.Fail(*this, StreamReset::kProtocolError, "http2.violation.of.messaging.rule", NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  if (head_->status < 200) {
    if (++informational_ > kMaxInformational) {
      session_.Fail(*this, StreamReset::kLimit, "http2.too_many_informational", NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    receiver_.OnInformational(*head_);
    return;
  }
  head_delivered_ = true;
  receiver_.OnResponseHead(*head_, end_stream);
  if (end_stream) OnAnswerDone();
}

void ClientStream::OnData(buffer::Buffer& data, bool end_stream) {
  receiver_.OnData(data, end_stream);
  if (end_stream) OnAnswerDone();
}

void ClientStream::OnAnswerDone() {
  if (retired()) return;
  if (end_sent()) {
    session_.Retire(*this);
  } else {
    // RFC 9113 8.1: the server needs no more of the request than it has; nobody waits for the rest to be sent.
    session_.Reset(*this, NGHTTP2_CANCEL);
  }
}

void ClientStream::OnReset(StreamReset reset, std::string_view details) {
  // The seam keeps one name for a connection that ended before anything of the answer came.
  if (reset == StreamReset::kConnectionClosed) {
    details = head_ == nullptr ? kConnectionTermination : "http2.connection_closed";
  }
  receiver_.OnReset(reset, details);
}
void ClientStream::OnSendBufferHigh() { receiver_.OnSendBufferHigh(); }
void ClientStream::OnSendBufferLow() { receiver_.OnSendBufferLow(); }

}  // namespace nuncio::http::h2
