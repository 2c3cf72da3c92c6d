#include "source/net/acceptor.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::net {
namespace {

absl::Status Set(int fd, int level, int name, int value, std::string_view what) {
  if (setsockopt(fd, level, name, &value, sizeof(value)) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, what);
}

absl::Status Prepare(int fd, const Address& address, const ListenSocket::Options& options) {
  if (address.is_ip()) {
    NUNCIO_RETURN_IF_ERROR(Set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
    if (options.reuse_port) NUNCIO_RETURN_IF_ERROR(Set(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
    // Accepted sockets inherit it: one call less per connection.
    NUNCIO_RETURN_IF_ERROR(Set(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"));
    if (options.freebind) NUNCIO_RETURN_IF_ERROR(Set(fd, IPPROTO_IP, IP_FREEBIND, 1, "freebind"));
    if (options.transparent) NUNCIO_RETURN_IF_ERROR(Set(fd, IPPROTO_IP, IP_TRANSPARENT, 1, "transparent"));
  }
  if (address.family() == AF_INET6) {
    NUNCIO_RETURN_IF_ERROR(Set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1, "IPV6_V6ONLY"));
  }
  if (options.keepalive != nullptr && address.is_ip()) NUNCIO_RETURN_IF_ERROR(ApplyKeepalive(fd, *options.keepalive));
  if (options.socket_options != nullptr) {
    NUNCIO_RETURN_IF_ERROR(ApplySocketOptions(fd, *options.socket_options, SocketOption::State::kPrebind));
  }
  if (address.family() == AF_UNIX) {
    const std::string path = address.IpText();
    // A path left by an earlier run is in the way of bind; only a socket is ever removed.
    struct stat info;
    if (path[0] != '@' && stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path.c_str());
  }
  if (bind(fd, address.sockaddr_ptr(), address.length()) != 0) return ErrnoStatus(errno, "bind");
  if (address.family() == AF_UNIX && options.unix_mode != 0 && address.IpText()[0] != '@') {
    if (chmod(address.IpText().c_str(), options.unix_mode) != 0) return ErrnoStatus(errno, "chmod");
  }
  if (options.socket_options != nullptr) {
    NUNCIO_RETURN_IF_ERROR(ApplySocketOptions(fd, *options.socket_options, SocketOption::State::kBound));
  }
  if (options.fast_open_queue > 0 && address.is_ip()) {
    NUNCIO_RETURN_IF_ERROR(
        Set(fd, IPPROTO_TCP, TCP_FASTOPEN, static_cast<int>(options.fast_open_queue), "TCP_FASTOPEN"));
  }
  return absl::OkStatus();
}

absl::Status CannotListen(const Address& address, const absl::Status& status) {
  return absl::Status(status.code(), ToAbsl(StrCat("cannot listen on ", address.ToString(), ": ", status.message())));
}

}  // namespace

ListenSocket::ListenSocket(int fd, const Address& local, const Options& options)
    : fd_(fd), local_(local), backlog_(options.backlog) {
  if (options.socket_options != nullptr) listening_options_ = *options.socket_options;
}

absl::Status ListenSocket::Listen() {
  if (listening_) return absl::OkStatus();
  if (listen(fd_, backlog_) != 0) return CannotListen(local_, ErrnoStatus(errno, "listen"));
  listening_ = true;
  if (absl::Status status = ApplySocketOptions(fd_, listening_options_, SocketOption::State::kListening);
      !status.ok()) {
    return CannotListen(local_, status);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ListenSocket>> ListenSocket::Create(const Address& address, const Options& options) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus(errno, StrCat("socket for ", address.ToString()));
  std::unique_ptr<ListenSocket> socket(new ListenSocket(fd, address, options));
  if (absl::Status status = Prepare(fd, address, options); !status.ok()) return CannotListen(address, status);
  if (address.is_ip()) socket->local_ = LocalAddress(fd);
  if (options.listen) NUNCIO_RETURN_IF_ERROR(socket->Listen());
  return socket;
}

ListenSocket::~ListenSocket() { close(fd_); }

Acceptor::Acceptor(event::EventLoop& loop, std::shared_ptr<ListenSocket> socket, AcceptEvents& events,
                   uint32_t max_per_event)
    : loop_(loop),
      socket_(std::move(socket)),
      events_(events),
      max_per_event_(max_per_event),
      pause_(loop, Delegate<void()>::Bind<&Acceptor::OnPauseOver>(this)) {}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Start() {
  if (started_) return;
  started_ = loop_.RegisterReadOnly(socket_->fd(), *this, /*level=*/true) == 0;
  // Registration itself needs kernel memory: try again as after a failed accept.
  if (!started_) pause_.Arm(kPause);
}

void Acceptor::Stop() {
  pause_.Disarm();
  if (!started_) return;
  started_ = false;
  loop_.Unregister(socket_->fd(), *this);
}

void Acceptor::OnFdEvents(uint32_t) { AcceptSome(max_per_event_); }

void Acceptor::AcceptSome(uint32_t max) {
  for (uint32_t n = 0; max == 0 || n < max; ++n) {
    sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    const int fd = accept4(socket_->fd(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      events_.OnAccept(fd, Address::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length), *socket_);
      continue;
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
        continue;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM: {
        const int error = errno;
        const bool was_started = started_;
        Stop();
        if (was_started) pause_.Arm(kPause);
        events_.OnAcceptPaused(error);
        return;
      }
      default:
        return;
    }
  }
}

}  // namespace nuncio::net
