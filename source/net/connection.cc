#include "source/net/connection.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "source/base/logging.h"

namespace nuncio::net {
namespace {

constexpr size_t kMaxWriteIovecs = 64;
// Less output waits for the end of the turn: what many events wrote leaves together, and the kernel's code for reading
// and for writing takes turns in the processor's caches less often. So much is written while it is in them itself.
constexpr size_t kFlushAtOnce = 32 * 1024;
constexpr uint32_t kMinReadSize = buffer::SlicePool::kLarge;
// Bytes stay in the kernel where reads were full up to this size, or where so many are known to come, and as long as it
// is so much at a time.
constexpr uint32_t kInKernelReadSize = 4 * kMinReadSize;
constexpr uint64_t kMuchToCome = 8 * kMinReadSize;
constexpr size_t kMinInKernel = 2 * kMinReadSize;
// At a time; then it is written. Of larger pieces the first bytes are out of the processor's caches when they are.
constexpr uint64_t kMaxInKernel = 96 * 1024;

int UnreadBytes(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

}  // namespace

Connection::Connection(event::EventLoop& loop, buffer::SlicePool& pool, ConnectionEvents& events, int fd,
                       const Address& peer, const ConnectionLimits& limits,
                       std::unique_ptr<TransportSocket> transport)
    : loop_(loop),
      events_(events),
      high_mark_(limits.buffer_limit),
      fd_(fd),
      handshaking_(transport != nullptr),
      read_size_(kMinReadSize),
      read_buffer_(pool),
      write_buffer_(pool),
      flush_task_(Delegate<void()>::Bind<&Connection::Flush>(this)),
      read_task_(Delegate<void()>::Bind<&Connection::OnReadTask>(this)),
      transport_(std::move(transport)),
      handshake_timeouts_(limits.handshake_timeouts),
      peer_(peer) {
  if (handshaking_ && limits.handshake_timeout > Duration::zero()) LimitTo(limits.handshake_timeout);
}

Connection::~Connection() { Close(); }

std::unique_ptr<Connection> Connection::Connect(event::EventLoop& loop, buffer::SlicePool& pool,
                                                ConnectionEvents& events, const Address& to,
                                                const ConnectOptions& options, const ConnectionLimits& limits,
                                                std::unique_ptr<TransportSocket> transport, int* error) {
  const int fd = socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    *error = errno;
    return nullptr;
  }
  auto connection = std::make_unique<Connection>(loop, pool, events, fd, to, limits, std::move(transport));
  if (to.is_ip()) SetNoDelay(fd);
  absl::Status status;
  if (options.keepalive != nullptr && to.is_ip()) status = ApplyKeepalive(fd, *options.keepalive);
  if (status.ok() && options.socket_options != nullptr) {
    status = ApplySocketOptions(fd, *options.socket_options, SocketOption::State::kPrebind);
  }
  if (!status.ok()) {
    NUNCIO_LOG(kConnection, kWarning, "connecting to ", to.ToString(), ": ", status.message());
    *error = EINVAL;
    return nullptr;
  }
  if (options.bind_address != nullptr) {
    if (to.is_ip()) {
      // The port is chosen by connect, when both ends are known: many more connections fit.
      const int one = 1;
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    }
    if (bind(fd, options.bind_address->sockaddr_ptr(), options.bind_address->length()) != 0) {
      *error = errno;
      return nullptr;
    }
  }
  connection->connecting_ = true;
  connection->writable_ = false;
  if (connect(fd, to.sockaddr_ptr(), to.length()) != 0 && errno != EINPROGRESS) {
    // EAGAIN of a Unix-domain socket whose queue is full, ECONNREFUSED on loopback, ENETUNREACH: told from the loop as
    // every other outcome.
    connection->last_error_ = errno;
    loop.NextTurn(connection->read_task_);
    return connection;
  }
  if (!connection->Start()) {
    *error = errno;
    return nullptr;
  }
  return connection;
}

bool Connection::Start() {
  registered_ = loop_.Register(fd_, *this) == 0;
  return registered_;
}

bool Connection::StartFrom(event::FdHandler& from) {
  registered_ = loop_.Rebind(fd_, from, *this, /*output=*/true) == 0;
  return registered_;
}

bool Connection::quiet() const {
  return registered_ && transport_ == nullptr && limit_timer_ == nullptr && !connecting_ &&
         !readable_ && !peer_end_ && writable_ && paused_ == 0 && !closing_ && !shutdown_wanted_ && write_error_ == 0 &&
         read_buffer_.empty() && write_buffer_.empty() && !flush_task_.scheduled() && !read_task_.scheduled();
}

bool Connection::HandOver(event::FdHandler& to) {
  if (loop_.Rebind(fd_, *this, to, /*output=*/false) != 0) return false;
  registered_ = false;
  fd_ = -1;
  return true;
}

const Address& Connection::local() {
  if (local_.length() == 0 && fd_ >= 0) local_ = LocalAddress(fd_);
  return local_;
}

void Connection::OnFdEvents(uint32_t events) {
  const bool read_event = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    FinishConnect();
    if (fd_ < 0) return;
  }
  if ((events & EPOLLERR) != 0 && (paused_ > 0 || closing_ || end_delivered_) && UnreadBytes(fd_) == 0) {
    // Nobody reads, so nobody would meet the error. Where bytes are left it comes after them: an answer sent right
    // before a RST is an answer.
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      Fail(CloseReason::kRemoteReset, error);
      return;
    }
  }
  if ((events & EPOLLPRI) != 0) [[unlikely]] OnUrgent();
  if (read_event) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_end_ = true;
  if (handshaking_) {
    // A server speaks second; what it could not write waits for EPOLLOUT.
    if (read_event || ((events & EPOLLOUT) != 0 && !writable_)) ContinueHandshake();
    if (fd_ < 0 || handshaking_) return;
  }
  if ((events & EPOLLOUT) != 0 && !writable_) {
    writable_ = true;
    if (unsent() > 0 || closing_ || shutdown_wanted_) {
      Flush();
      if (fd_ < 0) return;
    }
  }
  if (readable_) ReadReady();
}

// The byte itself is dropped, as recv(2) does without MSG_OOB. splice(2) never passes it.
void Connection::OnUrgent() {
  urgent_ = true;
  in_kernel_ = 0;
}

void Connection::FinishConnect() {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error != 0) {
    Fail(CloseReason::kConnectFailed, error);
    return;
  }
  connecting_ = false;
  writable_ = true;
  if (transport_ != nullptr) {
    ContinueHandshake();
  } else {
    OnEstablished();
  }
}

void Connection::OnEstablished() {
  events_.OnConnected();
  if (fd_ < 0) return;
  if (unsent() > 0) FlushSoon();
  if (closing_ || shutdown_wanted_) loop_.AfterEvent(flush_task_);
}

void Connection::ContinueHandshake() {
  if (!attached_) {
    attached_ = true;
    transport_->Attach(fd_, loop_, read_buffer_.pool());
  }
  const TransportSocket::Result result = transport_->Handshake();
  writable_ = !result.output;
  if (result.state == TransportSocket::State::kBlocked) return;
  if (result.state != TransportSocket::State::kDone) {
    Fail(CloseReason::kConnectFailed, result.error);
    return;
  }
  handshaking_ = false;
  limit_timer_.reset();
  // Data may have been read together with the last message of the handshake.
  readable_ = true;
  OnEstablished();
}

void Connection::ReadReady() {
  if (fd_ < 0) return;
  if (connecting_) {
    // Only a connect that failed at once comes here.
    Fail(CloseReason::kConnectFailed, last_error_);
    return;
  }
  if (handshaking_) return;
  if (redeliver_ && paused_ == 0) {
    redeliver_ = false;
    if (!read_buffer_.empty()) {
      Deliver(false);
      if (fd_ < 0) return;
    }
  }
  if (!std::exchange(write_first_, false)) budget_ = kReadBudget;
  while (readable_ && paused_ == 0 && fd_ >= 0) {
    if (!ReadOnce()) break;
  }
  if (fd_ >= 0 && readable_ && paused_ == 0) {
    write_first_ = write_first_ && budget_ > 0;
    if (write_first_) {
      loop_.AfterEvent(read_task_);
    } else {
      loop_.NextTurn(read_task_);
    }
  }
  if (!read_buffer_.empty()) read_buffer_.Compact();
}

bool Connection::ReadOnce() {
  if (closing_ && write_shut_) return DropOnce();
  if (transport_ != nullptr) return ReadTransport();
  if (in_kernel_ > 0 && read_size_ >= kInKernelReadSize) [[unlikely]] return ReadInKernel();
  return ReadPlain();
}

bool Connection::ReadPlain() {
  iovec iov[kMaxReadIovecs];
  const size_t count = read_buffer_.ReserveForRead(read_size_, iov, kMaxReadIovecs);
  size_t capacity = 0;
  for (size_t i = 0; i < count; ++i) capacity += iov[i].iov_len;
  const ssize_t n = count == 1 ? recv(fd_, iov[0].iov_base, iov[0].iov_len, 0)
                               : readv(fd_, iov, static_cast<int>(count));
  const int error = errno;
  read_buffer_.CommitRead(n > 0 ? static_cast<size_t>(n) : 0);
  if (n > 0) {
    CountRead(static_cast<size_t>(n));
    AdaptReadSize(static_cast<size_t>(n) < capacity);
    Deliver(false);
    return fd_ >= 0 && readable_ && budget_ > 0;
  }
  return OnNothingRead(n, error);
}

bool Connection::OnNothingRead(ssize_t result, int error) {
  if (result == 0) {
    OnReadEnd();
  } else if (error == EINTR) {
    return true;
  } else if (error != EAGAIN) {
    Fail(CloseReason::kRemoteReset, error);
  } else {
    readable_ = false;
    if (write_error_ != 0) Fail(CloseReason::kRemoteReset, write_error_);
  }
  return false;
}

bool Connection::ReadInKernel() {
  uint64_t most = std::min(in_kernel_, kMaxInKernel);
  if (high_mark_ != 0) most = std::min<uint64_t>(most, high_mark_);
  ssize_t n = 0;
  if (!read_buffer_.ReadInKernel(fd_, most, &loan_, &n)) return ReadPlain();
  if (n <= 0) {
    // The end, or urgent data of which no event could tell yet, maybe with the end behind it.
    if (n == 0) return ReadPlain();
    if (errno != EINVAL) return OnNothingRead(n, errno);
    // Not with sockets of this kind.
    in_kernel_ = 0;
    return true;
  }
  CountRead(static_cast<size_t>(n));
  // A pipe may be full with less than it was to take, so that no amount tells that nothing is left.
  if (static_cast<size_t>(n) < kMinInKernel) read_size_ = kMinReadSize;
  Deliver(false);
  write_first_ = true;
  return false;
}

void Connection::CountRead(size_t bytes) {
  bytes_read_ += bytes;
  if (in_kernel_ > 0) [[unlikely]] in_kernel_ -= std::min<uint64_t>(in_kernel_, bytes);
  budget_ -= std::min(budget_, bytes);
}

void Connection::LeaveInKernel(uint64_t bytes) {
  if (transport_ != nullptr || urgent_) return;
  in_kernel_ = bytes;
  if (bytes != kAllInput && bytes >= kMuchToCome) read_size_ = std::max(read_size_, kInKernelReadSize);
}

bool Connection::ReadTransport() {
  if (end_delivered_) {
    // The transport's end came before the FIN; nothing that follows means anything.
    readable_ = false;
    return false;
  }
  const TransportSocket::Result result = transport_->Read(read_buffer_, read_size_);
  bytes_read_ += result.bytes;
  budget_ -= std::min(budget_, std::max(result.wire_bytes, result.bytes));
  switch (result.state) {
    case TransportSocket::State::kDone:
      break;
    case TransportSocket::State::kBlocked:
      readable_ = false;
      if (write_error_ != 0) Fail(CloseReason::kRemoteReset, write_error_);
      return false;
    case TransportSocket::State::kEnd:
      OnReadEnd();
      return false;
    case TransportSocket::State::kFailed:
      Fail(CloseReason::kRemoteReset, result.error);
      return false;
  }
  if (result.drained || result.wire_bytes > 0) AdaptReadSize(result.drained);
  if (result.output) {
    // The owner's output may have waited for what was read, so no event tells that it can go on.
    writable_ = true;
    loop_.AfterEvent(flush_task_);
  }
  if (result.bytes > 0) Deliver(false);
  return fd_ >= 0 && readable_ && budget_ > 0;
}

// Lingering: what comes is dropped.
bool Connection::DropOnce() {
  char scrap[16384];
  const ssize_t n = recv(fd_, scrap, sizeof(scrap), 0);
  if (n > 0) {
    const size_t read = std::min(budget_, static_cast<size_t>(n));
    budget_ -= read;
    return budget_ > 0;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    readable_ = errno == EINTR;
    return false;
  }
  Fail(CloseReason::kLinger, 0);
  return false;
}

void Connection::OnReadEnd() {
  readable_ = false;
  if (write_error_ != 0 && write_error_ != EPIPE) {
    // The write took the error that this read would have met.
    Fail(CloseReason::kRemoteReset, write_error_);
    return;
  }
  if (!end_delivered_) {
    end_delivered_ = true;
    Deliver(true);
  }
  if (write_error_ != 0 && fd_ >= 0) Fail(CloseReason::kRemoteReset, write_error_);
}

void Connection::AdaptReadSize(bool drained) {
  if (drained) {
    // A short read means drained, unless the end is near: then the end is to be read as well.
    if (!peer_end_ && !urgent_) readable_ = false;
    read_size_ = kMinReadSize;
  } else {
    read_size_ = std::min<uint32_t>(read_size_ * 2, kMinReadSize * (kMaxReadIovecs - 1));
  }
}

void Connection::Deliver(bool end) { events_.OnData(read_buffer_, end); }

void Connection::FlushSoon() {
  if (fd_ < 0 || connecting()) return;
  if (write_error_ != 0) {
    write_buffer_.Clear();
    return;
  }
  if (write_buffer_.length() < kFlushAtOnce) {
    loop_.AtEndOfTurn(flush_task_);
  } else {
    flush_task_.Cancel();
    loop_.AfterEvent(flush_task_);
  }
}

void Connection::Flush() {
  if (connecting()) {
    // Where nothing was said nothing can be lost.
    if (closing_ && write_buffer_.empty()) Fail(CloseReason::kLinger, 0);
    return;
  }
  if (transport_ == nullptr ? FlushPlain() : FlushTransport()) AfterWrite();
}

bool Connection::FlushPlain() {
  while (writable_ && !write_buffer_.empty()) {
    const ssize_t n = write_buffer_.begins_in_kernel() ? write_buffer_.WriteInKernel(fd_) : SendMemory();
    if (n >= 0) {
      bytes_written_ += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      writable_ = false;
    } else if (errno != EINTR) {
      OnWriteFailed(errno);
      return false;
    }
  }
  return true;
}

ssize_t Connection::SendMemory() {
  iovec iov[kMaxWriteIovecs];
  msghdr message{};
  message.msg_iov = iov;
  message.msg_iovlen = write_buffer_.Describe(iov, kMaxWriteIovecs);
  size_t offered = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) offered += iov[i].iov_len;
  const int flags = MSG_NOSIGNAL | (fin_follows() && offered == write_buffer_.length() ? MSG_MORE : 0);
  const ssize_t n = message.msg_iovlen == 1 ? send(fd_, iov[0].iov_base, iov[0].iov_len, flags)
                                            : sendmsg(fd_, &message, flags);
  if (n < 0) return n;
  write_buffer_.Drain(static_cast<size_t>(n));
  if (static_cast<size_t>(n) < offered) writable_ = false;
  return n;
}

bool Connection::FlushTransport() {
  if (!writable_ || write_error_ != 0) return true;
  const TransportSocket::Result result = transport_->Write(write_buffer_, /*end=*/fin_follows());
  bytes_written_ += result.bytes;
  if (result.state == TransportSocket::State::kFailed) {
    OnWriteFailed(result.error != 0 ? result.error : EPROTO);
    return false;
  }
  writable_ = result.state == TransportSocket::State::kDone;
  return true;
}

void Connection::OnWriteFailed(int error) {
  if (closing_ || shutdown_wanted_ || end_delivered_ || (paused_ > 0 && UnreadBytes(fd_) == 0)) {
    Fail(CloseReason::kRemoteReset, error);
    return;
  }
  // The peer may have answered before it closed, as servers do that refuse an upload half-way (RFC 9112 9.5): read on
  // to the end, or the error, that follows.
  write_error_ = error;
  write_buffer_.Clear();
  readable_ = true;
  peer_end_ = true;
  if (paused_ == 0) loop_.AfterEvent(read_task_);
  CheckMarks();
}

void Connection::AfterWrite() {
  if (unsent() == 0 && (closing_ || shutdown_wanted_) && !write_shut_) {
    if (closing_ && (linger_ == Duration::zero() || end_delivered_)) {
      if (reset_wanted_) {
        ResetOnClose();
      } else {
        // A close with bytes of the peer unread is a RST, which would drop what waits for the FIN.
        shutdown(fd_, SHUT_WR);
      }
      Fail(CloseReason::kLinger, 0);
      return;
    }
    write_shut_ = true;
    shutdown(fd_, SHUT_WR);
    if (closing_) {
      read_buffer_.Clear();
      paused_ = 0;
      LimitTo(linger_);
      // The kernel may have announced bytes while reading was paused.
      readable_ = true;
      loop_.NextTurn(read_task_);
      return;
    }
  }
  CheckMarks();
}

void Connection::CheckMarks() {
  if (high_mark_ == 0) return;
  if (!above_high_ && write_buffer_.length() > high_mark_) {
    above_high_ = true;
    events_.OnWriteBufferHigh();
  } else if (above_high_ && write_buffer_.length() <= high_mark_ / 2) {
    above_high_ = false;
    events_.OnWriteBufferLow();
  }
}

void Connection::PauseReading() { ++paused_; }

void Connection::ResumeReading() {
  NUNCIO_ASSERT(paused_ > 0 || closing_);
  if (paused_ == 0 || --paused_ > 0 || fd_ < 0) return;
  if (readable_ || redeliver_) loop_.NextTurn(read_task_);
}

void Connection::RedeliverSoon() {
  if (fd_ < 0) return;
  redeliver_ = true;
  if (paused_ == 0) loop_.NextTurn(read_task_);
}

void Connection::Close() {
  // Output that is lost must not look like an end.
  if (fd_ >= 0 && transport_ != nullptr && !connecting() && write_error_ == 0 && !write_shut_ && unsent() == 0) {
    transport_->BeforeClose();
  }
  CloseFd();
}

void Connection::Abort() {
  if (fd_ < 0) return;
  ResetOnClose();
  CloseFd();
}

void Connection::ResetOnClose() {
  const linger reset{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void Connection::ResetAfterFlush() {
  reset_wanted_ = true;
  CloseAfterFlush(Duration::zero());
}

void Connection::CloseAfterFlush(Duration linger) {
  if (fd_ < 0 || closing_) return;
  closing_ = true;
  linger_ = linger;
  if (connecting()) {
    loop_.AfterEvent(flush_task_);
    return;
  }
  FlushSoon();
  if (!flush_task_.scheduled()) loop_.AfterEvent(flush_task_);
}

void Connection::ShutdownWriteAfterFlush() {
  if (fd_ < 0 || write_shut_) return;
  shutdown_wanted_ = true;
  loop_.AfterEvent(flush_task_);
}

void Connection::LimitTo(Duration time) {
  limit_timer_ = std::make_unique<event::Timer>(loop_, Delegate<void()>::Bind<&Connection::OnTimeout>(this));
  limit_timer_->Arm(time);
}

void Connection::OnTimeout() {
  if (!handshaking_) return Fail(CloseReason::kLinger, 0);
  handshake_timed_out_ = true;
  if (handshake_timeouts_ != nullptr) handshake_timeouts_->Inc();
  Fail(CloseReason::kConnectFailed, ETIMEDOUT);
}

void Connection::Fail(CloseReason reason, int error) {
  if (fd_ < 0) return;
  last_error_ = error;
  CloseFd();
  events_.OnClosed(reason);
}

void Connection::CloseFd() {
  if (fd_ < 0) return;
  // close(2) ends the epoll registration; only events of this turn must not find the handler.
  if (registered_) loop_.Forget(*this);
  close(fd_);
  fd_ = -1;
  flush_task_.Cancel();
  read_task_.Cancel();
  limit_timer_.reset();
  write_buffer_.Clear();
}

}  // namespace nuncio::net
