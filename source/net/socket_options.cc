#include "source/net/socket_options.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::net {
namespace {

absl::Status SetInt(int fd, int level, int name, int value, const char* what) {
  if (setsockopt(fd, level, name, &value, sizeof(value)) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("setsockopt ", what, "=", value));
}

}  // namespace

absl::Status ApplyKeepalive(int fd, const TcpKeepalive& keepalive) {
  NUNCIO_RETURN_IF_ERROR(SetInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"));
  if (keepalive.probes.has_value()) {
    NUNCIO_RETURN_IF_ERROR(SetInt(fd, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(*keepalive.probes), "TCP_KEEPCNT"));
  }
  if (keepalive.time.has_value()) {
    NUNCIO_RETURN_IF_ERROR(
        SetInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keepalive.time->count()), "TCP_KEEPIDLE"));
  }
  if (keepalive.interval.has_value()) {
    NUNCIO_RETURN_IF_ERROR(
        SetInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keepalive.interval->count()), "TCP_KEEPINTVL"));
  }
  return absl::OkStatus();
}

absl::Status ApplySocketOptions(int fd, const std::vector<SocketOption>& options, SocketOption::State state) {
  for (const SocketOption& option : options) {
    if (option.state != state) continue;
    const int value = option.int_value.value_or(0);
    const void* data = option.int_value.has_value() ? static_cast<const void*>(&value) : option.bytes.data();
    const socklen_t size =
        option.int_value.has_value() ? sizeof(value) : static_cast<socklen_t>(option.bytes.size());
    if (setsockopt(fd, option.level, option.name, data, size) != 0) {
      return ErrnoStatus(errno, StrCat("socket option level ", option.level, " name ", option.name,
                                       option.description.empty() ? "" : " (", option.description,
                                       option.description.empty() ? "" : ")"));
    }
  }
  return absl::OkStatus();
}

bool SetNoDelay(int fd) {
  const int one = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0;
}

Address LocalAddress(int fd) {
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return Address();
  return Address::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

}  // namespace nuncio::net
