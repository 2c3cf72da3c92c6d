#include "source/admin/address_message.h"

namespace nuncio::admin {

void FillAddress(const net::Address& address, envoy::config::core::v3::Address& out) {
  if (!address.is_ip()) {
    out.mutable_pipe()->set_path(address.IpText());
    return;
  }
  out.mutable_socket_address()->set_address(address.IpText());
  out.mutable_socket_address()->set_port_value(address.port());
}

}  // namespace nuncio::admin
