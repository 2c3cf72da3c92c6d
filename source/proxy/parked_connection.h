#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string_view>

#include "source/access_log/stream_info.h"
#include "source/base/clock.h"
#include "source/base/intrusive_heap.h"
#include "source/event/event_loop.h"
#include "source/filter/network_filter.h"
#include "source/proxy/connection_past.h"

namespace nuncio::proxy {

class HttpConnectionManager;

// What is kept of a plaintext HTTP/1 connection over TCP that has been silent for a while between requests: an eighth
// of what a DownstreamConnection takes. Whatever its client does next, and every deadline, makes one of it again.
// Belongs to the connection manager; its heap key is the moment of the next deadline.
class ParkedConnection final : public event::FdHandler, public HeapNode<MonotonicTime, ParkedConnection> {
 public:
  ParkedConnection(HttpConnectionManager& manager, filter::ConnectionOwner& owner,
                   const access_log::ConnectionInfo& info, uint32_t buffer_limit, const ConnectionPast& past);
  ~ParkedConnection();

  // Whether all that is known of a connection has a place here.
  static bool Keeps(const access_log::ConnectionInfo& info);
  // The descriptor, on the loop under this handler.
  void Take(int fd) { fd_ = fd; }

  // The connection as it was accepted, with the descriptor.
  filter::AcceptedConnection Release();
  filter::ConnectionOwner& owner() { return owner_; }
  const ConnectionPast& past() const { return past_; }
  // The first of its deadlines; never: MonotonicTime::max().
  MonotonicTime NextDeadline() const;
  // When its turn comes to be drained.
  MonotonicTime drain_at() const { return drain_at_; }
  void set_drain_at(MonotonicTime at) { drain_at_ = at; }

  void OnFdEvents(uint32_t events) override;

 private:
  // Constant after construction.
  HttpConnectionManager& manager_;
  filter::ConnectionOwner& owner_;
  const ConnectionPast past_;
  // net::Address has room for more than IP.
  union {
    sockaddr_in v4;
    sockaddr_in6 v6;
  } peer_;
  const std::string_view listener_name_;
  const std::string_view filter_chain_name_;
  const matcher::Metadata* const listener_metadata_;
  const matcher::Metadata* const filter_chain_metadata_;
  const uint32_t buffer_limit_;

  int fd_ = -1;
  MonotonicTime drain_at_ = MonotonicTime::max();
};

}  // namespace nuncio::proxy
