#include "source/http/h1/client_codec.h"

#include <utility>

#include "source/base/thread_check.h"
#include "source/http/h1/errors.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/head_writer.h"
#include "source/http/trailers.h"

namespace nuncio::http::h1 {

bool H1ClientCodec::Dispatch(buffer::Buffer& data) {
  bool go_on = true;
  while (go_on && !data.empty()) {
    if (receiver_ == nullptr) {
      // Nobody asked for these bytes: were they kept, they would answer the next request.
      usable_ = false;
      exchange_end_ = ExchangeEnd::kFault;
      data.Clear();
      break;
    }
    if (!head_sent_) {
      Fail(kUnsolicitedAnswer);
    } else {
      answer_begun_ = true;
      go_on = state_ == State::kHead ? ReadHead(data) : ReadBody(data);
    }
  }
  return usable_;
}

RequestSender& H1ClientCodec::NewStream(ResponseReceiver& receiver) {
  NUNCIO_ASSERT(can_open_stream());
  active_ = true;
  receiver_ = &receiver;
  state_ = State::kHead;
  pauses_ = 0;
  informational_ = 0;
  method_ = Method::kOther;
  head_sent_ = false;
  request_complete_ = false;
  tunnel_wanted_ = false;
  upgrade_wanted_ = false;
  answer_complete_ = false;
  answer_begun_ = false;
  persistent_ = false;
  leave_in_kernel_ = false;
  head_end_.BeginHead();
  return *this;
}

bool H1ClientCodec::ReadHead(buffer::Buffer& data) {
  const size_t size = head_end_.Find(data, options_.max_head_bytes);
  if (size == 0) {
    if (data.length() < options_.max_head_bytes) return false;
    Fail(kHeadersTooLarge);
    return true;
  }
  Arena& arena = receiver_->arena();
  const std::string_view block = TakeBlock(data, size, arena);
  auto* head = arena.New<ResponseHead>(arena);
  if (const DecodeError* fault = ParseResponseHead(block, options_, *head)) {
    Fail(*fault);
  } else if (tunnel_wanted_ && AcceptsTunnel(upgrade_wanted_, head->status)) [[unlikely]] {
    AcceptTunnel(*head);
  } else if (head->status >= 200) {
    OnAnswerHead(*head, data);
  } else if (head->status == 101) {
    Fail(kUnexpectedUpgrade);
  } else if (++informational_ > kMaxInformational) {
    Fail(kTooManyInformational);
  } else {
    head_end_.BeginHead();
    receiver_->OnInformational(*head);
  }
  return true;
}

void H1ClientCodec::AcceptTunnel(ResponseHead& head) {
  state_ = State::kTunnel;
  persistent_ = false;
  const Framing opaque{BodyKind::kUntilClose, 0};
  body_reader_.Start(opaque, 0);
  body_writer_.Start(opaque);
  receiver_->OnResponseHead(head, false);
}

void H1ClientCodec::EndTunnelAnswer() {
  if (answer_complete_) return;
  answer_complete_ = true;
  if (!request_complete_) {
    receiver_->OnData(content_, true);
    return;
  }
  exchange_end_ = ExchangeEnd::kTunnel;
  std::exchange(receiver_, nullptr)->OnData(content_, true);
  CloseStream();
}

void H1ClientCodec::EndTunnelRequest() {
  request_complete_ = true;
  if (!answer_complete_) {
    events_.OnEndOfOutput();
    return;
  }
  usable_ = false;
  exchange_end_ = ExchangeEnd::kTunnel;
  receiver_ = nullptr;
  CloseStream();
}

void H1ClientCodec::OnAnswerHead(ResponseHead& head, buffer::Buffer& data) {
  // Refused: an upgrade's request was whole without a tunnel. Nobody knows what follows a refused CONNECT.
  if (tunnel_wanted_) request_complete_ = upgrade_wanted_;
  Framing framing;
  bool suspicious = false;
  if (const DecodeError* fault = ResponseFraming(head, method_, &framing, &suspicious)) {
    Fail(*fault);
    return;
  }
  persistent_ = ParseConnection(head.headers).persistent(head.protocol) && !suspicious;
  if (framing.kind == BodyKind::kNone) {
    FinishAnswer(data)->OnResponseHead(head, true);
    CloseStream();
    return;
  }
  state_ = State::kBody;
  body_reader_.Start(framing, options_.max_head_bytes);
  receiver_->OnResponseHead(head, false);
}

bool H1ClientCodec::ReadBody(buffer::Buffer& data) {
  switch (body_reader_.Read(data, content_)) {
    case BodyReader::Status::kMore:
      if (!content_.empty()) {
        receiver_->OnData(content_, false);
        content_.Clear();
      }
      // With the stream gone there may be input to drop.
      if (receiver_ == nullptr) return true;
      if (leave_in_kernel_) [[unlikely]] {
        leave_in_kernel_ = false;
        if (const uint64_t bytes = body_reader_.unframed(); bytes > 0) events_.OnBodyMayStayInKernel(bytes);
      }
      return false;
    case BodyReader::Status::kEnd:
      FinishAnswer(data)->OnData(content_, true);
      content_.Clear();
      CloseStream();
      return true;
    case BodyReader::Status::kTrailers:
      ReadTrailers(data);
      return true;
    case BodyReader::Status::kFault:
      if (!content_.empty()) {
        receiver_->OnData(content_, false);
        content_.Clear();
      }
      if (receiver_ != nullptr) Fail(body_reader_.error());
      return true;
  }
  return true;
}

void H1ClientCodec::ReadTrailers(buffer::Buffer& data) {
  Arena& arena = receiver_->arena();
  const std::string_view block = TakeBlock(data, body_reader_.trailers_size(), arena);
  auto* trailers = arena.New<HeaderMap>(arena);
  const DecodeError* fault = ParseFields(block, options_.max_headers, kTooManyTrailers, *trailers, nullptr);
  trailers->RemoveIf(IsForbiddenTrailer);
  const bool deliver = fault == nullptr && options_.enable_trailers && !trailers->empty();
  if (!content_.empty() && (fault != nullptr || deliver)) {
    receiver_->OnData(content_, false);
    content_.Clear();
    if (receiver_ == nullptr) return;
  }
  if (fault != nullptr) {
    Fail(*fault);
    return;
  }
  ResponseReceiver* const receiver = FinishAnswer(data);
  if (deliver) {
    receiver->OnTrailers(*trailers);
  } else {
    receiver->OnData(content_, true);
    content_.Clear();
  }
  CloseStream();
}

ResponseReceiver* H1ClientCodec::FinishAnswer(const buffer::Buffer& data) {
  // RFC 9112 9.3, and what Dispatch's comment says: the request was sent whole, to the last byte, and nothing is left.
  usable_ = persistent_ && request_complete_ && !body_writer_.broken() && data.empty() && out_.empty();
  exchange_end_ = !request_complete_ ? ExchangeEnd::kEarly : persistent_ ? ExchangeEnd::kClean : ExchangeEnd::kLast;
  return std::exchange(receiver_, nullptr);
}

void H1ClientCodec::OnEndOfInput() {
  usable_ = false;
  if (receiver_ == nullptr) return;
  if (state_ == State::kTunnel) {
    EndTunnelAnswer();
    return;
  }
  if (state_ == State::kBody && body_reader_.kind() == BodyKind::kUntilClose) {
    exchange_end_ = request_complete_ ? ExchangeEnd::kLast : ExchangeEnd::kEarly;
    ResponseReceiver* receiver = std::exchange(receiver_, nullptr);
    receiver->OnData(content_, true);
    CloseStream();
    return;
  }
  OnConnectionClosed();
}

void H1ClientCodec::OnConnectionClosed() {
  usable_ = false;
  if (receiver_ == nullptr) return;
  exchange_end_ = ExchangeEnd::kCutOff;
  Fail(StreamReset::kConnectionClosed, !answer_begun_              ? kConnectionTermination
                                       : state_ == State::kHead ? kIncompleteAnswerHead
                                                                : kIncompleteAnswerBody);
}

void H1ClientCodec::OnSendBufferHigh() {
  if (receiver_ != nullptr) receiver_->OnSendBufferHigh();
}

void H1ClientCodec::OnSendBufferLow() {
  if (receiver_ != nullptr) receiver_->OnSendBufferLow();
}

void H1ClientCodec::SendHead(const RequestHead& head, bool end_stream) {
  if (receiver_ == nullptr || head_sent_) return;
  head_sent_ = true;
  method_ = head.method;
  uint64_t length = 0;
  const HeaderField* content_length = nullptr;
  const bool has_length = SoleContentLength(head.headers, &content_length, &length);
  Framing framing;
  tunnel_wanted_ = head.is_tunnel();
  upgrade_wanted_ = !head.upgrade.empty();
  if (tunnel_wanted_) [[unlikely]] {
    content_length = nullptr;
  } else if (end_stream) {
    if (!has_length || length > 0) content_length = nullptr;
  } else if (has_length) {
    framing = Framing{length > 0 ? BodyKind::kLength : BodyKind::kNone, length};
  } else {
    content_length = nullptr;
    framing.kind = BodyKind::kChunked;
  }
  body_writer_.Start(framing);
  WriteHead(head, framing, content_length, end_stream);
  events_.OnOutput();
  request_complete_ = end_stream;
}

void H1ClientCodec::WriteHead(const RequestHead& head, const Framing& framing, const HeaderField* content_length,
                              bool end_stream) {
  const std::string_view target = head.method == Method::kConnect ? head.authority : head.path;
  HeadWriter writer(out_, HeadWriter::MaxFieldsSize(head.headers) + head.method_text.size() + MaxTargetSize(target) +
                              head.host_name.size() + 2 * head.authority.size() + head.upgrade.size() + 128);
  writer.PutText(head.method_text);
  writer.PutLiteral(" ");
  if (options_.send_fully_qualified_url && head.method != Method::kConnect) {
    writer.PutText(head.scheme == "https" ? "https://" : "http://");
    writer.PutText(head.authority);
    if (target != "*") writer.PutTarget(target);
  } else {
    writer.PutTarget(target);
  }
  writer.PutLiteral(" HTTP/1.1\r\n");
  // RFC 9112 3.2: first of all, and never missing.
  writer.PutField(head.host_name, head.authority);
  writer.PutFields(head.headers, content_length);
  if (framing.kind == BodyKind::kChunked) {
    writer.PutLiteral("transfer-encoding: chunked\r\n");
  } else if (end_stream && content_length == nullptr &&
             (head.method == Method::kPost || head.method == Method::kPut || head.method == Method::kPatch)) {
    // RFC 9110 8.6: these are expected to have content.
    writer.PutLiteral("content-length: 0\r\n");
  }
  // RFC 9110 10.1.4, 7.8.
  const bool te = head.headers.Has(HeaderId::kTe);
  if (!head.upgrade.empty()) [[unlikely]] {
    if (te) {
      writer.PutLiteral("connection: te, upgrade\r\n");
    } else {
      writer.PutLiteral("connection: upgrade\r\n");
    }
    writer.PutField("upgrade", head.upgrade);
  } else if (te) {
    writer.PutLiteral("connection: te\r\n");
  }
  writer.Finish();
}

void H1ClientCodec::SendData(buffer::Buffer& data, bool end_stream) {
  if (receiver_ == nullptr || !head_sent_ || request_complete_ || (tunnel_wanted_ && state_ != State::kTunnel)) {
    data.Clear();
    return;
  }
  body_writer_.Write(data, end_stream, out_);
  events_.OnOutput();
  if (state_ == State::kTunnel) [[unlikely]] {
    if (end_stream) EndTunnelRequest();
    return;
  }
  request_complete_ = end_stream;
}

void H1ClientCodec::SendTrailers(const HeaderMap& trailers) {
  if (receiver_ == nullptr || !head_sent_ || request_complete_) return;
  if (state_ == State::kTunnel) [[unlikely]] {
    EndTunnelRequest();
    return;
  }
  body_writer_.WriteTrailers(trailers, options_.enable_trailers, out_);
  events_.OnOutput();
  request_complete_ = true;
}

void H1ClientCodec::Reset(StreamReset) {
  if (receiver_ == nullptr) return;
  usable_ = false;
  exchange_end_ = state_ == State::kTunnel ? ExchangeEnd::kBroken : ExchangeEnd::kAborted;
  receiver_ = nullptr;
  CloseStream();
}

void H1ClientCodec::PauseReading(bool pause) {
  if (receiver_ == nullptr) return;
  NUNCIO_ASSERT(pause || pauses_ > 0);
  if (pause) {
    ++pauses_;
  } else {
    --pauses_;
  }
  UpdatePause();
}

void H1ClientCodec::Fail(const DecodeError& error) {
  exchange_end_ = ExchangeEnd::kFault;
  Fail(IsLimit(error) ? StreamReset::kLimit : StreamReset::kProtocolError, error.details);
}

void H1ClientCodec::Fail(StreamReset reset, std::string_view details) {
  usable_ = false;
  std::exchange(receiver_, nullptr)->OnReset(reset, details);
  CloseStream();
}

void H1ClientCodec::CloseStream() {
  active_ = false;
  state_ = State::kNoAnswer;
  pauses_ = 0;
  UpdatePause();
  events_.OnStreamClosed();
}

void H1ClientCodec::UpdatePause() {
  const bool pause = pauses_ > 0;
  if (pause == paused_) return;
  paused_ = pause;
  events_.OnPauseReading(pause);
}

}  // namespace nuncio::http::h1
