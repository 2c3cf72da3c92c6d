#include "source/http/h2/server_stream.h"

#include <utility>

#include "source/http/h2/field_rules.h"
#include "source/http/h2/header_block.h"
#include "source/http/trailers.h"

namespace nuncio::http::h2 {
namespace {

uint32_t ErrorCodeOf(StreamReset reset) {
  switch (reset) {
    case StreamReset::kRemoteRefused:
      return NGHTTP2_REFUSED_STREAM;
    case StreamReset::kProtocolError:
      return NGHTTP2_PROTOCOL_ERROR;
    case StreamReset::kConnectError:
      return NGHTTP2_CONNECT_ERROR;
    case StreamReset::kLimit:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    case StreamReset::kLocal:
    case StreamReset::kRemote:
    case StreamReset::kConnectionClosed:
      return NGHTTP2_INTERNAL_ERROR;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

}  // namespace

void ServerStream::SendInformational(const ResponseHead& head) {
  if (retired() || head_handed_over_) return;
  session_.SubmitInformational(*this, ResponseBlock(head));
}

void ServerStream::SendHead(const ResponseHead& head, bool end_stream) {
  if (retired() || head_handed_over_) return;
  // The end of a turn may destroy the stream.
  Session::Turn turn(session_);
  head_handed_over_ = true;
  tunnel_ = tunnel_asked_ && (upgrade_asked_ ? head.status == 101 : head.status >= 200 && head.status < 300);
  session_.SubmitResponse(*this, ResponseBlock(head), end_stream);
  if (end_stream) FinishAnswer();
}

void ServerStream::SendData(buffer::Buffer& data, bool end_stream) {
  if (answer_over_) {
    data.Clear();
    return;
  }
  Session::Turn turn(session_);
  session_.SendData(*this, data, end_stream);
  if (end_stream) FinishAnswer();
}

void ServerStream::SendTrailers(const HeaderMap& trailers) {
  if (retired() || answer_over_) return;
  Session::Turn turn(session_);
  session_.SendTrailers(*this, outbound_bytes() > 0 ? CopyTrailerBlock(trailers, own_) : TrailerBlock(trailers));
  FinishAnswer();
}

void ServerStream::Reset(StreamReset reset) {
  receiver_ = nullptr;
  session_.Reset(*this, ErrorCodeOf(reset));
}

void ServerStream::PauseReading(bool pause) { session_.PauseReading(*this, pause); }

void ServerStream::FinishAnswer() {
  answer_over_ = true;
  // What counts is what the receiver was told: the end may have arrived with the head that it is still answering.
  if (tunnel_ && !request_end_told_) return;
  receiver_ = nullptr;
  DiscardInput();
}

HeaderMap* ServerStream::OnHeadersBegin() {
  if (receiver_ == nullptr || discards_input()) {
    // Trailers that come after the answer are of no use, but may be malformed.
    return trailers_ = head_delivered_ ? own_.New<HeaderMap>(own_) : nullptr;
  }
  Arena& arena = receiver_->arena();
  if (head_delivered_) {
    trailers_ = arena.New<HeaderMap>(arena);
    return trailers_;
  }
  assembly_ = arena.New<RequestAssembly>(arena, allow_connect_);
  return &assembly_->head().headers;
}

std::string_view ServerStream::OnPseudoHeader(std::string_view name, std::string_view value) {
  // RFC 9113 8.1: none among trailers.
  return head_delivered_ ? kMessagingRule : assembly_->AddPseudo(name, value);
}

void ServerStream::OnHeadersEnd(bool end_stream) {
  if (head_delivered_) {
    OnTrailers(end_stream);
    return;
  }
  const std::string_view fault = assembly_->Finish();
  ExpectBody(assembly_->content_length());
  if (!fault.empty() || (end_stream && !BodyComplete())) {
    session_.FailMalformed(*this, fault.empty() ? kMessagingRule : fault);
    return;
  }
  head_delivered_ = true;
  RequestHead& head = assembly_->head();
  tunnel_asked_ = head.is_tunnel();
  upgrade_asked_ = !head.upgrade.empty();
  receiver_->OnRequestHead(head, end_stream && !tunnel_asked_);
  if (!end_stream || !tunnel_asked_ || receiver_ == nullptr) return;
  buffer::Buffer none(session_.slices());
  request_end_told_ = true;
  receiver_->OnData(none, true);
  FinishRequest();
}

void ServerStream::OnTrailers(bool end_stream) {
  // RFC 9113 8.1: they end the stream. A tunnel has none (8.5).
  if (!end_stream || !BodyComplete() || tunnel_asked_) {
    session_.FailMalformed(*this, kMessagingRule);
    return;
  }
  if (receiver_ == nullptr || discards_input()) return;
  trailers_->RemoveIf(IsForbiddenTrailer);
  if (trailers_->empty()) {
    buffer::Buffer none(session_.slices());
    receiver_->OnData(none, true);
    return;
  }
  session_.CountTrailers();
  receiver_->OnTrailers(*trailers_);
}

void ServerStream::OnHeaderOverflow(std::string_view details) {
  if (head_delivered_) {
    session_.FailOverLimit(*this, details);
    return;
  }
  DiscardInput();
  receiver_->OnDecodeError({431, details});
}

void ServerStream::OnData(buffer::Buffer& data, bool end_stream) {
  if (receiver_ == nullptr) return;
  request_end_told_ = end_stream;
  receiver_->OnData(data, end_stream);
  if (end_stream) FinishRequest();
}

void ServerStream::FinishRequest() {
  // A tunnel's other direction may be over already.
  if (tunnel_ && answer_over_) receiver_ = nullptr;
}

void ServerStream::OnEndSent() {
  if (tunnel_) return;
  // RFC 9113 8.1: the answer is complete, the rest of the request is of no use. Its client may be just about to end it,
  // well or badly: until EndAnswered it is read on.
  if (overdue() || session_.leaving()) session_.Reset(*this, NGHTTP2_NO_ERROR);
}

void ServerStream::OnReset(StreamReset reset, std::string_view details) {
  if (RequestReceiver* receiver = std::exchange(receiver_, nullptr)) receiver->OnReset(reset, details);
}

void ServerStream::OnSendBufferHigh() {
  if (receiver_ != nullptr && !answer_over_) receiver_->OnSendBufferHigh();
}

void ServerStream::OnSendBufferLow() {
  if (receiver_ != nullptr && !answer_over_) receiver_->OnSendBufferLow();
}

}  // namespace nuncio::http::h2
