#include "source/proxy/parked_connection.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/proxy/connection_manager.h"
#include "source/proxy/downstream_connection.h"

namespace nuncio::proxy {

ParkedConnection::ParkedConnection(HttpConnectionManager& manager, filter::ConnectionOwner& owner,
                                   const access_log::ConnectionInfo& info, uint32_t buffer_limit,
                                   const ConnectionPast& past)
    : manager_(manager),
      owner_(owner),
      past_(past),
      listener_name_(info.listener_name),
      filter_chain_name_(info.filter_chain_name),
      listener_metadata_(info.listener_metadata),
      filter_chain_metadata_(info.filter_chain_metadata),
      buffer_limit_(buffer_limit) {
  memcpy(&peer_, info.peer.sockaddr_ptr(), info.peer.length());
}

ParkedConnection::~ParkedConnection() { NUNCIO_ASSERT(fd_ < 0); }

bool ParkedConnection::Keeps(const access_log::ConnectionInfo& info) {
  return info.peer.is_ip() && info.direct_peer == info.peer && info.requested_server_name.empty() && info.ja3.empty() &&
         info.ja4.empty();
}

filter::AcceptedConnection ParkedConnection::Release() {
  filter::AcceptedConnection accepted;
  accepted.fd = std::exchange(fd_, -1);
  accepted.peer = accepted.direct_peer = net::Address::FromSockaddr(
      reinterpret_cast<const sockaddr*>(&peer_), peer_.v4.sin_family == AF_INET ? sizeof(peer_.v4) : sizeof(peer_.v6));
  if (past_.local_known) accepted.local = net::LocalAddress(accepted.fd);
  accepted.buffer_limit = buffer_limit_;
  accepted.listener_name = listener_name_;
  accepted.filter_chain_name = filter_chain_name_;
  accepted.listener_metadata = listener_metadata_;
  accepted.filter_chain_metadata = filter_chain_metadata_;
  return accepted;
}

MonotonicTime ParkedConnection::NextDeadline() const {
  const ConnectionManagerConfig& config = manager_.config();
  MonotonicTime next = drain_at_;
  if (config.idle_timeout > Duration::zero()) next = std::min(next, past_.idle_since + config.idle_timeout);
  if (config.max_connection_duration > Duration::zero()) {
    next = std::min(next, past_.opened + config.max_connection_duration);
  }
  return next;
}

void ParkedConnection::OnFdEvents(uint32_t events) {
  // `this` is gone then.
  DownstreamConnection& connection = manager_.Revive(*this);
  if (!connection.socket().closed()) connection.socket().OnFdEvents(events);
}

}  // namespace nuncio::proxy
