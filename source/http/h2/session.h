#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h2/flood_guard.h"
#include "source/http/h2/frame_gate.h"
#include "source/http/h2/h2_options.h"
#include "source/http/h2/header_block.h"
#include "source/http/h2/nghttp2_memory.h"
#include "source/http/h2/output_gauge.h"
#include "source/http/h2/reset_history.h"
#include "source/http/h2/stream.h"
#include "source/telemetry/http2_stats.h"

namespace nuncio::http::h2 {

// What a Session tells the codec of its role. All but Recycle may call back into the session.
class SessionEvents {
 public:
  virtual void OnOutput() = 0;
  // A server's: the peer opens a stream. Null: it is refused (REFUSED_STREAM).
  virtual Stream* OnStreamBegin() = 0;
  // The peer's GOAWAY; once.
  virtual void OnGoAway() = 0;
  // The peer's SETTINGS are in force.
  virtual void OnPeerSettings() = 0;
  virtual void OnPong(uint64_t opaque) = 0;
  // The connection has failed through the peer's fault; its streams are reset next.
  virtual void OnFailure(StreamReset reset, std::string_view details) = 0;
  // The first stream that LeaveUnattended left, of those that are there.
  virtual void OnStreamUnattended() = 0;
  // A retired stream is no longer counted.
  virtual void OnStreamRetired() = 0;
  // The session is done with the object.
  virtual void Recycle(Stream& stream) = 0;

 protected:
  ~SessionEvents() = default;
};

enum class Role : uint8_t { kClient, kServer };

// One HTTP/2 connection over nghttp2, for either role: framing, header compression, both directions' flow control, the
// streams' states. What makes a message well-formed is checked here and in the roles' streams, not by nghttp2. nghttp2
// must not be entered for input or output from its own callbacks, so everything happens in turns: calls and input in a
// turn queue frames, and its end writes them to `out` and tells of it once.
class Session : private FrameGateEvents {
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

  // Queues the connection preface and SETTINGS. All references must outlive it; nobody else appends to `out`.
  Session(Role role, SessionEvents& events, buffer::Buffer& out, const H2Options& options, Nghttp2Memory& memory,
          telemetry::Http2Stats& stats);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // Not from within an event.
  ~Session();

  // Consumes all of `input`; not from within an event. Whether the connection is good for more.
  bool Receive(buffer::Buffer& input);
  // Resets all streams; nothing is sent any more.
  void Close(StreamReset reset, std::string_view details);
  // Bodies wait in here while the connection's write buffer is full. Other frames do not: they are few, and counted.
  void BlockOutput(bool block);
  void SendPing(uint64_t opaque);
  // GOAWAY that refuses nothing yet (RFC 9113 6.8).
  void SendShutdownNotice();
  // Tells the peer that this side is leaving. A server takes no stream after those begun.
  void SendGoAway();
  // Resets the streams whose last bytes wait for the peer's window and of which none has left since the last call. On a
  // client's connection only unattended ones: the others have somebody who minds the time.
  void ExpireFlushes();
  // The stream's role waits for nothing any more; only its last bytes are still to leave. A client's.
  void LeaveUnattended(Stream& stream);
  bool has_unattended_streams() const { return unattended_ > 0; }

  // Of streams that discard their input: those that have sent all are reset without error; the others are overdue.
  void EndAnswered();

  // Enters a new stream into the session's count, before it has a number. A client's.
  void Adopt(Stream& stream);
  // Begins a request on an adopted stream. The block's texts must live until the stream is retired.
  void SubmitRequest(Stream& stream, const HeaderBlock& block, bool end_stream);
  // Sends a final answer's head, or an informational one. The block's texts must live to the end of the turn.
  void SubmitResponse(Stream& stream, const HeaderBlock& block, bool end_stream);
  void SubmitInformational(Stream& stream, const HeaderBlock& block);
  // Takes all of `data`.
  void SendData(Stream& stream, buffer::Buffer& data, bool end_stream);
  // The block's texts must live until the stream is retired, or to the end of the turn where nothing waits before it.
  void SendTrailers(Stream& stream, const HeaderBlock& block);
  // Counted; a paused stream's window is not credited.
  void PauseReading(Stream& stream, bool pause);
  // RST_STREAM with an error code of RFC 9113 7, without an event, and retires the stream.
  void Reset(Stream& stream, uint32_t error_code);
  // As Reset; the role hears OnReset.
  void Fail(Stream& stream, StreamReset reset, std::string_view details, uint32_t error_code);
  // RFC 9113 8.1.1: the peer's message is malformed.
  void FailMalformed(Stream& stream, std::string_view details);
  // It is well-formed and over a limit.
  void FailOverLimit(Stream& stream, std::string_view details);
  // The stream is over in both directions, or its role gave it up.
  void Retire(Stream& stream);

  void CountTrailers() { stats_.trailers.Inc(); }
  buffer::SlicePool& slices() const { return out_.pool(); }
  size_t active_streams() const { return active_streams_; }
  bool going_away() const { return going_away_; }
  bool leaving() const { return leaving_; }
  // Beyond use.
  bool failed() const { return failed_; }
  // Whether nghttp2 would take another request: neither side is leaving, stream numbers are left.
  bool request_allowed() const { return !failed_ && nghttp2_session_check_request_allowed(session_) != 0; }
  uint32_t peer_setting(nghttp2_settings_id id) const { return nghttp2_session_get_remote_settings(session_, id); }
  bool peer_settings_seen() const { return peer_settings_seen_; }

 private:
  struct Callbacks;

  Stream* Find(int32_t id) const { return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id)); }
  void SubmitSettings();
  void EndTurn();
  void WriteFrames();
  void AppendFrame(std::string_view bytes);
  void CheckFailure();
  void FailConnection(uint32_t error_code, std::string_view details);
  void FailAll(StreamReset reset, std::string_view details);
  void AppendGoAway(uint32_t error_code);
  void AppendConnectionCredit(uint32_t bytes);
  void ResumeBody(Stream& stream);
  void QueueReset(int32_t id, uint32_t error_code);
  void CountPrematureReset(const Stream& stream);
  bool Congested() const { return blocked_ || pending_ > options_.send_buffer_high; }
  void Touch(Stream& stream);
  void NotifySendBuffer(Stream& stream);

  // FrameGateEvents.
  bool OnPassed(std::string_view bytes) override;
  FrameVerdict OnFrameHead(const FrameHead& head, std::string_view payload, bool* flush) override;
  FrameVerdict JudgeHeaders(const FrameHead& head, bool* flush);
  FrameVerdict JudgeData(const FrameHead& head, bool* flush);
  FrameVerdict JudgePriority(const FrameHead& head, std::string_view payload, bool* flush);
  FrameVerdict JudgeWindowUpdate(const FrameHead& head, std::string_view payload, bool* flush);
  FrameVerdict JudgeSettings(std::string_view payload, bool* flush);
  FrameVerdict StreamFault(const FrameHead& head, uint32_t error_code);
  FrameVerdict ConnectionFault(uint32_t error_code, std::string_view details);
  // Whether frames of a peer on a stream that is gone may still be under way.
  bool MayBeLate(int32_t id) const;

  // nghttp2's events.
  void OnBeginFrame(const nghttp2_frame_hd& header);
  void OnBeginHeaders(const nghttp2_frame& frame);
  int OnHeader(std::string_view name, std::string_view value);
  std::string_view TakeField(Stream& stream, std::string_view name, std::string_view value);
  std::string_view Overflow(Stream& stream, std::string_view details);
  void OnDataChunk(int32_t id, std::string_view bytes);
  void OnFrame(const nghttp2_frame& frame);
  void OnHeadersFrame(Stream& stream, bool end_stream);
  void OnInvalidFrame(int error);
  void OnFrameSent(const nghttp2_frame& frame);
  void OnFrameNotSent(const nghttp2_frame& frame, int error);
  ssize_t ReadBody(int32_t id, size_t length, uint32_t* flags);
  int WriteBody(int32_t id, const uint8_t* frame_header, size_t length);
  void DeliverData(bool end_stream);
  void CreditConnection(size_t bytes);
  void RetireUnlessOver(Stream& stream, uint32_t error_code);

  const Role role_;
  SessionEvents& events_;
  buffer::Buffer& out_;
  const H2Options& options_;
  telemetry::Http2Stats& stats_;
  nghttp2_session* session_ = nullptr;
  FrameGate gate_;
  FloodGuard flood_guard_;
  OutputGauge output_gauge_;

  IntrusiveList<Stream, OpenStreams> open_;
  IntrusiveList<Stream, OpenStreams> retired_;
  IntrusiveList<Stream, TouchedStreams> touched_;  // Their outbound buffer may have crossed a mark.
  size_t active_streams_ = 0;
  size_t retired_untold_ = 0;
  size_t unattended_ = 0;
  size_t pending_ = 0;  // Body bytes that wait, of all streams.
  size_t pending_told_ = 0;
  bool was_congested_ = false;

  // The peer's streams.
  int32_t last_peer_stream_ = 0;
  int32_t skipped_from_ = 0, skipped_to_ = -1;  // Numbers that the peer passed over last.
  ResetHistory reset_history_;

  Stream* header_stream_ = nullptr;  // Of the header block now arriving.
  size_t header_bytes_ = 0;          // Of its names and values so far.
  size_t header_fields_ = 0;
  size_t header_cookies_ = 0;
  // DATA of one stream that arrived in this turn and was not yet handed over.
  Stream* data_stream_ = nullptr;
  buffer::Buffer data_;
  size_t withheld_ = 0;         // Of all paused streams.
  size_t connection_debt_ = 0;  // Bytes not credited to the connection, because too much is withheld.

  int depth_ = 0;
  bool settings_written_ = false;
  bool frames_queued_ = true;
  bool wrote_ = false;
  bool blocked_ = false;
  bool going_away_ = false;  // The peer's GOAWAY came.
  bool leaving_ = false;     // Ours was queued.
  bool peer_settings_seen_ = false;
  bool failed_ = false;
  // Set within nghttp2's callbacks, acted upon after them.
  uint32_t failure_code_ = NGHTTP2_NO_ERROR;
  std::string_view failure_details_;
};

}  // namespace nuncio::http::h2
