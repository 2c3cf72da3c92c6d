#include "source/http/h2/session.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace nuncio::http::h2 {
namespace {

// Larger than any head that was let in downstream; nghttp2's own 64 KiB is not.
constexpr size_t kMaxSentHeaderBlock = 16 << 20;

std::string_view View(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

StreamReset ResetOf(uint32_t error_code) {
  return error_code == NGHTTP2_REFUSED_STREAM ? StreamReset::kRemoteRefused : StreamReset::kRemote;
}

}  // namespace

// nghttp2's C callbacks, handed on to the session.
struct Session::Callbacks {
  static Session& Self(void* user_data) { return *static_cast<Session*>(user_data); }

  static nghttp2_session_callbacks* Make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
          Self(user_data).OnBeginFrame(*header);
          return 0;
        });
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
          Self(user_data).OnBeginHeaders(*frame);
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
          Self(user_data).OnHeader(*frame, View(name, name_size), View(value, value_size));
          return 0;
        });
    // RFC 9113 8.2.1: a field with characters that HTTP/2 forbids makes the message malformed. Without this nghttp2
    // would drop the field in silence.
    nghttp2_session_callbacks_set_on_invalid_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t*, size_t, const uint8_t*, size_t,
                      uint8_t, void* user_data) -> int {
          Self(user_data).OnInvalidFrame(*frame, NGHTTP2_ERR_HTTP_HEADER);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user_data) {
          Self(user_data).OnDataChunk(id, View(bytes, size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) { return Self(user_data).OnFrame(*frame); });
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user_data) {
          Self(user_data).OnInvalidFrame(*frame, error);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t error_code, void* user_data) {
          Session& self = Self(user_data);
          if (Stream* stream = self.Find(id)) self.RetireUnlessOver(*stream, error_code);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_send_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
          Self(user_data).OnFrameSent(*frame);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_not_send_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user_data) {
          Self(user_data).OnFrameNotSent(*frame, error);
          return 0;
        });
    nghttp2_session_callbacks_set_send_data_callback(
        callbacks, [](nghttp2_session*, nghttp2_frame* frame, const uint8_t* header, size_t length,
                      nghttp2_data_source*, void* user_data) {
          return Self(user_data).WriteBody(frame->hd.stream_id, header, length);
        });
    return callbacks;
  }

  static ssize_t Read(nghttp2_session*, int32_t id, uint8_t*, size_t length, uint32_t* flags, nghttp2_data_source*,
                      void* user_data) {
    return Self(user_data).ReadBody(id, length, flags);
  }
};

Session::Session(SessionEvents& events, buffer::Buffer& out, const H2Options& options, Nghttp2Memory& memory)
    : events_(events), out_(out), options_(options), flood_guard_(options), data_(out.pool()) {
  // Immutable, shared by all threads, alive until the process ends.
  static const nghttp2_session_callbacks* const callbacks = Callbacks::Make();
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeaderBlock);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, options.hpack_table_size);
  nghttp2_option_set_max_outbound_ack(option, options.max_outbound_control_frames);
  const int error = nghttp2_session_client_new3(&session_, callbacks, this, option, memory.functions());
  nghttp2_option_del(option);
  if (error != 0) throw std::bad_alloc();
  SubmitSettings();
}

Session::~Session() {
  nghttp2_session_del(session_);
  while (Stream* stream = open_.PopFront()) events_.Recycle(*stream);
  while (Stream* stream = retired_.PopFront()) events_.Recycle(*stream);
}

void Session::SubmitSettings() {
  nghttp2_settings_entry entries[3];
  size_t count = 0;
  entries[count++] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
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
      const ssize_t n =
          nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(run.data()), run.size());
      if (n < 0) {
        if (failure_details_.empty()) {
          failure_code_ = n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR;
          failure_details_ =
              n == NGHTTP2_ERR_FLOODED ? "http2.outbound_control_frames_flood" : "http2.protocol_error";
        }
        if (failure_code_ == NGHTTP2_NO_ERROR) failure_code_ = NGHTTP2_PROTOCOL_ERROR;
        break;
      }
      input.Drain(run.size());
    }
    DeliverData(false);
  }
  return !failed_;
}

void Session::Close(StreamReset reset, std::string_view details) {
  Turn turn(*this);
  FailAll(reset, details);
}

void Session::BlockOutput(bool block) {
  blocked_ = block;
  if (block) return;
  Turn turn(*this);
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

void Session::SendGoAway() {
  if (failed_) return;
  Turn turn(*this);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  frames_queued_ = true;
}

void Session::Adopt(Stream& stream) {
  open_.PushBack(stream);
  ++active_streams_;
  flood_guard_.OnStreamOpened();
}

void Session::SubmitRequest(Stream& stream, const HeaderBlock& block, bool end_stream) {
  Turn turn(*this);
  nghttp2_data_provider provider;
  provider.source.ptr = nullptr;
  provider.read_callback = Callbacks::Read;
  stream.end_queued_ = end_stream;
  const int32_t id = nghttp2_submit_request(session_, nullptr, block.fields, block.size,
                                            end_stream ? nullptr : &provider, &stream);
  if (id < 0) {
    Fail(stream, StreamReset::kLocal, "http2.request_not_sent", NGHTTP2_NO_ERROR);
    return;
  }
  stream.id_ = id;
  frames_queued_ = true;
}

void Session::SendData(Stream& stream, buffer::Buffer& data, bool end_stream) {
  if (stream.retired_ || stream.end_queued_) {
    data.Clear();
    return;
  }
  Turn turn(*this);
  stream.outbound_.MoveFrom(data);
  stream.end_queued_ = end_stream;
  nghttp2_session_resume_data(session_, stream.id_);
  frames_queued_ = true;
  Touch(stream);
}

void Session::SendTrailers(Stream& stream, const HeaderBlock& block) {
  if (stream.retired_ || stream.end_queued_) return;
  Turn turn(*this);
  stream.trailers_ = block;
  stream.end_queued_ = true;
  nghttp2_session_resume_data(session_, stream.id_);
  frames_queued_ = true;
}

void Session::PauseReading(Stream& stream, bool pause) {
  if (pause) {
    ++stream.pauses_;
    return;
  }
  if (stream.pauses_ == 0 || --stream.pauses_ > 0 || stream.withheld_ == 0 || stream.retired_) return;
  Turn turn(*this);
  nghttp2_session_consume_stream(session_, stream.id_, std::exchange(stream.withheld_, 0));
  frames_queued_ = true;
}

void Session::Reset(Stream& stream, uint32_t error_code) {
  if (stream.retired_) return;
  Turn turn(*this);
  if (stream.id_ != 0 && !failed_) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, error_code);
    frames_queued_ = true;
  }
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

void Session::Retire(Stream& stream) {
  if (stream.retired_) return;
  Turn turn(*this);
  stream.retired_ = true;
  if (stream.id_ != 0) nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  if (data_stream_ == &stream) {
    data_stream_ = nullptr;
    data_.Clear();
  }
  stream.outbound_.Clear();
  stream.ListNode<TouchedStreams>::Unlink();
  stream.ListNode<OpenStreams>::Unlink();
  retired_.PushBack(stream);
  --active_streams_;
  ++retired_untold_;
}

void Session::EndTurn() {
  do {
    WriteFrames();
    CheckFailure();
    while (Stream* stream = touched_.PopFront()) NotifySendBuffer(*stream);
  } while (frames_queued_ && !blocked_ && !failed_);
  while (Stream* stream = retired_.PopFront()) events_.Recycle(*stream);
  const bool wrote = std::exchange(wrote_, false);
  size_t retired = std::exchange(retired_untold_, 0);
  --depth_;
  if (wrote) events_.OnOutput();
  for (; retired > 0; --retired) events_.OnStreamRetired();
}

void Session::WriteFrames() {
  if (!frames_queued_ || failed_) return;
  // A connection that is ending says so even to a peer that does not read.
  if (blocked_ && (going_away_ || nghttp2_session_check_request_allowed(session_) != 0)) return;
  frames_queued_ = false;
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n == 0) return;
    if (n < 0) {
      failure_code_ = NGHTTP2_INTERNAL_ERROR;
      failure_details_ = "http2.send_failed";
      return;
    }
    out_.Append(View(bytes, static_cast<size_t>(n)));
    wrote_ = true;
  }
}

void Session::CheckFailure() {
  if (failed_) return;
  if (failure_code_ == NGHTTP2_NO_ERROR &&
      nghttp2_session_get_outbound_queue_size(session_) > options_.max_outbound_frames) {
    failure_code_ = NGHTTP2_ENHANCE_YOUR_CALM;
    failure_details_ = "http2.outbound_frames_flood";
  }
  if (failure_code_ != NGHTTP2_NO_ERROR) {
    AppendGoAway(failure_code_);
    FailAll(StreamReset::kProtocolError, failure_details_);
  } else if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    // Either nghttp2 has sent a GOAWAY for a violation, or nothing is left after the peer's.
    if (going_away_ && failure_details_.empty()) {
      FailAll(StreamReset::kRemoteRefused, "http2.goaway_refuse");
    } else {
      FailAll(StreamReset::kProtocolError, failure_details_.empty() ? "http2.protocol_error" : failure_details_);
    }
  }
}

// Written by hand: after a failure within it nghttp2 is not asked for anything.
void Session::AppendGoAway(uint32_t error_code) {
  // RFC 9113 6.8: length 8, type 7, no flags, stream 0; last stream 0, for a server's streams are never taken.
  const char frame[17] = {0, 0, 8, NGHTTP2_GOAWAY, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<char>(error_code)};
  out_.Append(std::string_view(frame, sizeof(frame)));
  wrote_ = true;
}

void Session::FailAll(StreamReset reset, std::string_view details) {
  failed_ = true;
  while (Stream* stream = open_.front()) Fail(*stream, reset, details, NGHTTP2_NO_ERROR);
}

void Session::Touch(Stream& stream) {
  if (!stream.ListNode<TouchedStreams>::linked()) touched_.PushBack(stream);
}

void Session::NotifySendBuffer(Stream& stream) {
  if (!stream.above_high_ && stream.outbound_.length() > options_.send_buffer_high) {
    stream.above_high_ = true;
    stream.OnSendBufferHigh();
  } else if (stream.above_high_ && stream.outbound_.length() <= options_.send_buffer_high / 2) {
    stream.above_high_ = false;
    stream.OnSendBufferLow();
  }
}

void Session::OnBeginFrame(const nghttp2_frame_hd& header) {
  // What comes next may be for another stream, or end this one: first what was there before.
  if (data_stream_ != nullptr && (header.type != NGHTTP2_DATA || header.stream_id != data_stream_->id_)) {
    DeliverData(false);
  }
}

void Session::OnBeginHeaders(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream != nullptr) stream->block_ = stream->OnHeadersBegin();
}

void Session::OnHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr || stream->block_ == nullptr || !HeaderFits(*stream, name.size() + value.size())) return;
  if (name.starts_with(':')) {
    stream->OnPseudoHeader(name, value);
  } else {
    stream->block_->Add(name, value);
  }
}

bool Session::HeaderFits(Stream& stream, size_t bytes) {
  std::string_view details;
  if (stream.block_->size() >= options_.max_header_count) {
    details = "http2.too_many_headers";
  } else if (stream.block_->byte_size() + bytes > options_.max_header_bytes) {
    details = "http2.headers_too_large";
  } else {
    return true;
  }
  Fail(stream, StreamReset::kLimit, details, NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

void Session::OnDataChunk(int32_t id, std::string_view bytes) {
  // The connection's window is credited on receipt, whatever becomes of the stream: one stalled reader must not hold
  // up the others. The streams' windows bound what is held.
  nghttp2_session_consume_connection(session_, bytes.size());
  Stream* stream = Find(id);
  if (stream == nullptr) return;
  data_stream_ = stream;
  data_.Append(bytes);
}

void Session::DeliverData(bool end_stream) {
  Stream* stream = std::exchange(data_stream_, nullptr);
  if (stream == nullptr) return;
  buffer::Buffer data = std::move(data_);
  const size_t size = data.length();
  stream->end_received_ = end_stream;
  stream->OnData(data, end_stream);
  if (end_stream || stream->retired_) return;
  if (stream->pauses_ > 0) {
    stream->withheld_ += size;
  } else {
    nghttp2_session_consume_stream(session_, stream->id_, size);
  }
}

int Session::OnFrame(const nghttp2_frame& frame) {
  const std::string_view flood = flood_guard_.OnFrameReceived(frame);
  if (!flood.empty()) {
    failure_code_ = NGHTTP2_ENHANCE_YOUR_CALM;
    failure_details_ = flood;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      if (end_stream) {
        data_stream_ = Find(frame.hd.stream_id);
        DeliverData(true);
      }
      break;
    case NGHTTP2_HEADERS:
      if (Stream* stream = Find(frame.hd.stream_id); stream != nullptr && stream->block_ != nullptr) {
        stream->block_ = nullptr;
        stream->end_received_ = end_stream;
        stream->OnHeadersEnd(end_stream);
      }
      break;
    case NGHTTP2_RST_STREAM:
      if (Stream* stream = Find(frame.hd.stream_id)) {
        const StreamReset reset = ResetOf(frame.rst_stream.error_code);
        Fail(*stream, reset, reset == StreamReset::kRemote ? "http2.remote_reset" : "http2.remote_refuse",
             NGHTTP2_NO_ERROR);
      }
      break;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) events_.OnPeerSettings();
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        uint64_t opaque;
        memcpy(&opaque, frame.ping.opaque_data, sizeof(opaque));
        events_.OnPong(opaque);
      }
      break;
    case NGHTTP2_GOAWAY:
      if (!std::exchange(going_away_, true)) events_.OnGoAway();
      break;
    default:
      break;
  }
  return 0;
}

void Session::OnInvalidFrame(const nghttp2_frame& frame, int error) {
  if (error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING) {
    // RFC 9113 8.1.1: a malformed message ends its stream, not the connection.
    if (Stream* stream = Find(frame.hd.stream_id)) {
      Fail(*stream, StreamReset::kProtocolError, "http2.violation.of.messaging.rule", NGHTTP2_PROTOCOL_ERROR);
    }
  } else if (failure_details_.empty()) {
    // nghttp2 ends the connection or the stream by itself; for the log of the former.
    failure_details_ = error == NGHTTP2_ERR_FLOW_CONTROL ? "http2.flow_control_error" : "http2.protocol_error";
  }
}

// nghttp2 has closed a stream that its role still holds.
void Session::RetireUnlessOver(Stream& stream, uint32_t error_code) {
  if (stream.end_received_ && stream.end_sent_) {
    Retire(stream);
  } else if (error_code == NGHTTP2_REFUSED_STREAM) {
    // Above the last stream of the peer's GOAWAY (RFC 9113 6.8).
    Fail(stream, StreamReset::kRemoteRefused, "http2.goaway_refuse", NGHTTP2_NO_ERROR);
  } else {
    // The peer's RST_STREAM was dealt with before; this one was nghttp2's decision.
    Fail(stream, StreamReset::kProtocolError, "http2.violation.of.messaging.rule", NGHTTP2_NO_ERROR);
  }
}

void Session::OnFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_DATA) flood_guard_.OnDataFrameSent();
  if (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS) return;
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->end_sent_ = true;
  if (stream->end_received_) Retire(*stream);
}

void Session::OnFrameNotSent(const nghttp2_frame& frame, int error) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  Stream* stream = Find(frame.hd.stream_id);
  if (stream == nullptr) return;
  if (error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED || error == NGHTTP2_ERR_SESSION_CLOSING) {
    // The peer has seen nothing of it.
    Fail(*stream, StreamReset::kRemoteRefused, "http2.goaway_refuse", NGHTTP2_NO_ERROR);
  } else {
    Fail(*stream, StreamReset::kLocal, "http2.headers_not_sent", NGHTTP2_INTERNAL_ERROR);
  }
}

ssize_t Session::ReadBody(int32_t id, size_t length, uint32_t* flags) {
  Stream* stream = Find(id);
  if (stream == nullptr) return NGHTTP2_ERR_DEFERRED;
  const size_t waiting = stream->outbound_.length();
  if (waiting == 0 && !stream->end_queued_) return NGHTTP2_ERR_DEFERRED;
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
  constexpr size_t kFrameHeaderSize = 9;
  Stream* stream = Find(id);
  if (stream == nullptr || stream->outbound_.length() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  out_.Append(View(frame_header, kFrameHeaderSize));
  out_.MoveFrom(stream->outbound_, length);
  wrote_ = true;
  if (stream->above_high_) Touch(*stream);
  return 0;
}

}  // namespace nuncio::http::h2
