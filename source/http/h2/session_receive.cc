// The receiving half of Session: what arrives, and what is wrong with it.
#include <algorithm>
#include <cstring>
#include <utility>

#include "source/http/h2/field_rules.h"
#include "source/http/h2/session.h"
#include "source/http/h2/session_callbacks.h"

namespace nuncio::http::h2 {
namespace {

// A field's part of a header list's size beyond its text (RFC 9113 6.5.2).
constexpr size_t kFieldOverhead = 32;
// How many cookies may come for each field that is allowed.
constexpr size_t kCookiesPerField = 4;

// A block is read to its end, for the sake of the compression state, even when nothing of it is kept any more. One that
// unfolds to more than this is an attack on that patience.
size_t MaxHeaderListSize(const H2Options& options) {
  return (size_t{64} << 10) + 4 * (options.max_header_bytes + options.max_header_count * kFieldOverhead);
}

StreamReset ResetOf(uint32_t error_code) {
  switch (error_code) {
    case NGHTTP2_REFUSED_STREAM:
      return StreamReset::kRemoteRefused;
    case NGHTTP2_CONNECT_ERROR:
      return StreamReset::kConnectError;
    default:
      return StreamReset::kRemote;
  }
}

uint32_t Number(std::string_view four_bytes) {
  uint32_t number = 0;
  for (const char c : four_bytes) number = number << 8 | static_cast<uint8_t>(c);
  return number & 0x7fffffff;
}

}  // namespace

bool Session::Receive(buffer::Buffer& data) {
  if (failed_) {
    data.Clear();
    return false;
  }
  {
    Turn turn(*this);
    frames_queued_ = true;
    // An event may lead the owner to clear what it read; what nghttp2 is looking at must stay.
    buffer::Buffer input = std::move(data);
    while (!input.empty() && !failed_) {
      const std::string_view run = input.Front();
      if (!gate_.Feed(run)) break;
      input.Drain(run.size());
    }
    DeliverData(false);
  }
  return !failed_;
}

bool Session::OnPassed(std::string_view bytes) {
  const ssize_t n =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (n == NGHTTP2_ERR_FLOODED) {
    stats_.outbound_control_flood.Inc();
    FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, kOutboundControlFlood);
  } else if (n < 0) {
    FailConnection(NGHTTP2_PROTOCOL_ERROR, kProtocolFault);
  }
  return failure_code_ == NGHTTP2_NO_ERROR && !failed_;
}

FrameVerdict Session::ConnectionFault(uint32_t error_code, std::string_view details) {
  FailConnection(error_code, details);
  return FrameVerdict::kStop;
}

FrameVerdict Session::OnFrameHead(const FrameHead& head, std::string_view payload, bool* flush) {
  if (!*flush) {
    const std::string_view flood = flood_guard_.OnFrameReceived(head, payload);
    if (!flood.empty()) return ConnectionFault(NGHTTP2_ENHANCE_YOUR_CALM, flood);
  }
  switch (head.type) {
    case NGHTTP2_DATA:
      return role_ == Role::kServer ? JudgeData(head, flush) : FrameVerdict::kPass;
    case NGHTTP2_HEADERS:
      return role_ == Role::kServer ? JudgeHeaders(head, flush) : FrameVerdict::kPass;
    case NGHTTP2_PRIORITY:
      return JudgePriority(head, payload, flush);
    case NGHTTP2_WINDOW_UPDATE:
      return JudgeWindowUpdate(head, payload, flush);
    case NGHTTP2_SETTINGS:
      return JudgeSettings(payload, flush);
    default:
      return FrameVerdict::kPass;
  }
}

bool Session::MayBeLate(int32_t id) const {
  // After a GOAWAY of ours nghttp2 passes over new streams.
  return leaving_ || reset_history_.MayContain(id);
}

FrameVerdict Session::JudgeHeaders(const FrameHead& head, bool* flush) {
  const int32_t id = head.stream_id;
  if (id % 2 == 0) return FrameVerdict::kPass;  // nghttp2 ends the connection.
  if (id > last_peer_stream_) {
    if (id > last_peer_stream_ + 2) {
      skipped_from_ = last_peer_stream_ + 1;
      skipped_to_ = id - 1;
    }
    last_peer_stream_ = id;
    // Here and not when nghttp2 has seen it: what follows in the same input is judged before.
    flood_guard_.OnStreamOpened();
    return FrameVerdict::kPass;
  }
  if (!std::exchange(*flush, true)) return FrameVerdict::kDrop;
  if (Find(id) != nullptr) return FrameVerdict::kPass;
  if (MayBeLate(id)) return FrameVerdict::kPass;
  // RFC 9113 5.1.1: a smaller number than one used before; 5.1: a closed stream.
  const bool skipped = id >= skipped_from_ && id <= skipped_to_;
  return skipped ? ConnectionFault(NGHTTP2_PROTOCOL_ERROR, kProtocolFault)
                 : ConnectionFault(NGHTTP2_STREAM_CLOSED, kStreamClosedFault);
}

FrameVerdict Session::JudgeData(const FrameHead& head, bool* flush) {
  const int32_t id = head.stream_id;
  if (id % 2 == 0 || id > last_peer_stream_) return FrameVerdict::kPass;  // nghttp2 ends the connection.
  if (!std::exchange(*flush, true)) return FrameVerdict::kDrop;
  Stream* stream = Find(id);
  if (stream == nullptr) {
    if (MayBeLate(id)) return FrameVerdict::kPass;
    return ConnectionFault(NGHTTP2_STREAM_CLOSED, kStreamClosedFault);
  }
  if (!stream->end_received_) return FrameVerdict::kPass;
  // RFC 9113 5.1, half-closed (remote). nghttp2 would end the connection. It does not see the frame, so the bytes are
  // credited here.
  if (head.length > 0) AppendConnectionCredit(head.length);
  CountPrematureReset(*stream);
  Fail(*stream, StreamReset::kProtocolError, kStreamClosedFault, NGHTTP2_STREAM_CLOSED);
  return FrameVerdict::kDrop;
}

// RFC 9113 5.3.2, 6.3: priorities are not heeded, but must be well-formed. nghttp2 sees none, and keeps no tree.
FrameVerdict Session::JudgePriority(const FrameHead& head, std::string_view payload, bool* flush) {
  if (head.stream_id == 0) return ConnectionFault(NGHTTP2_PROTOCOL_ERROR, kProtocolFault);
  uint32_t fault = NGHTTP2_NO_ERROR;
  if (head.length != 5) {
    fault = NGHTTP2_FRAME_SIZE_ERROR;
  } else if (Number(payload.substr(0, 4)) == static_cast<uint32_t>(head.stream_id)) {
    fault = NGHTTP2_PROTOCOL_ERROR;
  }
  if (fault == NGHTTP2_NO_ERROR || !std::exchange(*flush, true)) return FrameVerdict::kDrop;
  return StreamFault(head, fault);
}

FrameVerdict Session::JudgeWindowUpdate(const FrameHead& head, std::string_view payload, bool* flush) {
  // RFC 9113 6.9: no increment, on a stream. nghttp2 would end the connection.
  if (head.stream_id == 0 || head.length != 4 || Number(payload) != 0) return FrameVerdict::kPass;
  if (!std::exchange(*flush, true)) return FrameVerdict::kDrop;
  return StreamFault(head, NGHTTP2_PROTOCOL_ERROR);
}

// RFC 9113 6.9.2: a change that makes a window overflow ends the connection; nghttp2 would reset that stream.
FrameVerdict Session::JudgeSettings(std::string_view payload, bool* flush) {
  constexpr size_t kEntry = 6;
  constexpr int64_t kMaxWindow = 0x7fffffff;
  const int64_t initial = peer_setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
  // One look at the streams, however many entries there are.
  int64_t most = initial;
  for (; payload.size() >= kEntry; payload.remove_prefix(kEntry)) {
    if (payload[0] != 0 || payload[1] != NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) continue;
    most = std::max<int64_t>(most, Number(payload.substr(2, 4)));
  }
  if (most == initial) return FrameVerdict::kPass;
  if (!std::exchange(*flush, true)) return FrameVerdict::kDrop;
  for (Stream* stream = open_.front(); stream != nullptr; stream = open_.Next(*stream)) {
    if (nghttp2_session_get_stream_remote_window_size(session_, stream->id_) + most - initial > kMaxWindow) {
      return ConnectionFault(NGHTTP2_FLOW_CONTROL_ERROR, kFlowControlFault);
    }
  }
  return FrameVerdict::kPass;
}

FrameVerdict Session::StreamFault(const FrameHead& head, uint32_t error_code) {
  if (Stream* stream = Find(head.stream_id)) {
    CountPrematureReset(*stream);
    Fail(*stream, StreamReset::kProtocolError, kProtocolFault, error_code);
    return FrameVerdict::kDrop;
  }
  // No stream to reset: the connection pays (RFC 9113 5.4.1). A server whose stream is gone is borne with.
  const bool gone = nghttp2_session_find_stream(session_, head.stream_id) != nullptr ||
                    head.stream_id < static_cast<int64_t>(nghttp2_session_get_next_stream_id(session_));
  return role_ == Role::kClient && gone ? FrameVerdict::kDrop : ConnectionFault(error_code, kProtocolFault);
}

void Session::CountPrematureReset(const Stream& stream) {
  if (role_ != Role::kServer || stream.answered_) return;
  const std::string_view details = flood_guard_.OnPrematureReset();
  if (!details.empty()) FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, details);
}

void Session::OnBeginFrame(const nghttp2_frame_hd& header) {
  // What comes next may be for another stream, or end this one: first what was there before.
  if (data_stream_ != nullptr && (header.type != NGHTTP2_DATA || header.stream_id != data_stream_->id_)) {
    DeliverData(false);
  }
}

void Session::OnBeginHeaders(const nghttp2_frame& frame) {
  header_stream_ = nullptr;
  header_bytes_ = header_fields_ = header_cookies_ = 0;
  if (frame.hd.type != NGHTTP2_HEADERS || failure_code_ != NGHTTP2_NO_ERROR) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr && role_ == Role::kServer && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream = events_.OnStreamBegin();
    if (stream == nullptr) {
      QueueReset(frame.hd.stream_id, NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream->id_ = frame.hd.stream_id;
    nghttp2_session_set_stream_user_data(session_, stream->id_, stream);
  }
  if (stream == nullptr) return;
  header_stream_ = stream;
  stream->overflow_ = {};
  stream->regular_seen_ = false;
  stream->block_ = stream->OnHeadersBegin();
}

int Session::OnHeader(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size();
  ++header_fields_;
  if (header_bytes_ + header_fields_ * kFieldOverhead > MaxHeaderListSize(options_)) {
    // Counted where a limit was first exceeded.
    if (header_stream_ == nullptr || header_stream_->overflow_.empty()) stats_.header_overflow.Inc();
    FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, kHeaderListTooLarge);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  Stream* stream = header_stream_;
  if (stream == nullptr || stream->block_ == nullptr || !stream->overflow_.empty()) return 0;
  const std::string_view fault = TakeField(*stream, name, value);
  if (!fault.empty()) FailMalformed(*stream, fault);
  return failure_code_ == NGHTTP2_NO_ERROR ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

std::string_view Session::TakeField(Stream& stream, std::string_view name, std::string_view value) {
  if (header_bytes_ > options_.max_header_bytes) return Overflow(stream, kHeadersTooLarge);
  if (!name.empty() && name.front() == ':') {
    // RFC 9113 8.3: all of them before the first regular field.
    return stream.regular_seen_ ? kMessagingRule : stream.OnPseudoHeader(name, value);
  }
  stream.regular_seen_ = true;
  const HeaderId id = FindHeaderId(name);
  const std::string_view fault = CheckField(id, name, value);
  if (!fault.empty()) return fault;
  HeaderMap& map = *stream.block_;
  // RFC 9113 8.2.3: browsers send each cookie as a field of its own, which is one field to everybody else.
  const bool cookie = id == HeaderId::kCookie;
  if (cookie ? header_cookies_ >= kCookiesPerField * options_.max_header_count
             : map.size() - std::min(map.size(), header_cookies_) >= options_.max_header_count) {
    return Overflow(stream, kTooManyHeaders);
  }
  if (cookie) ++header_cookies_;
  Arena& arena = map.arena();
  map.AddReference(id, id == HeaderId::kOther ? arena.Copy(name) : HeaderName(id), arena.Copy(value));
  return {};
}

std::string_view Session::Overflow(Stream& stream, std::string_view details) {
  stats_.header_overflow.Inc();
  stream.overflow_ = details;
  return {};
}

void Session::OnDataChunk(int32_t id, std::string_view bytes) {
  if (failure_code_ != NGHTTP2_NO_ERROR) return;
  Stream* stream = Find(id);
  if (stream == nullptr) {
    CreditConnection(bytes.size());
    return;
  }
  stream->received_ += bytes.size();
  if (stream->received_ > stream->expected_) {
    // RFC 9113 8.1.1: more than content-length.
    CreditConnection(bytes.size());
    FailMalformed(*stream, kMessagingRule);
    return;
  }
  data_stream_ = stream;
  data_.Append(bytes);
}

// The connection's window is credited on receipt, whatever becomes of the stream: one stalled reader must not hold up
// the others. Only what stalled readers hold together is bounded here, by the size of that window.
void Session::CreditConnection(size_t bytes) {
  connection_debt_ += bytes;
  if (connection_debt_ == 0 || failed_ || withheld_ > options_.initial_connection_window_size) return;
  nghttp2_session_consume_connection(session_, std::exchange(connection_debt_, 0));
}

void Session::DeliverData(bool end_stream) {
  Stream* stream = std::exchange(data_stream_, nullptr);
  if (stream == nullptr) return;
  buffer::Buffer data = std::move(data_);
  const size_t size = data.length();
  stream->end_received_ = end_stream;
  if (end_stream && !stream->BodyComplete()) {
    CreditConnection(size);
    FailMalformed(*stream, kMessagingRule);
    return;
  }
  if (!stream->discard_) stream->OnData(data, end_stream);
  if (end_stream || stream->retired_) {
    CreditConnection(size);
    return;
  }
  if (stream->pauses_ > 0 && !stream->discard_) {
    stream->withheld_ += size;
    withheld_ += size;
  } else {
    nghttp2_session_consume_stream(session_, stream->id_, size);
  }
  CreditConnection(size);
}

void Session::OnFrame(const nghttp2_frame& frame) {
  if (failure_code_ != NGHTTP2_NO_ERROR) return;
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      if (!end_stream) break;
      data_stream_ = Find(frame.hd.stream_id);
      DeliverData(true);
      break;
    case NGHTTP2_HEADERS:
      if (Stream* stream = std::exchange(header_stream_, nullptr)) OnHeadersFrame(*stream, end_stream);
      break;
    case NGHTTP2_RST_STREAM:
      if (Stream* stream = Find(frame.hd.stream_id)) {
        stats_.rx_reset.Inc();
        CountPrematureReset(*stream);
        const StreamReset reset = ResetOf(frame.rst_stream.error_code);
        Fail(*stream, reset, reset == StreamReset::kRemoteRefused ? kRemoteRefused : kRemoteReset, NGHTTP2_NO_ERROR);
      }
      break;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        peer_settings_seen_ = true;
        events_.OnPeerSettings();
      }
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        uint64_t opaque;
        memcpy(&opaque, frame.ping.opaque_data, sizeof(opaque));
        events_.OnPong(opaque);
      }
      break;
    case NGHTTP2_GOAWAY:
      if (!std::exchange(going_away_, true)) {
        stats_.goaway_received.Inc();
        events_.OnGoAway();
      }
      break;
    default:
      break;
  }
}

void Session::OnHeadersFrame(Stream& stream, bool end_stream) {
  stream.end_received_ = end_stream;
  if (std::exchange(stream.block_, nullptr) == nullptr) return;
  if (!stream.overflow_.empty()) {
    stream.OnHeaderOverflow(stream.overflow_);
    return;
  }
  stream.OnHeadersEnd(end_stream);
}

void Session::OnInvalidFrame(int error) {
  // nghttp2 ends the connection or the stream by itself; for the log of the former.
  if (failure_details_.empty()) {
    failure_details_ = error == NGHTTP2_ERR_FLOW_CONTROL ? kFlowControlFault : kProtocolFault;
  }
}

// nghttp2 has closed a stream that its role still holds.
void Session::RetireUnlessOver(Stream& stream, uint32_t error_code) {
  if (stream.end_received_ && stream.end_sent_) {
    Retire(stream);
  } else if (error_code == NGHTTP2_REFUSED_STREAM) {
    // Above the last stream of the peer's GOAWAY (RFC 9113 6.8).
    Fail(stream, StreamReset::kRemoteRefused, kGoAwayRefused, NGHTTP2_NO_ERROR);
  } else {
    // The peer's RST_STREAM was dealt with before; this one was nghttp2's decision.
    reset_history_.Add(stream.id_);
    CountPrematureReset(stream);
    Fail(stream, StreamReset::kProtocolError,
         error_code == NGHTTP2_FLOW_CONTROL_ERROR ? kFlowControlFault : kProtocolFault, NGHTTP2_NO_ERROR);
  }
}

}  // namespace nuncio::http::h2
