#include "source/filter/accepted_connection.h"

namespace nuncio::filter {

access_log::ConnectionInfo Describe(const AcceptedConnection& connection, uint64_t id) {
  access_log::ConnectionInfo out;
  out.id = id;
  out.peer = connection.peer.Unmapped();
  out.peer_text = out.peer.ToString();
  out.peer_ip_text = out.peer.IpText();
  out.direct_peer = connection.direct_peer.Unmapped();
  out.requested_server_name = connection.facts.server_name;
  out.ja3 = connection.facts.ja3;
  out.ja4 = connection.facts.ja4;
  out.listener_name = connection.listener_name;
  out.filter_chain_name = connection.filter_chain_name;
  out.listener_metadata = connection.listener_metadata;
  out.filter_chain_metadata = connection.filter_chain_metadata;
  return out;
}

}  // namespace nuncio::filter
