#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/flood_guard.h"
#include "source/http/h2/h2_options.h"
#include "source/http/h2/header_block.h"
#include "source/http/h2/nghttp2_memory.h"
#include "source/http/h2/stream.h"

namespace nuncio::http::h2 {

// What a Session tells the codec of its role. All but Recycle may call back into the session.
class SessionEvents {
 public:
  virtual void OnOutput() = 0;
  // The peer's GOAWAY; once.
  virtual void OnGoAway() = 0;
  // The peer's SETTINGS are in force.
  virtual void OnPeerSettings() = 0;
  virtual void OnPong(uint64_t opaque) = 0;
  // A retired stream is no longer counted.
  virtual void OnStreamRetired() = 0;
  // The session is done with the object.
  virtual void Recycle(Stream& stream) = 0;

 protected:
  ~SessionEvents() = default;
};

// One HTTP/2 connection over nghttp2, for either role: framing, header compression, both directions' flow control, the
// streams' states. nghttp2 must not be entered for input or output from its own callbacks, so everything happens in
// turns: calls and input in a turn queue frames, and its end writes them to `out` and tells of it once.
class Session {
 public:
  // Every entry into the session from outside lives within one. Nests; the outermost one's end does the work.
  class Turn {
   public:
    explicit Turn(Session& session) : session_(session) { ++session_.depth_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (session_.depth_ == 1) {
        session_.EndTurn();
      } else {
        --session_.depth_;
      }
    }

   private:
    Session& session_;
  };

  // A client's session; queues the connection preface and SETTINGS. All references must outlive it.
  Session(SessionEvents& events, buffer::Buffer& out, const H2Options& options, Nghttp2Memory& memory);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // Not from within an event.
  ~Session();

  // Consumes all of `input`; not from within an event. Whether the connection is good for more.
  bool Receive(buffer::Buffer& input);
  // Resets all streams; nothing is sent any more.
  void Close(StreamReset reset, std::string_view details);
  // Queued frames wait in here while the connection's write buffer is full.
  void BlockOutput(bool block);
  void SendPing(uint64_t opaque);
  // Tells the peer that this side is leaving.
  void SendGoAway();

  // Enters a new stream into the session's count, before it has a number.
  void Adopt(Stream& stream);
  // Begins a request on an adopted stream. The block's texts must live until the stream is retired.
  void SubmitRequest(Stream& stream, const HeaderBlock& block, bool end_stream);
  // Takes all of `data`.
  void SendData(Stream& stream, buffer::Buffer& data, bool end_stream);
  // As SubmitRequest.
  void SendTrailers(Stream& stream, const HeaderBlock& block);
  // Counted; a paused stream's window is not credited.
  void PauseReading(Stream& stream, bool pause);
  // RST_STREAM with an error code of RFC 9113 7, without an event, and retires the stream.
  void Reset(Stream& stream, uint32_t error_code);
  // As Reset; the role hears OnReset.
  void Fail(Stream& stream, StreamReset reset, std::string_view details, uint32_t error_code);
  // The stream is over in both directions, or its role gave it up.
  void Retire(Stream& stream);

  size_t active_streams() const { return active_streams_; }
  bool going_away() const { return going_away_; }
  // Beyond use.
  bool failed() const { return failed_; }
  // Whether nghttp2 would take another request: neither side is leaving, stream numbers are left.
  bool request_allowed() const { return !failed_ && nghttp2_session_check_request_allowed(session_) != 0; }
  uint32_t peer_max_concurrent_streams() const {
    return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  }

 private:
  struct Callbacks;

  Stream* Find(int32_t id) const { return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id)); }
  void SubmitSettings();
  void EndTurn();
  void WriteFrames();
  void CheckFailure();
  void FailAll(StreamReset reset, std::string_view details);
  void AppendGoAway(uint32_t error_code);
  void Touch(Stream& stream);
  void NotifySendBuffer(Stream& stream);
  void DeliverData(bool end_stream);
  bool HeaderFits(Stream& stream, size_t bytes);
  void RetireUnlessOver(Stream& stream, uint32_t error_code);

  // nghttp2's events.
  void OnBeginFrame(const nghttp2_frame_hd& header);
  void OnBeginHeaders(const nghttp2_frame& frame);
  void OnHeader(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  void OnDataChunk(int32_t id, std::string_view bytes);
  int OnFrame(const nghttp2_frame& frame);
  void OnInvalidFrame(const nghttp2_frame& frame, int error);
  void OnFrameSent(const nghttp2_frame& frame);
  void OnFrameNotSent(const nghttp2_frame& frame, int error);
  ssize_t ReadBody(int32_t id, size_t length, uint32_t* flags);
  int WriteBody(int32_t id, const uint8_t* frame_header, size_t length);

  SessionEvents& events_;
  buffer::Buffer& out_;
  const H2Options& options_;
  nghttp2_session* session_ = nullptr;
  FloodGuard flood_guard_;

  IntrusiveList<Stream, OpenStreams> open_;
  IntrusiveList<Stream, OpenStreams> retired_;
  IntrusiveList<Stream, TouchedStreams> touched_;  // Their outbound buffer may have crossed a mark.
  size_t active_streams_ = 0;
  size_t retired_untold_ = 0;

  // DATA of one stream that arrived in this turn and was not yet handed over.
  Stream* data_stream_ = nullptr;
  buffer::Buffer data_;

  int depth_ = 0;
  bool frames_queued_ = true;
  bool wrote_ = false;
  bool blocked_ = false;
  bool going_away_ = false;
  bool failed_ = false;
  // Set within nghttp2's callbacks, acted upon after them.
  uint32_t failure_code_ = NGHTTP2_NO_ERROR;
  std::string_view failure_details_;
};

}  // namespace nuncio::http::h2
