#include "source/http/h2/session.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "source/http/h2/field_rules.h"
#include "source/http/h2/session_callbacks.h"

namespace nuncio::http::h2 {
namespace {

constexpr size_t kClientPreface = 24;
// Larger than any head that is let in on the other side; nghttp2's own 64 KiB is not.
constexpr size_t kMaxSentHeaderBlock = 16 << 20;
// Body bytes that a stream may have waiting while the connection is congested.
constexpr size_t kCongestedShare = 16 << 10;

// In network order.
void PutNumber(char* to, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<char>(value >> shift);
}

}  // namespace

Session::Session(Role role, SessionEvents& events, buffer::Buffer& out, const H2Options& options, Nghttp2Memory& memory,
                 telemetry::Http2Stats& stats)
    : role_(role),
      events_(events),
      out_(out),
      options_(options),
      stats_(stats),
      gate_(*this, role == Role::kServer ? kClientPreface : 0),
      flood_guard_(options, stats),
      output_gauge_(out),
      data_(out.pool()) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeaderBlock);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, options.hpack_table_size);
  nghttp2_option_set_max_outbound_ack(option, options.max_outbound_control_frames);
  // These two are FloodGuard's business; nghttp2 enters the state that it counts once more than there are frames.
  nghttp2_option_set_max_continuations(option, 2 * (FloodGuard::MaxHeaderFrames(options) + 1));
  nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
  const int error =
      role == Role::kServer
          ? nghttp2_session_server_new3(&session_, Callbacks::Get(), this, option, memory.functions())
          : nghttp2_session_client_new3(&session_, Callbacks::Get(), this, option, memory.functions());
  nghttp2_option_del(option);
  if (error != 0) throw std::bad_alloc();
  SubmitSettings();
}

Session::~Session() {
  ++depth_;  // No turn ends any more.
  while (Stream* stream = open_.front()) Retire(*stream);
  while (Stream* stream = retired_.PopFront()) events_.Recycle(*stream);
  stats_.pending_send_bytes.Sub(static_cast<int64_t>(pending_told_));
  nghttp2_session_del(session_);
}

void Session::SubmitSettings() {
  nghttp2_settings_entry entries[4];
  size_t count = 0;
  if (role_ == Role::kClient) {
    entries[count++] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  } else {
    // RFC 9218 2.1: priorities of RFC 7540 are not heeded.
    entries[count++] = {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    if (options_.allow_connect) entries[count++] = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
  }
  entries[count++] = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.initial_stream_window_size};
  if (options_.hpack_table_size != NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) {
    entries[count++] = {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options_.hpack_table_size};
  }
  if (nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, count) != 0 ||
      nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                            static_cast<int32_t>(options_.initial_connection_window_size)) != 0) {
    failure_code_ = NGHTTP2_INTERNAL_ERROR;
    failure_details_ = "http2.settings_not_sent";
  }
}

void Session::Close(StreamReset reset, std::string_view details) {
  Turn turn(*this);
  FailAll(reset, details);
}

void Session::BlockOutput(bool block) {
  Turn turn(*this);
  if (std::exchange(blocked_, block) == block || block) return;
  for (Stream* stream = open_.front(); stream != nullptr; stream = open_.Next(*stream)) {
    if (!stream->outbound_.empty()) nghttp2_session_resume_data(session_, stream->id_);
  }
  frames_queued_ = true;
}

void Session::SendPing(uint64_t opaque) {
  if (failed_) return;
  Turn turn(*this);
  uint8_t bytes[8];
  memcpy(bytes, &opaque, sizeof(bytes));
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, bytes);
  frames_queued_ = true;
}

void Session::SendShutdownNotice() {
  if (failed_ || leaving_) return;
  Turn turn(*this);
  nghttp2_submit_shutdown_notice(session_);
  frames_queued_ = true;
}

void Session::SendGoAway() {
  if (failed_ || leaving_) return;
  Turn turn(*this);
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  frames_queued_ = true;
}

void Session::ExpireFlushes() {
  Turn turn(*this);
  for (Stream* stream = open_.front(); stream != nullptr;) {
    Stream* next = open_.Next(*stream);
    const bool waits = stream->end_queued_ && !stream->end_sent_ && (role_ == Role::kServer || stream->unattended_);
    if (waits && !std::exchange(stream->progress_, false)) {
      stats_.tx_flush_timeout.Inc();
      Fail(*stream, StreamReset::kLocal, "http2.tx_flush_timeout", NGHTTP2_CANCEL);
    }
    stream = next;
  }
}

void Session::EndAnswered() {
  Turn turn(*this);
  for (Stream* stream = open_.front(); stream != nullptr;) {
    Stream* next = open_.Next(*stream);
    if (stream->discard_ && !stream->end_received_) {
      stream->overdue_ = true;
      if (stream->end_sent_) Reset(*stream, NGHTTP2_NO_ERROR);
    }
    stream = next;
  }
}

void Session::LeaveUnattended(Stream& stream) {
  if (stream.retired_ || std::exchange(stream.unattended_, true)) return;
  if (unattended_++ == 0) events_.OnStreamUnattended();
}

void Session::Adopt(Stream& stream) {
  open_.PushBack(stream);
  ++active_streams_;
  stats_.streams_active.Inc();
  if (role_ == Role::kClient) flood_guard_.OnStreamOpened();
}

void Session::SubmitRequest(Stream& stream, const HeaderBlock& block, bool end_stream) {
  if (stream.retired_) return;
  Turn turn(*this);
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;
  provider.read_callback = Callbacks::Read;
  stream.end_queued_ |= end_stream;
  const int32_t id = nghttp2_submit_request(session_, nullptr, block.fields, block.size,
                                            end_stream ? nullptr : &provider, &stream);
  if (id < 0) {
    Fail(stream, StreamReset::kLocal, "http2.request_not_sent", NGHTTP2_NO_ERROR);
    return;
  }
  stream.id_ = id;
  frames_queued_ = true;
}

void Session::SubmitResponse(Stream& stream, const HeaderBlock& block, bool end_stream) {
  if (stream.retired_) return;
  Turn turn(*this);
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;
  provider.read_callback = Callbacks::Read;
  stream.end_queued_ = end_stream;
  if (nghttp2_submit_response(session_, stream.id_, block.fields, block.size, end_stream ? nullptr : &provider) != 0) {
    Fail(stream, StreamReset::kLocal, "http2.response_not_sent", NGHTTP2_INTERNAL_ERROR);
    return;
  }
  frames_queued_ = true;
  stream.answered_ = true;
  flood_guard_.OnAnswered();
}

void Session::SubmitInformational(Stream& stream, const HeaderBlock& block) {
  if (stream.retired_) return;
  Turn turn(*this);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, block.fields, block.size, nullptr);
  frames_queued_ = true;
}

void Session::SendData(Stream& stream, buffer::Buffer& data, bool end_stream) {
  if (stream.retired_ || stream.end_queued_) {
    data.Clear();
    return;
  }
  Turn turn(*this);
  pending_ += data.length();
  stream.outbound_.MoveFrom(data);
  stream.end_queued_ = end_stream;
  ResumeBody(stream);
  Touch(stream);
}

void Session::ResumeBody(Stream& stream) {
  if (blocked_ && !stream.outbound_.empty()) return;
  // Fails, in vain, before the head is out.
  nghttp2_session_resume_data(session_, stream.id_);
  frames_queued_ = true;
}

void Session::SendTrailers(Stream& stream, const HeaderBlock& block) {
  if (stream.retired_ || stream.end_queued_) return;
  Turn turn(*this);
  stream.end_queued_ = true;
  frames_queued_ = true;
  // nghttp2 takes requests' heads out of a queue of their own, after this one.
  if (stream.outbound_.empty() && block.size > 0 && (role_ == Role::kServer || stream.head_sent_)) {
    // Trailers do not wait for a window; behind a body of nghttp2's they would.
    nghttp2_submit_trailer(session_, stream.id_, block.fields, block.size);
    return;
  }
  stream.trailers_ = block;
  ResumeBody(stream);
}

void Session::PauseReading(Stream& stream, bool pause) {
  if (pause) {
    ++stream.pauses_;
    return;
  }
  if (stream.pauses_ == 0 || --stream.pauses_ > 0 || stream.withheld_ == 0 || stream.retired_) return;
  Turn turn(*this);
  const size_t size = std::exchange(stream.withheld_, 0);
  withheld_ -= size;
  nghttp2_session_consume_stream(session_, stream.id_, size);
  CreditConnection(0);
  frames_queued_ = true;
}

void Session::QueueReset(int32_t id, uint32_t error_code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error_code);
  reset_history_.Add(id);
  frames_queued_ = true;
}

void Session::Reset(Stream& stream, uint32_t error_code) {
  if (stream.retired_) return;
  Turn turn(*this);
  if (stream.id_ != 0 && !failed_) QueueReset(stream.id_, error_code);
  Retire(stream);
}

void Session::Fail(Stream& stream, StreamReset reset, std::string_view details, uint32_t error_code) {
  if (stream.retired_) return;
  Turn turn(*this);
  if (error_code == NGHTTP2_NO_ERROR) {
    Retire(stream);
  } else {
    Reset(stream, error_code);
  }
  stream.OnReset(reset, details);
}

void Session::FailMalformed(Stream& stream, std::string_view details) {
  if (stream.retired_) return;
  stats_.rx_messaging_error.Inc();
  if (!options_.stream_error_on_invalid_message) {
    FailConnection(NGHTTP2_PROTOCOL_ERROR, details);
    return;
  }
  CountPrematureReset(stream);
  Fail(stream, StreamReset::kProtocolError, details, NGHTTP2_PROTOCOL_ERROR);
}

void Session::FailOverLimit(Stream& stream, std::string_view details) {
  if (stream.retired_) return;
  CountPrematureReset(stream);
  Fail(stream, StreamReset::kLimit, details, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Session::Retire(Stream& stream) {
  if (stream.retired_) return;
  Turn turn(*this);
  stream.retired_ = true;
  if (stream.unattended_) --unattended_;
  if (stream.id_ != 0) nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  if (header_stream_ == &stream) header_stream_ = nullptr;
  if (data_stream_ == &stream) {
    data_stream_ = nullptr;
    CreditConnection(data_.length());
    data_.Clear();
  }
  withheld_ -= std::exchange(stream.withheld_, 0);
  CreditConnection(0);
  pending_ -= stream.outbound_.length();
  stream.outbound_.Clear();
  stream.ListNode<TouchedStreams>::Unlink();
  stream.ListNode<OpenStreams>::Unlink();
  retired_.PushBack(stream);
  --active_streams_;
  stats_.streams_active.Dec();
  ++retired_untold_;
}

void Session::EndTurn() {
  do {
    WriteFrames();
    CheckFailure();
    if (std::exchange(was_congested_, Congested()) && !was_congested_) {
      for (Stream* stream = open_.front(); stream != nullptr; stream = open_.Next(*stream)) {
        if (stream->above_high_) Touch(*stream);
      }
    }
    while (Stream* stream = touched_.PopFront()) NotifySendBuffer(*stream);
  } while (frames_queued_ && !failed_);
  while (Stream* stream = retired_.PopFront()) events_.Recycle(*stream);
  if (pending_ != pending_told_) {
    stats_.pending_send_bytes.Add(static_cast<int64_t>(pending_) - static_cast<int64_t>(pending_told_));
    pending_told_ = pending_;
  }
  const bool wrote = std::exchange(wrote_, false);
  size_t retired = std::exchange(retired_untold_, 0);
  --depth_;
  if (wrote) events_.OnOutput();
  for (; retired > 0; --retired) events_.OnStreamRetired();
}

void Session::WriteFrames() {
  if (!frames_queued_ || failed_) return;
  frames_queued_ = false;
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n == 0) return;
    if (n < 0) {
      FailConnection(NGHTTP2_INTERNAL_ERROR, "http2.send_failed");
      return;
    }
    AppendFrame(View(bytes, static_cast<size_t>(n)));
  }
}

void Session::AppendFrame(std::string_view bytes) {
  const auto type = static_cast<uint8_t>(bytes[3]);
  output_gauge_.OnFrame(bytes.size(), type == NGHTTP2_PING || type == NGHTTP2_SETTINGS);
  wrote_ = true;
  if (role_ == Role::kServer && !settings_written_) {
    // The first frame is our SETTINGS. nghttp2 is not told of the limit on streams: it would end the connection of a
    // peer that exceeds it, where RFC 9113 5.1.2 wants the stream alone refused.
    constexpr size_t kEntry = 6;
    std::array<char, FrameHead::kSize + kEntry> head = {};
    memcpy(head.data(), bytes.data(), FrameHead::kSize);
    head[2] = static_cast<char>(head[2] + static_cast<char>(kEntry));
    head[FrameHead::kSize + 1] = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;
    PutNumber(&head[FrameHead::kSize + 2], options_.max_concurrent_streams);
    out_.Append(std::string_view(head.data(), head.size()));
    bytes.remove_prefix(FrameHead::kSize);
  }
  settings_written_ = true;
  out_.Append(bytes);
}

void Session::CheckFailure() {
  if (failed_) return;
  if (failure_code_ == NGHTTP2_NO_ERROR) {
    if (output_gauge_.frames() > options_.max_outbound_frames) {
      stats_.outbound_flood.Inc();
      FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, kOutboundFlood);
    } else if (output_gauge_.control_frames() > options_.max_outbound_control_frames) {
      stats_.outbound_control_flood.Inc();
      FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, kOutboundControlFlood);
    }
  }
  if (failure_code_ != NGHTTP2_NO_ERROR) {
    AppendGoAway(failure_code_);
    stats_.goaway_sent.Inc();
    FailAll(StreamReset::kProtocolError, failure_details_);
  } else if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    // Either nghttp2 has sent a GOAWAY for a violation, or one side has left and nothing is left to do.
    if (failure_details_.empty() && (going_away_ || leaving_)) {
      FailAll(StreamReset::kRemoteRefused, kGoAwayRefused);
    } else {
      FailAll(StreamReset::kProtocolError, failure_details_.empty() ? kProtocolFault : failure_details_);
    }
  }
}

void Session::FailConnection(uint32_t error_code, std::string_view details) {
  if (failure_code_ != NGHTTP2_NO_ERROR || failed_) return;
  failure_code_ = error_code;
  failure_details_ = details;
}

// Written by hand: after a failure within it nghttp2 is not asked for anything.
void Session::AppendGoAway(uint32_t error_code) {
  // RFC 9113 6.8: length 8, type 7, no flags, stream 0.
  const int32_t last = nghttp2_session_get_last_proc_stream_id(session_);
  std::array<char, 17> frame = {0, 0, 8, NGHTTP2_GOAWAY};
  PutNumber(&frame[9], static_cast<uint32_t>(last));
  PutNumber(&frame[13], error_code);
  out_.Append(std::string_view(frame.data(), frame.size()));
  wrote_ = true;
}

// Written by hand: gives back what nghttp2 never heard of.
void Session::AppendConnectionCredit(uint32_t bytes) {
  // RFC 9113 6.9: length 4, type 8, no flags, stream 0.
  std::array<char, 13> frame = {0, 0, 4, NGHTTP2_WINDOW_UPDATE};
  PutNumber(&frame[9], bytes);
  output_gauge_.OnFrame(frame.size(), false);
  out_.Append(std::string_view(frame.data(), frame.size()));
  wrote_ = true;
}

void Session::FailAll(StreamReset reset, std::string_view details) {
  const bool first = !std::exchange(failed_, true);
  if (first && reset == StreamReset::kProtocolError) {
    events_.OnFailure(failure_code_ == NGHTTP2_ENHANCE_YOUR_CALM ? StreamReset::kLimit : reset, details);
  }
  while (Stream* stream = open_.front()) Fail(*stream, reset, details, NGHTTP2_NO_ERROR);
}

void Session::Touch(Stream& stream) {
  if (!stream.ListNode<TouchedStreams>::linked()) touched_.PushBack(stream);
}

void Session::NotifySendBuffer(Stream& stream) {
  const size_t high = Congested() ? std::min(kCongestedShare, options_.send_buffer_high) : options_.send_buffer_high;
  if (!stream.above_high_ && stream.outbound_.length() > high) {
    stream.above_high_ = true;
    stream.OnSendBufferHigh();
  } else if (stream.above_high_ && stream.outbound_.length() <= high / 2) {
    stream.above_high_ = false;
    stream.OnSendBufferLow();
  }
}

void Session::OnFrameSent(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      flood_guard_.OnDataFrameSent();
      break;
    case NGHTTP2_HEADERS:
      if (Stream* stream = Find(frame.hd.stream_id)) stream->head_sent_ = true;
      break;
    case NGHTTP2_RST_STREAM:
      stats_.tx_reset.Inc();
      return;
    case NGHTTP2_GOAWAY:
      stats_.goaway_sent.Inc();
      return;
    default:
      return;
  }
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->end_sent_ = true;
  if (stream->end_received_) {
    Retire(*stream);
  } else {
    stream->OnEndSent();
  }
}

void Session::OnFrameNotSent(const nghttp2_frame& frame, int error) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return;
  if (error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED || error == NGHTTP2_ERR_SESSION_CLOSING) {
    // The peer has seen nothing of it.
    Fail(*stream, StreamReset::kRemoteRefused, kGoAwayRefused, NGHTTP2_NO_ERROR);
  } else {
    Fail(*stream, StreamReset::kLocal, "http2.headers_not_sent", NGHTTP2_INTERNAL_ERROR);
  }
}

ssize_t Session::ReadBody(int32_t id, size_t length, uint32_t* flags) {
  Stream* stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_DEFERRED;
  const size_t waiting = stream->outbound_.length();
  if (waiting == 0 ? !stream->end_queued_ : blocked_) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (waiting > length || !stream->end_queued_) return static_cast<ssize_t>(std::min(waiting, length));
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->trailers_.size > 0) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session_, id, stream->trailers_.fields, stream->trailers_.size) != 0) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
  }
  return static_cast<ssize_t>(waiting);
}

int Session::WriteBody(int32_t id, const uint8_t* frame_header, size_t length) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->outbound_.length() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  output_gauge_.OnData(FrameHead::kSize + length);
  out_.Append(View(frame_header, FrameHead::kSize));
  out_.MoveFrom(stream->outbound_, length);
  pending_ -= length;
  stream->progress_ = true;
  wrote_ = true;
  if (stream->above_high_) Touch(*stream);
  return 0;
}

}  // namespace nuncio::http::h2
