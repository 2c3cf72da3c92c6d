#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/delegate.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/socket_options.h"
#include "source/net/transport_socket.h"
#include "source/telemetry/block.h"

namespace nuncio::net {

enum class CloseReason : uint8_t {
  kLocal,          // This side closed.
  kRemoteReset,    // ECONNRESET and the like, in either direction.
  kConnectFailed,  // The connect was refused or found no way, or the transport's handshake failed, in either role.
  kLinger,         // The end of a lingering close.
};

// What a connection tells its owner. The owner may close the connection in any event, and destroy it only through
// EventLoop::DeferDelete.
class ConnectionEvents {
 public:
  // A connect succeeded. Over a transport socket: its handshake is done, for accepted connections too; no OnData
  // before.
  virtual void OnConnected() = 0;
  // Bytes arrived, or the peer's end (`end`, once, after all its bytes): its FIN, or its transport's word for it. What
  // is left in `data` stays, and comes again with the next bytes. Not called while reading is paused.
  virtual void OnData(buffer::Buffer& data, bool end) = 0;
  // The connection is gone: the descriptor is closed. Not called for Close() and destruction by the owner itself.
  virtual void OnClosed(CloseReason reason) = 0;
  // The write buffer holds more than the high mark after a write / at most half of it again.
  virtual void OnWriteBufferHigh() = 0;
  virtual void OnWriteBufferLow() = 0;

 protected:
  ~ConnectionEvents() = default;
};

struct ConnectionLimits {
  // High mark of the write buffer, bytes; the low one is half. 0: no marks.
  uint32_t buffer_limit = 1024 * 1024;
  // For the transport's handshake of an accepted connection; then it fails, and this is counted. Zero: none.
  Duration handshake_timeout{};
  telemetry::Counter* handshake_timeouts = nullptr;
};

// A stream socket on its loop with a write buffer and flow control, plain or over a transport socket. Output is flushed
// once, at the end of the turn, or sooner where it is much. An idle connection holds no buffer memory. Belongs to one
// loop's thread.
class Connection final : public event::FdHandler, public event::DeferredDeletable {
 public:
  // For an accepted, non-blocking descriptor. `transport` null: plaintext.
  Connection(event::EventLoop& loop, buffer::SlicePool& pool, ConnectionEvents& events, int fd, const Address& peer,
             const ConnectionLimits& limits, std::unique_ptr<TransportSocket> transport = nullptr);
  ~Connection() override;

  // What an outgoing socket is given before it connects.
  struct ConnectOptions {
    const Address* bind_address = nullptr;
    const TcpKeepalive* keepalive = nullptr;
    const std::vector<SocketOption>* socket_options = nullptr;
  };
  // Begins to connect; OnConnected or OnClosed follows from the loop, never from here. nullptr with errno in `error`
  // when no socket could be made.
  static std::unique_ptr<Connection> Connect(event::EventLoop& loop, buffer::SlicePool& pool, ConnectionEvents& events,
                                             const Address& to, const ConnectOptions& options,
                                             const ConnectionLimits& limits,
                                             std::unique_ptr<TransportSocket> transport, int* error);

  // Puts the descriptor on the loop. To be called once, for accepted connections after the owner is complete. False
  // when the kernel refuses, as when out of memory.
  bool Start();
  // In place of Start: of a descriptor that is on the loop under `from`.
  bool StartFrom(event::FdHandler& from);
  // Nothing is on its way that this side knows of, and nothing of the connection is worth keeping but its descriptor.
  bool quiet() const;
  // Gives the descriptor away, which stays on the loop: `to` is told of what comes in next. False when the kernel
  // refuses.
  bool HandOver(event::FdHandler& to);

  // Append here, then call FlushSoon. What is appended before OnConnected is sent after it.
  buffer::Buffer& write_buffer() { return write_buffer_; }
  const buffer::Buffer& write_buffer() const { return write_buffer_; }
  buffer::Buffer& read_buffer() { return read_buffer_; }
  void FlushSoon();

  // Counted.
  void PauseReading();
  void ResumeReading();
  bool reading_paused() const { return paused_ > 0; }
  // Delivers what is in the read buffer again, after the current event.
  void RedeliverSoon();

  // Of the next bytes from the peer so many, or all with kAllInput, are only passed on to the write buffer of a
  // plaintext connection: where much of it arrives at once it may stay in the kernel (see Buffer). Without effect over
  // a transport.
  static constexpr uint64_t kAllInput = UINT64_MAX;
  void LeaveInKernel(uint64_t bytes);

  // At once; pending output is lost. No event follows.
  void Close();
  // With RST instead of FIN.
  void Abort();
  // After the output is written: the transport's end and FIN, then bytes from the peer are dropped until its FIN or
  // `linger` has passed, so that a RST does not overtake the last answer (RFC 9112 9.6). OnClosed(kLinger) ends it.
  // Zero: close as soon as written.
  void CloseAfterFlush(Duration linger);
  // After the output is handed to the kernel: with RST, so that it does not look whole to the peer. OnClosed(kLinger).
  void ResetAfterFlush();
  // The transport's end and FIN after the output; reading goes on.
  void ShutdownWriteAfterFlush();

  bool closed() const { return fd_ < 0; }
  bool closing() const { return closing_; }
  // Until OnConnected.
  bool connecting() const { return connecting_ || handshaking_; }
  // Bytes that are still to be sent, as far as they are known.
  size_t unsent() const {
    return write_buffer_.length() + (transport_ == nullptr ? 0 : transport_->output_length());
  }
  bool above_high_mark() const { return above_high_; }
  // The kernel announced the peer's FIN, RST or an error; what was sent before may still be unread.
  bool peer_ending() const { return peer_end_; }
  const Address& peer() const { return peer_; }
  // Asks the kernel the first time.
  const Address& local();
  bool local_known() const { return local_.length() > 0; }
  // A listener bound to one address knows without asking.
  void set_local(const Address& local) { local_ = local; }
  // errno of a failed connect or of the error that ended the connection; 0 when there was none.
  int last_error() const { return last_error_; }
  bool has_transport() const { return transport_ != nullptr; }
  // Null for plaintext, and before OnConnected.
  const SecurityInfo* security() const { return transport_ == nullptr ? nullptr : transport_->security().get(); }
  // For those who need it longer than the connection lives.
  std::shared_ptr<const SecurityInfo> shared_security() const {
    return transport_ == nullptr ? nullptr : transport_->security();
  }
  // Why the transport's handshake or the transport itself failed; empty where it did not.
  std::string_view transport_failure() const {
    if (handshake_timed_out_) return "transport socket timeout was reached";
    return transport_ == nullptr ? std::string_view() : transport_->failure();
  }
  // The owner's bytes, without what a transport adds.
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t bytes_written() const { return bytes_written_; }
  // For a descriptor that had another connection before.
  void set_bytes(uint64_t read, uint64_t written) {
    bytes_read_ = read;
    bytes_written_ = written;
  }
  event::EventLoop& loop() { return loop_; }
  int fd() const { return fd_; }

  void OnFdEvents(uint32_t events) override;

 private:
  // Bytes read per turn before others get theirs.
  static constexpr size_t kReadBudget = 512 * 1024;
  static constexpr size_t kMaxReadIovecs = 8;

  // The last of the output is followed by FIN at once: the kernel may send both in one segment. Before a reset nothing
  // may say that this was all.
  bool fin_follows() const {
    return (closing_ || shutdown_wanted_) && !write_shut_ && !reset_wanted_;
  }

  void OnUrgent();
  void FinishConnect();
  void ContinueHandshake();
  void OnEstablished();
  void ReadReady();
  // Each false when nothing more is to be read now.
  bool ReadOnce();
  bool ReadPlain();
  bool ReadInKernel();
  void CountRead(size_t bytes);
  bool ReadTransport();
  bool DropOnce();
  // After a read that gave no bytes.
  bool OnNothingRead(ssize_t result, int error);
  void OnReadEnd();
  void AdaptReadSize(bool drained);
  void Deliver(bool end);
  void Flush();
  // False when the connection was closed, or takes nothing more.
  bool FlushPlain();
  // Of what is in memory. As send(2).
  ssize_t SendMemory();
  bool FlushTransport();
  void AfterWrite();
  void CheckMarks();
  void OnWriteFailed(int error);
  void Fail(CloseReason reason, int error);
  void ResetOnClose();
  void CloseFd();
  void OnReadTask() { ReadReady(); }
  void LimitTo(Duration time);
  void OnTimeout();

  // Constant after construction.
  event::EventLoop& loop_;
  ConnectionEvents& events_;
  const uint32_t high_mark_;

  // Owned by the loop.
  int fd_;
  bool registered_ = false;
  bool connecting_ = false;
  bool handshaking_;
  bool readable_ = false;
  bool peer_end_ = false;       // The kernel announced FIN, RST or an error: read to 0.
  bool urgent_ = false;         // The peer sends urgent data (RFC 9293 3.8.5), before which reads stop short.
  bool attached_ = false;       // The transport has the descriptor.
  bool end_delivered_ = false;
  bool writable_ = true;
  bool above_high_ = false;
  bool handshake_timed_out_ = false;
  bool closing_ = false;        // CloseAfterFlush was called.
  bool reset_wanted_ = false;   // ResetAfterFlush was called.
  bool shutdown_wanted_ = false;
  bool write_shut_ = false;
  bool redeliver_ = false;
  uint32_t paused_ = 0;
  uint32_t read_size_;
  bool write_first_ = false;    // What was read is to be written before reading goes on.
  size_t budget_ = 0;           // Of bytes read in this turn.
  uint64_t loan_ = 0;           // Of the pipe that was read into last.
  uint64_t in_kernel_ = 0;      // Of the next bytes so many may stay in the kernel.
  int last_error_ = 0;
  int write_error_ = 0;         // The peer takes nothing any more; what it sent before is still read.
  Duration linger_{};
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
  buffer::Buffer read_buffer_;
  buffer::Buffer write_buffer_;
  event::TurnTask flush_task_;
  event::TurnTask read_task_;
  std::unique_ptr<TransportSocket> transport_;
  // Only while lingering, and within a handshake that is limited.
  std::unique_ptr<event::Timer> limit_timer_;
  telemetry::Counter* const handshake_timeouts_;
  Address peer_;
  Address local_;
};

}  // namespace nuncio::net
