#pragma once

#include <ares.h>

#include <map>
#include <memory>
#include <string>

#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"

namespace nuncio::net {

// DNS through c-ares: /etc/hosts, then the servers. Where these are resolv.conf's, that file is read again once a
// server could not be reached, so that the process survives a change of them.
class CaresResolver final : public DnsResolver {
 public:
  CaresResolver(event::EventLoop& loop, DnsOptions options);
  CaresResolver(const CaresResolver&) = delete;
  CaresResolver& operator=(const CaresResolver&) = delete;
  ~CaresResolver() override;

  std::unique_ptr<DnsQuery> Resolve(const std::string& name, DnsLookupFamily family, DnsReceiver& receiver) override;

 private:
  class Query;
  struct Lookup;
  class Socket;

  // An error where c-ares cannot be set up, as out of memory.
  absl::Status Open();
  void Close();
  absl::Status SetServers();
  // Begins a lookup of addresses of `family` (AF_INET, AF_INET6 or AF_UNSPEC) for `query`, which is told its outcome,
  // maybe from within this call.
  void Begin(Query& query, int family);
  static void OnLookupDone(void* lookup, int status, int timeouts, ares_addrinfo* result);
  static void OnSocketState(void* resolver, ares_socket_t fd, int readable, int writable);
  void OnSocketEvents(ares_socket_t fd, uint32_t events);
  void OnTimer();
  void ArmTimer();

  // Constant after construction.
  event::EventLoop& loop_;
  const DnsOptions options_;

  ares_channel channel_ = nullptr;
  absl::Status open_status_;
  // A server could not be reached: begin anew with the next query.
  bool stale_ = false;
  size_t lookups_ = 0;
  std::map<ares_socket_t, std::unique_ptr<Socket>> sockets_;
  event::Timer timer_;
};

}  // namespace nuncio::net
