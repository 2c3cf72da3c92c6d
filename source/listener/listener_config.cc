#include "source/listener/listener_config.h"

#include "source/base/strings.h"

namespace nuncio::listener {

std::string ListenAddress::SocketKey() const {
  std::string key = StrCat(address.ToString(), "|", ipv4_compat, "|", unix_mode, "|", transparent, "|", freebind, "|",
                           reuse_port, "|", backlog, "|", fast_open_queue);
  if (keepalive.has_value()) {
    StrAppend(key, "|k", keepalive->probes.value_or(0), ",", keepalive->time.value_or(std::chrono::seconds(0)).count(),
              ",", keepalive->interval.value_or(std::chrono::seconds(0)).count());
  }
  for (const net::SocketOption& option : socket_options) {
    StrAppend(key, "|o", option.level, ",", option.name, ",", option.int_value.value_or(0), ",", option.bytes, ",",
              static_cast<int>(option.state));
  }
  return key;
}

}  // namespace nuncio::listener
