#include "source/http/h2/client_stream.h"

#include <optional>
#include <utility>

#include "source/http/h2/field_rules.h"
#include "source/http/h2/header_block.h"

namespace nuncio::http::h2 {

void ClientStream::SendHead(const RequestHead& head, bool end_stream) {
  if (retired()) return;
  method_ = head.method;
  upgrade_asked_ = !head.upgrade.empty();
  const HeaderBlock block = RequestBlock(head);
  if (!upgrade_asked_) {
    session_.SubmitRequest(*this, block, end_stream);
    return;
  }
  // RFC 8441 3: not before the server has said that it knows of it, for which it may wait for our preface.
  Session::Turn turn(session_);
  waiting_head_ = block;
  if (session_.peer_settings_seen()) {
    OnPeerSettings();
  } else {
    waiting_.PushBack(*this);
  }
}

void ClientStream::OnPeerSettings() {
  if (retired()) return;
  if (session_.peer_setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
    session_.Fail(*this, StreamReset::kLocal, "http2.connect_protocol_not_supported", NGHTTP2_NO_ERROR);
    return;
  }
  session_.SubmitRequest(*this, waiting_head_, false);
}

void ClientStream::SendData(buffer::Buffer& data, bool end_stream) {
  if (end_stream) OnRequestDone();
  session_.SendData(*this, data, end_stream);
}

void ClientStream::SendTrailers(const HeaderMap& trailers) {
  if (retired()) return;
  OnRequestDone();
  session_.SendTrailers(*this, TrailerBlock(trailers));
}

void ClientStream::Reset(StreamReset reset) {
  ListNode<StreamsAwaitingSettings>::Unlink();
  session_.Reset(*this, reset == StreamReset::kProtocolError ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_CANCEL);
}

void ClientStream::PauseReading(bool pause) { session_.PauseReading(*this, pause); }

HeaderMap* ClientStream::OnHeadersBegin() {
  Arena& arena = receiver_->arena();
  if (head_delivered_) {
    trailers_ = arena.New<HeaderMap>(arena);
    return trailers_;
  }
  head_ = arena.New<ResponseHead>(arena);
  head_->protocol = Protocol::kHttp2;
  return &head_->headers;
}

std::string_view ClientStream::OnPseudoHeader(std::string_view name, std::string_view value) {
  // RFC 9113 8.3.2: `:status` alone, once, and not among trailers.
  if (head_delivered_ || name != ":status" || head_->status != 0) return kMessagingRule;
  head_->status = ParseStatus(value);
  return head_->status == 0 ? kInvalidField : std::string_view();
}

void ClientStream::OnHeadersEnd(bool end_stream) {
  if (head_delivered_) {
    OnTrailers(end_stream);
    return;
  }
  // RFC 9113 8.6: there is no 101 in HTTP/2.
  if (head_->status < 100 || head_->status == 101) {
    session_.FailMalformed(*this, kMessagingRule);
    return;
  }
  if (head_->status < 200) {
    OnInformational(end_stream);
    return;
  }
  const bool success = head_->status < 300;
  tunnel_ = success && (upgrade_asked_ || method_ == Method::kConnect);
  if (!SettleLength(end_stream)) {
    session_.FailMalformed(*this, kMessagingRule);
    return;
  }
  if (tunnel_ && upgrade_asked_) head_->status = 101;
  head_delivered_ = true;
  receiver_->OnResponseHead(*head_, end_stream);
  if (end_stream) OnAnswerDone();
}

void ClientStream::OnInformational(bool end_stream) {
  if (end_stream) {
    session_.FailMalformed(*this, kMessagingRule);
  } else if (++informational_ > kMaxInformational) {
    session_.FailOverLimit(*this, "http2.too_many_informational");
  } else {
    receiver_->OnInformational(*head_);
  }
}

bool ClientStream::SettleLength(bool end_stream) {
  std::optional<uint64_t> length;
  for (const HeaderField& field : head_->headers) {
    if (field.id != HeaderId::kContentLength) continue;
    if (length.has_value()) return false;
    length = ParseContentLength(field.value);
    if (!length.has_value()) return false;
  }
  if (tunnel_) {
    head_->headers.Remove(HeaderId::kContentLength);
    return true;
  }
  // RFC 9110 8.6, 9.3.2: here it tells of what is not sent. RFC 9113 8.1.1: such an answer has no content.
  if (method_ == Method::kHead || head_->status == 204 || head_->status == 304) {
    ExpectBody(0);
    return true;
  }
  if (length.has_value()) ExpectBody(*length);
  return !end_stream || BodyComplete();
}

void ClientStream::OnTrailers(bool end_stream) {
  if (!end_stream || !BodyComplete() || tunnel_) {
    session_.FailMalformed(*this, kMessagingRule);
    return;
  }
  session_.CountTrailers();
  receiver_->OnTrailers(*trailers_);
  OnAnswerDone();
}

void ClientStream::OnHeaderOverflow(std::string_view details) {
  session_.FailOverLimit(*this, details);
}

void ClientStream::OnData(buffer::Buffer& data, bool end_stream) {
  if (!head_delivered_) {
    // RFC 9113 8.1: content before the head.
    session_.FailMalformed(*this, kMessagingRule);
    return;
  }
  receiver_->OnData(data, end_stream);
  if (end_stream) OnAnswerDone();
}

void ClientStream::OnRequestDone() {
  if (answer_done_) Leave();
}

void ClientStream::OnAnswerDone() {
  if (retired()) return;
  answer_done_ = true;
  if (end_sent()) {
    session_.Retire(*this);
  } else if (!tunnel_) {
    // RFC 9113 8.1: the server needs no more of the request than it has; nobody waits for the rest to be sent.
    session_.Reset(*this, NGHTTP2_CANCEL);
  } else if (end_queued()) {
    Leave();
  }
}

void ClientStream::Leave() {
  receiver_ = nullptr;
  session_.LeaveUnattended(*this);
}

void ClientStream::OnReset(StreamReset reset, std::string_view details) {
  ListNode<StreamsAwaitingSettings>::Unlink();
  if (receiver_ == nullptr) return;
  // The seam keeps one name for a connection that ended before anything of the answer came.
  if (reset == StreamReset::kConnectionClosed) details = head_ == nullptr ? kConnectionTermination : kConnectionClosed;
  receiver_->OnReset(reset, details);
}

void ClientStream::OnSendBufferHigh() {
  if (receiver_ != nullptr) receiver_->OnSendBufferHigh();
}

void ClientStream::OnSendBufferLow() {
  if (receiver_ != nullptr) receiver_->OnSendBufferLow();
}

}  // namespace nuncio::http::h2
