#pragma once

#include <memory>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/config/fault.h"
#include "source/config/data_source.h"
#include "source/listener/listener_config.h"

namespace nuncio::listener {

// Called after the message's rules were checked. Null with faults, whose paths begin at a field of `message`.
std::shared_ptr<const ListenerConfig> CompileListener(const envoy::config::listener::v3::Listener& message,
                                                      config::DataSourceAccess data_sources,
                                                      config::Faults& faults);

// Listeners as resources of LDS.
class ListenerType final : public config::ResourceType {
 public:
  explicit ListenerType(config::DataSourceAccess data_sources) : data_sources_(data_sources) {}
  std::string_view type_url() const override { return "type.googleapis.com/envoy.config.listener.v3.Listener"; }
  bool absence_is_removal() const override { return true; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override;

 private:
  const config::DataSourceAccess data_sources_;
};

// Addresses, socket options and keepalive, as other messages hold them too.
net::Address ReadAddress(const envoy::config::core::v3::Address& message, ListenAddress* listen,
                         config::Faults& faults);

std::vector<net::SocketOption> ReadSocketOptions(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::SocketOption>& messages, config::Faults& faults);

}  // namespace nuncio::listener
