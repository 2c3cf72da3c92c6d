#include "source/extensions/listener/original_dst/filter.h"

#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace nuncio::extensions {

filter::ListenerFilterOutcome OriginalDst::Inspect(std::string_view, filter::AcceptedConnection& connection) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  const bool v6 = connection.direct_peer.family() == AF_INET6;
  const bool found =
      (v6 && getsockopt(connection.fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, &address, &length) == 0) ||
      // An IPv4 client of an IPv6 socket was redirected by IPv4's tables.
      (connection.direct_peer.is_ip() && getsockopt(connection.fd, SOL_IP, SO_ORIGINAL_DST, &address, &length) == 0);
  if (found) connection.local = net::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address), length);
  return {};
}

}  // namespace nuncio::extensions
