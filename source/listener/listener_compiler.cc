#include "source/listener/listener_compiler.h"

#include <limits>
#include <map>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "source/access_log/config.h"
#include "source/base/strings.h"
#include "source/config/typed_config.h"
#include "source/upstream/cluster_compiler.h"

namespace nuncio::listener {
namespace {

using config::Faults;
using envoy::config::listener::v3::Listener;
using ChainMessage = envoy::config::listener::v3::FilterChain;
using ChainMatchMessage = envoy::config::listener::v3::FilterChainMatch;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

template <typename M>
uint64_t HashOf(const M& message) {
  // Maps make plain serialisation differ from run to run of the same content.
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return absl::Hash<std::string>{}(bytes);
}

std::vector<net::CidrRange> ReadRanges(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange>& messages, std::string_view field,
    Faults& faults) {
  std::vector<net::CidrRange> out;
  for (int i = 0; i < messages.size(); ++i) {
    auto range = net::CidrRange::Create(messages[i].address_prefix(), messages[i].prefix_len().value());
    if (range.ok()) {
      out.push_back(*range);
    } else {
      Faults::Scope scope(faults, field, static_cast<size_t>(i));
      faults.Add(ToStd(range.status().message()));
    }
  }
  return out;
}

FilterChainMatch ReadMatch(const ChainMatchMessage& message, Faults& faults) {
  Faults::Scope scope(faults, "filter_chain_match");
  FilterChainMatch match;
  match.destination_port = static_cast<uint16_t>(message.destination_port().value());
  match.destinations = ReadRanges(message.prefix_ranges(), "prefix_ranges", faults);
  match.direct_sources = ReadRanges(message.direct_source_prefix_ranges(), "direct_source_prefix_ranges", faults);
  match.source_type = static_cast<FilterChainMatch::SourceType>(message.source_type());
  match.sources = ReadRanges(message.source_prefix_ranges(), "source_prefix_ranges", faults);
  for (uint32_t port : message.source_ports()) match.source_ports.push_back(static_cast<uint16_t>(port));
  if (!message.transport_protocol().empty() && message.transport_protocol() != "raw_buffer") {
    faults.Add("transport_protocol", StrCat(config::Quote(message.transport_protocol()),
                                            " is not detected by this build; known: raw_buffer"));
  }
  return match;
}

void ReadNetworkFilters(const ChainMessage& message, config::DataSourceAccess data_sources,
                        FilterChainConfig& out, Faults& faults) {
  if (message.filters_size() == 0) {
    faults.Add("filters", "must hold envoy.filters.network.http_connection_manager (is empty)");
    return;
  }
  for (int i = 0; i < message.filters_size(); ++i) {
    Faults::Scope scope(faults, "filters", static_cast<size_t>(i));
    const auto& filter = message.filters(i);
    if (!filter.has_typed_config()) {
      faults.Add("typed_config", StrCat("required: the configuration of ", config::Quote(filter.name())));
      continue;
    }
    Faults::Scope typed(faults, "typed_config");
    if (!config::Holds<HttpConnectionManager>(filter.typed_config())) {
      faults.Add(StrCat("network filter ", config::Quote(filter.name()), " of type ",
                        config::Quote(filter.typed_config().type_url()),
                        " is not part of this build; known: envoy.filters.network.http_connection_manager"));
      continue;
    }
    if (i + 1 != message.filters_size()) {
      faults.Add("envoy.filters.network.http_connection_manager must be the last filter");
      continue;
    }
    HttpConnectionManager manager;
    if (!config::UnpackAndCheck(filter.typed_config(), &manager, faults)) continue;
    auto compiled = proxy::CompileConnectionManager(manager, data_sources, faults);
    if (!compiled.has_value()) continue;
    out.http = compiled->config;
    out.http_index = static_cast<size_t>(i);
    out.rds = compiled->rds;
  }
}

std::shared_ptr<const FilterChainConfig> CompileChain(const ChainMessage& message,
                                                      config::DataSourceAccess data_sources,
                                                      Faults& faults) {
  auto chain = std::make_shared<FilterChainConfig>();
  chain->name = message.name();
  chain->hash = HashOf(message);
  if (message.has_filter_chain_match()) chain->match = ReadMatch(message.filter_chain_match(), faults);
  if (message.has_transport_socket()) {
    Faults::Scope scope(faults, "transport_socket");
    Faults::Scope typed(faults, "typed_config");
    envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer raw;
    if (!config::Holds<envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer>(
            message.transport_socket().typed_config())) {
      faults.Add(StrCat("transport socket ", config::Quote(message.transport_socket().name()), " of type ",
                        config::Quote(message.transport_socket().typed_config().type_url()),
                        " is not part of this build; known: envoy.transport_sockets.raw_buffer"));
    } else {
      config::UnpackAndCheck(message.transport_socket().typed_config(), &raw, faults);
    }
  }
  ReadNetworkFilters(message, data_sources, *chain, faults);
  return chain;
}

void ReadAddresses(const Listener& message, ListenerConfig& out, Faults& faults) {
  ListenAddress common;
  common.transparent = message.transparent().value();
  common.freebind = message.freebind().value();
  common.reuse_port = !message.has_enable_reuse_port() || message.enable_reuse_port().value();
  if (message.has_tcp_backlog_size()) common.backlog = static_cast<int>(message.tcp_backlog_size().value());
  common.fast_open_queue = message.tcp_fast_open_queue_length().value();

  ListenAddress main = common;
  main.socket_options = ReadSocketOptions(message.socket_options(), faults);
  if (message.has_tcp_keepalive()) main.keepalive = upstream::CompileKeepalive(message.tcp_keepalive());
  if (message.has_address()) {
    Faults::Scope scope(faults, "address");
    main.address = ReadAddress(message.address(), &main, faults);
    out.addresses.push_back(main);
  } else {
    faults.Add("address", "required: where to listen");
  }
  for (int i = 0; i < message.additional_addresses_size(); ++i) {
    const auto& additional = message.additional_addresses(i);
    Faults::Scope scope(faults, "additional_addresses", static_cast<size_t>(i));
    ListenAddress each = common;
    each.keepalive = main.keepalive;
    each.socket_options = main.socket_options;
    if (additional.has_tcp_keepalive()) each.keepalive = upstream::CompileKeepalive(additional.tcp_keepalive());
    if (additional.has_socket_options()) {
      Faults::Scope options(faults, "socket_options");
      each.socket_options = ReadSocketOptions(additional.socket_options().socket_options(), faults);
    }
    if (!additional.has_address()) {
      faults.Add("address", "required: where to listen");
      continue;
    }
    Faults::Scope address(faults, "address");
    each.address = ReadAddress(additional.address(), &each, faults);
    out.addresses.push_back(std::move(each));
  }
}

void ReadChains(const Listener& message, config::DataSourceAccess data_sources, ListenerConfig& out,
                Faults& faults) {
  if (message.filter_chains_size() == 0 && !message.has_default_filter_chain()) {
    faults.Add("filter_chains", "a listener needs at least one filter chain");
  }
  std::map<std::string, int> matches;
  for (int i = 0; i < message.filter_chains_size(); ++i) {
    Faults::Scope scope(faults, "filter_chains", static_cast<size_t>(i));
    auto chain = CompileChain(message.filter_chains(i), data_sources, faults);
    const auto [where, fresh] = matches.emplace(chain->match.Key(), i);
    if (!fresh) {
      faults.Add("filter_chain_match", StrCat("equals that of filter_chains[", where->second,
                                              "]: no connection would ever reach the second one"));
    }
    out.chains.push_back(std::move(chain));
  }
  if (message.has_default_filter_chain()) {
    Faults::Scope scope(faults, "default_filter_chain");
    out.default_chain = CompileChain(message.default_filter_chain(), data_sources, faults);
  }
}

}  // namespace

std::vector<net::SocketOption> ReadSocketOptions(
    const google::protobuf::RepeatedPtrField<envoy::config::core::v3::SocketOption>& messages, Faults& faults) {
  std::vector<net::SocketOption> out;
  for (int i = 0; i < messages.size(); ++i) {
    const auto& message = messages[i];
    Faults::Scope scope(faults, "socket_options", static_cast<size_t>(i));
    net::SocketOption option;
    option.description = message.description();
    option.level = static_cast<int>(message.level());
    option.name = static_cast<int>(message.name());
    if (message.has_int_value()) {
      if (message.int_value() > std::numeric_limits<int>::max() || message.int_value() < std::numeric_limits<int>::min()) {
        faults.Add("int_value", "must fit an int of 32 bits");
      }
      option.int_value = static_cast<int>(message.int_value());
    } else {
      option.bytes = message.buf_value();
    }
    option.state = static_cast<net::SocketOption::State>(message.state());
    out.push_back(std::move(option));
  }
  return out;
}

net::Address ReadAddress(const envoy::config::core::v3::Address& message, ListenAddress* listen, Faults& faults) {
  absl::StatusOr<net::Address> address;
  if (message.has_pipe()) {
    Faults::Scope scope(faults, "pipe");
    Faults::Scope path(faults, "path");
    address = net::Address::FromPath(message.pipe().path());
    if (listen != nullptr) listen->unix_mode = message.pipe().mode();
    if (!address.ok()) faults.Add(ToStd(address.status().message()));
  } else {
    Faults::Scope scope(faults, "socket_address");
    const auto& socket = message.socket_address();
    address = net::Address::FromIp(socket.address(), static_cast<uint16_t>(socket.port_value()));
    if (listen != nullptr) listen->ipv4_compat = socket.ipv4_compat();
    if (!address.ok()) faults.Add("address", ToStd(address.status().message()));
  }
  return address.ok() ? *address : net::Address();
}

std::shared_ptr<const ListenerConfig> CompileListener(const Listener& message,
                                                      config::DataSourceAccess data_sources, Faults& faults) {
  const size_t faults_before = faults.count();
  auto out = std::make_shared<ListenerConfig>();
  out->hash = HashOf(message);
  ReadAddresses(message, *out, faults);
  out->name = message.name();
  if (out->name.empty() && !out->addresses.empty()) out->name = out->addresses[0].address.ToString();
  out->stat_prefix = message.stat_prefix();
  if (out->stat_prefix.empty() && !out->addresses.empty()) out->stat_prefix = out->addresses[0].address.ToString();
  out->bind_to_port = !message.has_bind_to_port() || message.bind_to_port().value();
  if (message.has_per_connection_buffer_limit_bytes()) {
    out->buffer_limit = message.per_connection_buffer_limit_bytes().value();
  }
  out->max_accepts_per_event = message.max_connections_to_accept_per_socket_event().value();
  out->ignore_global_limit = message.ignore_global_conn_limit();
  out->ignores_health_fail = message.drain_type() == Listener::MODIFY_ONLY;
  out->direction = static_cast<ListenerConfig::Direction>(message.traffic_direction());
  out->access_logs = access_log::CompileAccessLogs(message.access_log(), "access_log", data_sources, faults);
  ReadChains(message, data_sources, *out, faults);
  if (faults.count() != faults_before) return nullptr;
  return out;
}

std::shared_ptr<const config::CompiledResource> ListenerType::Compile(std::string_view bytes, std::string& name,
                                                                      config::Faults& faults) const {
  Listener message;
  const bool whole = config::ParseAndCheck(bytes, message, faults);
  name = message.name();
  if (!whole) return nullptr;
  if (name.empty()) {
    faults.Add("name", "required for listeners from discovery: updates find them by it");
    return nullptr;
  }
  return CompileListener(message, data_sources_, faults);
}

}  // namespace nuncio::listener
