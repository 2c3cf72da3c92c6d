#include "source/http/h1/server_codec.h"

#include <utility>

#include "source/base/thread_check.h"
#include "source/http/field_syntax.h"
#include "source/http/h1/errors.h"
#include "source/http/h1/head_parser.h"
#include "source/http/h1/head_writer.h"
#include "source/http/trailers.h"

namespace nuncio::http::h1 {
namespace {

// Empty lines before a request line, which old clients send after a body (RFC 9112 2.2).
constexpr uint8_t kMaxEmptyLines = 4;

}  // namespace

bool H1ServerCodec::Dispatch(buffer::Buffer& data) {
  NUNCIO_ASSERT(!dispatching_);
  dispatching_ = true;
  bool go_on = true;
  while (go_on && !data.empty()) {
    switch (state_) {
      case State::kIdle:
        go_on = !output_is_full() && BeginRequest(data);
        break;
      case State::kHead:
        go_on = ReadHead(data);
        break;
      case State::kBody:
      case State::kTunnel:
        go_on = ReadBody(data);
        break;
      case State::kAnswer:
      case State::kOffer:
        go_on = false;
        break;
      case State::kDiscard:
      case State::kClosed:
        data.Clear();
        break;
    }
  }
  dispatching_ = false;
  backlog_ = (state_ == State::kAnswer || state_ == State::kOffer) && !data.empty();
  if (input_ended_) FinishInput();
  UpdatePause();
  return state_ != State::kClosed;
}

bool H1ServerCodec::BeginRequest(buffer::Buffer& data) {
  if (data.Front().front() == '\r') {
    if (data.length() < 2) return false;
    if (data.Linearize(2) == "\r\n" && empty_lines_ < kMaxEmptyLines) {
      ++empty_lines_;
      data.Drain(2);
      return true;
    }
  }
  pauses_ = 0;
  method_ = Method::kOther;
  persistent_ = true;
  line_checked_ = false;
  line_scanned_ = 0;
  request_complete_ = false;
  head_sent_ = false;
  close_after_answer_ = false;
  upgrade_ = {};
  head_end_.BeginHead();
  state_ = State::kHead;
  receiver_ = &events_.OnNewStream(*this);
  // The other reasons for a CR to stand here are no start of a method, which the parser tells.
  if (empty_lines_ == kMaxEmptyLines && data.Front().front() == '\r') Fail(kTooManyEmptyLines);
  empty_lines_ = 0;
  return true;
}

bool H1ServerCodec::ReadHead(buffer::Buffer& data) {
  const size_t size = head_end_.Find(data, options_.max_head_bytes);
  if (size == 0) [[unlikely]] {
    const DecodeError* fault = CheckIncompleteHead(data);
    if (fault == nullptr) return false;
    Fail(*fault);
    return true;
  }
  Arena& arena = receiver_->arena();
  const std::string_view block = TakeBlock(data, size, arena);
  auto* head = arena.New<RequestHead>(arena);
  Framing framing;
  const DecodeError* fault = ParseRequestHead(block, options_, *head);
  if (fault == nullptr) fault = RequestFraming(*head, &framing);
  if (fault != nullptr) {
    Fail(*fault);
    return true;
  }
  const ConnectionOptions connection = ParseConnection(head->headers);
  if (connection.abusive) {
    Fail(kConnectionHeaderRejected);
    return true;
  }
  method_ = head->method;
  protocol_ = head->protocol;
  persistent_ = connection.persistent(protocol_);
  if (connection.upgrade || method_ == Method::kConnect) [[unlikely]] {
    head->upgrade = RequestedUpgrade(*head, connection);
    if (head->is_tunnel()) return BeginOffer(*head, framing);
  }
  if (framing.kind == BodyKind::kNone) {
    request_complete_ = true;
    state_ = State::kAnswer;
    receiver_->OnRequestHead(*head, true);
  } else {
    state_ = State::kBody;
    body_reader_.Start(framing, options_.max_head_bytes);
    receiver_->OnRequestHead(*head, false);
  }
  return true;
}

bool H1ServerCodec::BeginOffer(RequestHead& head, const Framing& framing) {
  if (framing.kind != BodyKind::kNone) {
    Fail(kTunnelWithBody);
    return true;
  }
  upgrade_ = head.upgrade;
  answer_complete_ = false;
  state_ = State::kOffer;
  receiver_->OnRequestHead(head, false);
  return true;
}

const DecodeError* H1ServerCodec::CheckIncompleteHead(buffer::Buffer& data) {
  // What is no HTTP at all, TLS for one, is told from its first byte.
  if (!IsTokenChar(data.Front().front())) return &kInvalidMethod;
  if (!line_checked_) {
    if (const DecodeError* fault = CheckRequestLine(data)) return fault;
  }
  if (data.length() < options_.max_head_bytes) return nullptr;
  return line_checked_ ? &kHeadersTooLarge : &kRequestLineTooLong;
}

const DecodeError* H1ServerCodec::CheckRequestLine(buffer::Buffer& data) {
  size_t line_size = 0;
  size_t offset = 0;
  data.ForEachRun([&](std::string_view run) {
    if (line_size == 0 && offset + run.size() > line_scanned_) {
      const size_t lf = run.find('\n', line_scanned_ - offset);
      if (lf != std::string_view::npos) line_size = offset + lf + 1;
      line_scanned_ = offset + run.size();
    }
    offset += run.size();
  });
  if (line_size == 0 || line_size > options_.max_head_bytes) return nullptr;
  line_checked_ = true;
  RequestLine line;
  return ParseRequestLine(data.Linearize(line_size), options_, &line);
}

bool H1ServerCodec::ReadBody(buffer::Buffer& data) {
  switch (body_reader_.Read(data, content_)) {
    case BodyReader::Status::kMore:
      if (!content_.empty()) DeliverData(false);
      // With the stream gone there may be input to drop.
      return state_ != State::kBody && state_ != State::kTunnel;
    case BodyReader::Status::kEnd:
      request_complete_ = true;
      state_ = State::kAnswer;
      DeliverData(true);
      return true;
    case BodyReader::Status::kTrailers:
      ReadTrailers(data);
      return true;
    case BodyReader::Status::kFault:
      if (!content_.empty()) DeliverData(false);
      if (receiver_ != nullptr) Fail(body_reader_.error());
      return true;
  }
  return true;
}

void H1ServerCodec::ReadTrailers(buffer::Buffer& data) {
  Arena& arena = receiver_->arena();
  const std::string_view block = TakeBlock(data, body_reader_.trailers_size(), arena);
  auto* trailers = arena.New<HeaderMap>(arena);
  const DecodeError* fault = ParseFields(block, options_.max_headers, kTooManyTrailers, *trailers, nullptr);
  if (fault != nullptr) {
    if (!content_.empty()) DeliverData(false);
    if (receiver_ != nullptr) Fail(*fault);
    return;
  }
  trailers->RemoveIf(IsForbiddenTrailer);
  request_complete_ = true;
  state_ = State::kAnswer;
  if (!options_.enable_trailers || trailers->empty()) {
    DeliverData(true);
    return;
  }
  if (!content_.empty()) DeliverData(false);
  if (receiver_ != nullptr) receiver_->OnTrailers(*trailers);
}

void H1ServerCodec::DeliverData(bool end_stream) {
  receiver_->OnData(content_, end_stream);
  content_.Clear();
}

void H1ServerCodec::Fail(const DecodeError& error) {
  state_ = State::kDiscard;
  persistent_ = false;
  receiver_->OnDecodeError(error);
}

void H1ServerCodec::OnEndOfInput() {
  input_ended_ = true;
  if (!dispatching_) FinishInput();
}

void H1ServerCodec::FinishInput() {
  // Requests left in the buffer are served first.
  if (backlog_) return;
  switch (state_) {
    case State::kIdle:
      Close(false);
      return;
    case State::kHead:
    case State::kBody: {
      RequestReceiver* receiver = std::exchange(receiver_, nullptr);
      receiver->OnReset(StreamReset::kConnectionClosed, {});
      Close(false);
      return;
    }
    case State::kAnswer:
    case State::kOffer:
    case State::kDiscard:
      // Closed when the answer has ended.
      persistent_ = false;
      return;
    case State::kTunnel:
      if (!request_complete_) EndTunnelInput();
      return;
    case State::kClosed:
      return;
  }
}

void H1ServerCodec::OnConnectionClosed() {
  state_ = State::kClosed;
  if (RequestReceiver* receiver = std::exchange(receiver_, nullptr)) {
    receiver->OnReset(StreamReset::kConnectionClosed, {});
  }
}

void H1ServerCodec::OnSendBufferHigh() {
  output_high_ = true;
  if (receiver_ != nullptr) receiver_->OnSendBufferHigh();
}

void H1ServerCodec::OnSendBufferLow() {
  output_high_ = false;
  if (receiver_ != nullptr) receiver_->OnSendBufferLow();
}

void H1ServerCodec::SendInformational(const ResponseHead& head) {
  // RFC 9110 15.2: a 1.0 client does not know them.
  if (receiver_ == nullptr || head_sent_ || protocol_ == Protocol::kHttp10) return;
  WriteHead(head, Framing(), nullptr, false);
  events_.OnOutput();
}

void H1ServerCodec::SendHead(const ResponseHead& head, bool end_stream) {
  if (receiver_ == nullptr || head_sent_) return;
  head_sent_ = true;
  if (state_ == State::kOffer && AcceptsTunnel(!upgrade_.empty(), head.status)) [[unlikely]] {
    AcceptTunnel(head, end_stream);
    return;
  }
  NUNCIO_ASSERT(head.status >= 200);
  const HeaderField* content_length = nullptr;
  const Framing framing = AnswerFraming(head, end_stream, &content_length);
  // An answer that begins before its request has ended is the connection's last: whoever answers so has mostly no wish
  // for the rest. The same for what the answer itself says.
  close_after_answer_ = !persistent_ || draining_ || !request_complete_ || framing.kind == BodyKind::kUntilClose ||
                        ParseConnection(head.headers).close;
  body_writer_.Start(framing);
  WriteHead(head, framing, content_length, end_stream);
  events_.OnOutput();
  if (end_stream) FinishAnswer();
}

Framing H1ServerCodec::AnswerFraming(const ResponseHead& head, bool end_stream,
                                     const HeaderField** content_length) const {
  uint64_t length = 0;
  const HeaderField* field = nullptr;
  const bool has_length = SoleContentLength(head.headers, &field, &length);
  if (method_ == Method::kHead || head.status == 304) {
    // Describes the body that a GET would get.
    if (has_length) *content_length = field;
    return Framing();
  }
  if (IsBodiless(head.status) || end_stream) {
    if (has_length && length == 0 && !IsBodiless(head.status)) *content_length = field;
    return Framing();
  }
  if (has_length) {
    *content_length = field;
    return Framing{length > 0 ? BodyKind::kLength : BodyKind::kNone, length};
  }
  return Framing{protocol_ == Protocol::kHttp10 ? BodyKind::kUntilClose : BodyKind::kChunked, 0};
}

void H1ServerCodec::WriteHead(const ResponseHead& head, const Framing& framing, const HeaderField* content_length,
                              bool end_stream) {
  const std::string_view reason = head.reason.empty() ? ReasonPhrase(head.status) : head.reason;
  HeadWriter writer(out_, HeadWriter::MaxFieldsSize(head.headers) + reason.size() + upgrade_.size() + 128);
  writer.PutLiteral("HTTP/1.1 ");
  writer.PutStatus(head.status);
  writer.PutLiteral(" ");
  writer.PutText(reason);
  writer.PutLiteral("\r\n");
  writer.PutFields(head.headers, content_length);
  if (framing.kind == BodyKind::kChunked) {
    writer.PutLiteral("transfer-encoding: chunked\r\n");
  } else if (end_stream && content_length == nullptr && !IsBodiless(head.status) && method_ != Method::kHead) {
    writer.PutLiteral("content-length: 0\r\n");
  }
  if (head.status == 101) {
    writer.PutLiteral("connection: upgrade\r\n");
    if (!head.headers.Has(HeaderId::kUpgrade)) writer.PutField("upgrade", upgrade_);
  } else if (head.status >= 200 && state_ != State::kTunnel) {
    if (close_after_answer_) {
      writer.PutLiteral("connection: close\r\n");
    } else if (protocol_ == Protocol::kHttp10) {
      writer.PutLiteral("connection: keep-alive\r\n");
    }
  }
  writer.Finish();
}

void H1ServerCodec::SendData(buffer::Buffer& data, bool end_stream) {
  if (receiver_ == nullptr || !head_sent_ || answer_complete_) {
    data.Clear();
    return;
  }
  body_writer_.Write(data, end_stream, out_);
  events_.OnOutput();
  if (end_stream) FinishAnswer();
}

void H1ServerCodec::SendTrailers(const HeaderMap& trailers) {
  if (receiver_ == nullptr || !head_sent_) return;
  body_writer_.WriteTrailers(trailers, options_.enable_trailers, out_);
  events_.OnOutput();
  FinishAnswer();
}

void H1ServerCodec::Reset(StreamReset) {
  if (receiver_ == nullptr) return;
  receiver_ = nullptr;
  // Only an answer without framing could be taken for complete when its connection ends properly.
  Close(head_sent_ && body_writer_.kind() == BodyKind::kUntilClose);
}

void H1ServerCodec::PauseReading(bool pause) {
  if (receiver_ == nullptr) return;
  NUNCIO_ASSERT(pause || pauses_ > 0);
  if (pause) {
    ++pauses_;
  } else {
    --pauses_;
  }
  UpdatePause();
}

void H1ServerCodec::AcceptTunnel(const ResponseHead& head, bool end_stream) {
  state_ = State::kTunnel;
  const Framing opaque{BodyKind::kUntilClose, 0};
  body_reader_.Start(opaque, 0);
  body_writer_.Start(opaque);
  WriteHead(head, Framing(), nullptr, false);
  events_.OnOutput();
  if (end_stream) EndTunnelOutput();
  // Within Dispatch the rest of the input follows by itself.
  if (dispatching_ || state_ != State::kTunnel) return;
  if (input_ended_ && !backlog_) {
    EndTunnelInput();
    return;
  }
  backlog_ = false;
  UpdatePause();
}

void H1ServerCodec::EndTunnelInput() {
  request_complete_ = true;
  RequestReceiver* const receiver = receiver_;
  if (answer_complete_) receiver_ = nullptr;
  receiver->OnData(content_, true);
  if (answer_complete_ && state_ == State::kTunnel) Close(false);
}

void H1ServerCodec::EndTunnelOutput() {
  if (answer_complete_) return;
  answer_complete_ = true;
  if (!request_complete_) {
    events_.OnEndOfOutput();
    return;
  }
  receiver_ = nullptr;
  Close(false);
}

void H1ServerCodec::FinishAnswer() {
  if (state_ == State::kTunnel) [[unlikely]] {
    EndTunnelOutput();
    return;
  }
  receiver_ = nullptr;
  pauses_ = 0;
  if (!request_complete_ || close_after_answer_ || !persistent_ || body_writer_.broken()) {
    Close(false);
    return;
  }
  state_ = State::kIdle;
  if (dispatching_) return;
  // The owner dispatches what waited; only then is it known whether the client's FIN leaves something to do.
  if (input_ended_ && !backlog_) {
    Close(false);
    return;
  }
  backlog_ = false;
  UpdatePause();
}

void H1ServerCodec::Close(bool abort) {
  state_ = State::kClosed;
  pauses_ = 0;
  backlog_ = false;
  UpdatePause();
  if (abort) {
    events_.OnAbort();
  } else {
    events_.OnCloseAfterFlush();
  }
}

void H1ServerCodec::UpdatePause() {
  const bool pause = pauses_ > 0 || backlog_;
  if (pause == paused_) return;
  paused_ = pause;
  events_.OnPauseReading(pause);
}

}  // namespace nuncio::http::h1
