#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/http/codec.h"
#include "source/upstream/pool/codec_session.h"
#include "source/upstream/pool/upstream_connection.h"
#include "source/upstream/stream_pool.h"

namespace nuncio::upstream {

class HostPool;

// A connection that carries HTTP requests in the protocol of its pool, or the one that its host chose, and the times
// after which it ends. It tells its pool what it is good for; the pool decides who gets it. Owned by its pool's lists,
// and once closed by the loop, which destroys it at the end of the turn.
class HttpConnection final : public UpstreamConnection,
                             public ListNode<HttpConnection>,
                             private http::ClientConnectionEvents {
 public:
  // Ready and busy alternate. Any may be followed by closed; nothing follows that.
  enum class State : uint8_t {
    kConnecting,
    kReady,     // Takes a stream now.
    kBusy,      // Has as many streams as it can carry.
    kDraining,  // Takes no more streams, and closes with the last of those it has.
    kClosing,   // Without streams; a last frame is on its way out.
    kClosed,
  };

  HttpConnection(HostPool& pool, std::shared_ptr<PoolShared> shared);
  ~HttpConnection() override;

  // The pool hears OnConnected or OnConnectFailed; the latter maybe from within this call.
  void Connect();
  using UpstreamConnection::connected;

  // Gives a stream to the requester. Legal while CanOpenStream().
  void OpenStream(http::ResponseReceiver& receiver, StreamRequester& requester);
  bool CanOpenStream() const { return state_ == State::kReady; }

  // No more streams; closes when there is none left.
  void Drain();
  // At once. Streams are reset with kConnectionClosed.
  void Close(Side side) { CloseWith(side, streams_ > 0); }

  State state() const { return state_; }
  bool idle() const { return streams_ == 0; }
  // It is being offered for the first time, by OnConnected: no request used it, nor was it left alone so far.
  bool fresh() const { return fresh_; }
  // How many streams it carries at once. Legal while connected().
  uint32_t max_streams() const { return session_->max_streams(); }
  // Legal while connected().
  bool learning() const { return session_->learning(); }

 private:
  friend class HostPool;
  void OnOutput() override { net()->FlushSoon(); }
  void OnEndOfOutput() override { net()->ShutdownWriteAfterFlush(); }
  void OnBodyMayStayInKernel(uint64_t bytes) override { net()->LeaveInKernel(bytes); }
  void OnPauseReading(bool pause) override;
  void OnMaxStreams(uint32_t streams) override;
  void OnGoAway() override;
  void OnStreamClosed() override;

  std::string_view Objection() override;
  void OnReady() override;
  void OnConnectFailed(PoolFailure failure, std::string_view details) override;
  void OnData(buffer::Buffer& data, bool end) override;
  void OnLost(net::CloseReason reason) override;
  void OnWriteBufferHigh() override;
  void OnWriteBufferLow() override;
  // Of a connection that is idle, or closing.
  void OnTimer() override;

  void OnFaultyInput(bool had_streams);
  // Decides anew what the connection is good for, after streams ended or the codec said something.
  void Settle();
  void SettleSoon();
  void CloseUnused();
  void CloseAfterFlush();
  // After the socket is gone: counts, leaves the pool's lists, resets what streams there are.
  // `cut_off`: streams were open when it happened.
  void Finish(Side side, bool cut_off);
  void CloseWith(Side side, bool cut_off);
  void ArmIdleTimer();
  void OnDead() { Close(Side::kLocal); }
  void OnMaxDuration();

  http::Protocol ChosenProtocol();
  void CountProtocol(http::Protocol protocol);
  std::unique_ptr<CodecSession> MakeSession(http::Protocol protocol);
  http::ClientCodec& codec() { return session_->codec(); }

  // Constant after construction.
  HostPool& pool_;

  // The pool's.
  bool counted_as_learning_ = false;

  // Owned by the loop.
  State state_ = State::kConnecting;
  bool fresh_ = false;
  bool dispatching_ = false;
  bool settle_wanted_ = false;
  bool reading_paused_ = false;
  size_t streams_ = 0;
  uint32_t requests_ = 0;
  StreamConnection info_;
  std::unique_ptr<CodecSession> session_;  // Made when connected. Writes to the socket's buffer.
  event::TurnTask settle_task_;
  std::optional<event::Timer> max_duration_timer_;
};

}  // namespace nuncio::upstream
