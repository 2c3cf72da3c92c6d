#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "source/event/event_loop.h"
#include "source/net/address.h"
#include "source/net/socket_options.h"

namespace nuncio::net {

// A bound descriptor, listening at once or from Listen on; closes it when destroyed.
class ListenSocket {
 public:
  struct Options {
    // One socket per worker on the same address; the kernel spreads connections.
    bool reuse_port = true;
    bool ipv4_compat = false;  // For "::": IPv4 clients too.
    bool transparent = false;
    bool freebind = false;
    int backlog = 4096;  // The kernel caps it at net.core.somaxconn.
    uint32_t unix_mode = 0;  // For a Unix-domain path; 0 leaves the umask's.
    uint32_t fast_open_queue = 0;
    const TcpKeepalive* keepalive = nullptr;
    const std::vector<SocketOption>* socket_options = nullptr;
    // False: not before Listen. The kernel gives connections to every socket of an address that listens.
    bool listen = true;
  };
  static absl::StatusOr<std::unique_ptr<ListenSocket>> Create(const Address& address, const Options& options);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  // Without effect where it listens already.
  absl::Status Listen();

  int fd() const { return fd_; }
  // With the port that the kernel chose where 0 was asked for.
  const Address& local() const { return local_; }

 private:
  ListenSocket(int fd, const Address& local, const Options& options);
  int fd_;
  Address local_;
  const int backlog_;
  std::vector<SocketOption> listening_options_;
  bool listening_ = false;
};

class AcceptEvents {
 public:
  // Takes over `fd`, non-blocking and close-on-exec, which came in on `socket`.
  virtual void OnAccept(int fd, const Address& peer, const ListenSocket& socket) = 0;
  // accept(2) failed for want of descriptors or memory; accepting pauses for kPause.
  virtual void OnAcceptPaused(int error) = 0;

 protected:
  ~AcceptEvents() = default;
};

// Accepts from one listening socket on one loop.
class Acceptor final : public event::FdHandler {
 public:
  // Out of descriptors, the queue stays with the kernel this long: nothing spins, nobody is turned away.
  static constexpr Duration kPause = std::chrono::milliseconds(100);

  // `max_per_event` 0: until the queue is empty.
  Acceptor(event::EventLoop& loop, std::shared_ptr<ListenSocket> socket, AcceptEvents& events, uint32_t max_per_event);
  ~Acceptor();

  void Start();
  // No more events, the socket stays open. A later Start goes on.
  void Stop();
  // Accepts what the queue holds now.
  void DrainQueue() { AcceptSome(0); }
  const ListenSocket& socket() const { return *socket_; }

  void OnFdEvents(uint32_t events) override;

 private:
  void AcceptSome(uint32_t max);
  void OnPauseOver() { Start(); }

  event::EventLoop& loop_;
  std::shared_ptr<ListenSocket> socket_;
  AcceptEvents& events_;
  const uint32_t max_per_event_;
  bool started_ = false;
  event::Timer pause_;
};

}  // namespace nuncio::net
