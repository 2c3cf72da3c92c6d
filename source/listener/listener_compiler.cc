#include "source/listener/listener_compiler.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/access_log/config.h"
#include "source/base/strings.h"
#include "source/config/converters.h"
#include "source/config/typed_config.h"
#include "source/extensions/config_registry.h"
#include "source/matcher/config.h"
#include "source/tls/context_compiler.h"
#include "source/upstream/cluster_compiler.h"

namespace nuncio::listener {
namespace {

using config::Faults;
using envoy::config::listener::v3::Listener;
using ChainMessage = envoy::config::listener::v3::FilterChain;
using ChainMatchMessage = envoy::config::listener::v3::FilterChainMatch;
using PredicateMessage = envoy::config::listener::v3::ListenerFilterChainMatchPredicate;

// Nobody who means well needs longer, and without a limit half handshakes would stay.
constexpr Duration kHandshakeTimeout = std::chrono::seconds(15);

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

// In lower case, as names of ClientHellos are compared.
std::vector<std::string> ReadServerNames(const google::protobuf::RepeatedPtrField<std::string>& names,
                                         Faults& faults) {
  std::vector<std::string> out;
  for (int i = 0; i < names.size(); ++i) {
    const std::string name = AsciiToLower(names[i]);
    const size_t from = name.starts_with("*.") ? 2 : 0;
    if (name.size() == from || name.find('*', from) != std::string::npos) {
      Faults::Scope scope(faults, "server_names", static_cast<size_t>(i));
      faults.Add(StrCat(config::Quote(name), " must be a name, or \"*.\" and a domain; any name is matched without "
                        "server_names"));
      continue;
    }
    out.push_back(name);
  }
  return out;
}

FilterChainMatch ReadMatch(const ChainMatchMessage& message, Faults& faults) {
  Faults::Scope scope(faults, "filter_chain_match");
  FilterChainMatch match;
  match.destination_port = static_cast<uint16_t>(message.destination_port().value());
  match.destinations = ReadRanges(message.prefix_ranges(), "prefix_ranges", faults);
  match.server_names = ReadServerNames(message.server_names(), faults);
  match.transport_protocol = message.transport_protocol();
  if (!match.transport_protocol.empty() && match.transport_protocol != "raw_buffer" &&
      match.transport_protocol != "tls") {
    faults.Add("transport_protocol", StrCat(config::Quote(match.transport_protocol),
                                            " is not detected by this build; known: raw_buffer, tls"));
  }
  match.application_protocols.assign(message.application_protocols().begin(), message.application_protocols().end());
  match.direct_sources = ReadRanges(message.direct_source_prefix_ranges(), "direct_source_prefix_ranges", faults);
  match.source_type = static_cast<FilterChainMatch::SourceType>(message.source_type());
  match.sources = ReadRanges(message.source_prefix_ranges(), "source_prefix_ranges", faults);
  for (uint32_t port : message.source_ports()) match.source_ports.push_back(static_cast<uint16_t>(port));
  return match;
}

void ReadNetworkFilter(const envoy::config::listener::v3::Filter& filter, bool last,
                       config::DataSourceAccess data_sources, FilterChainConfig& out, Faults& faults) {
  if (!filter.has_typed_config()) {
    faults.Add("typed_config", StrCat("required: the configuration of ", config::Quote(filter.name())));
    return;
  }
  extensions::CompiledNetworkFilter compiled;
  {
    Faults::Scope typed(faults, "typed_config");
    compiled = extensions::CompileNetworkFilter(filter.typed_config(), filter.name(), data_sources, faults);
  }
  if (compiled.filter != nullptr) {
    if (last) faults.Add(StrCat(config::Quote(filter.name()), " serves no connection: the last filter must"));
    out.network_filters.push_back(std::move(compiled.filter));
  } else if (compiled.terminal != nullptr) {
    if (!last) faults.Add(StrCat(config::Quote(filter.name()), " must be the last filter"));
    out.terminal = std::move(compiled.terminal);
    out.http = dynamic_cast<const extensions::HttpConnectionManagerFilterConfig*>(out.terminal.get());
  }
}

void ReadNetworkFilters(const ChainMessage& message, config::DataSourceAccess data_sources,
                        FilterChainConfig& out, Faults& faults) {
  if (message.filters_size() == 0) {
    faults.Add("filters", "must end with a filter that serves connections, such as "
                          "envoy.filters.network.http_connection_manager (is empty)");
  }
  for (int i = 0; i < message.filters_size(); ++i) {
    Faults::Scope scope(faults, "filters", static_cast<size_t>(i));
    ReadNetworkFilter(message.filters(i), i + 1 == message.filters_size(), data_sources, out, faults);
  }
}

// Null where there is none.
std::shared_ptr<const matcher::Metadata> ReadMetadata(const envoy::config::core::v3::Metadata& message,
                                                      Faults& faults) {
  Faults::Scope scope(faults, "metadata");
  auto metadata = std::make_shared<const matcher::Metadata>(matcher::CompileMetadata(message, faults));
  return metadata->empty() ? nullptr : metadata;
}

std::shared_ptr<const FilterChainConfig> CompileChain(const ChainMessage& message, const Listener& listener,
                                                      const std::shared_ptr<const matcher::Metadata>& listener_metadata,
                                                      config::DataSourceAccess data_sources, Faults& faults) {
  auto chain = std::make_shared<FilterChainConfig>();
  chain->name = message.name();
  chain->hash = HashOf(message);
  if (listener_metadata != nullptr) {
    chain->listener_metadata = listener_metadata;
    chain->hash = absl::HashOf(chain->hash, HashOf(listener.metadata()));
  }
  chain->metadata = ReadMetadata(message.metadata(), faults);
  if (message.has_transport_socket()) {
    Faults::Scope scope(faults, "transport_socket");
    tls::CompileDownstreamSocket(message.transport_socket(), data_sources, chain->tls, faults);
  }
  chain->transport_socket_connect_timeout =
      config::DurationField(message.has_transport_socket_connect_timeout(), message.transport_socket_connect_timeout(),
                            "transport_socket_connect_timeout", kHandshakeTimeout, faults);
  ReadNetworkFilters(message, data_sources, *chain, faults);
  return chain;
}

ListenerFilterPredicate ReadPredicate(const PredicateMessage& message, Faults& faults) {
  using Kind = ListenerFilterPredicate::Kind;
  const auto parts_of = [&](const PredicateMessage::MatchSet& set, std::string_view field) {
    Faults::Scope scope(faults, field);
    std::vector<ListenerFilterPredicate> parts;
    for (int i = 0; i < set.rules_size(); ++i) {
      Faults::Scope each(faults, "rules", static_cast<size_t>(i));
      parts.push_back(ReadPredicate(set.rules(i), faults));
    }
    return parts;
  };
  switch (message.rule_case()) {
    case PredicateMessage::kOrMatch:
      return ListenerFilterPredicate::Combine(Kind::kOneOf, parts_of(message.or_match(), "or_match"));
    case PredicateMessage::kAndMatch:
      return ListenerFilterPredicate::Combine(Kind::kAll, parts_of(message.and_match(), "and_match"));
    case PredicateMessage::kNotMatch: {
      Faults::Scope scope(faults, "not_match");
      return ListenerFilterPredicate::Combine(Kind::kNot, {ReadPredicate(message.not_match(), faults)});
    }
    case PredicateMessage::kDestinationPortRange: {
      const auto& range = message.destination_port_range();
      if (range.end() <= range.start()) {
        faults.Add("destination_port_range", "end must be above start: it is not in the range itself");
      }
      return ListenerFilterPredicate::DestinationPorts(range.start(), range.end());
    }
    default:
      return ListenerFilterPredicate::Any();
  }
}

void ReadListenerFilters(const Listener& message, ListenerConfig& out, Faults& faults) {
  for (int i = 0; i < message.listener_filters_size(); ++i) {
    Faults::Scope scope(faults, "listener_filters", static_cast<size_t>(i));
    const auto& filter = message.listener_filters(i);
    if (!filter.has_typed_config()) {
      faults.Add("typed_config", StrCat("required: the configuration of ", config::Quote(filter.name())));
      continue;
    }
    ListenerFilterEntry entry;
    {
      Faults::Scope typed(faults, "typed_config");
      entry.config = extensions::CompileListenerFilter(filter.typed_config(), filter.name(), faults);
    }
    if (filter.has_filter_disabled()) {
      Faults::Scope disabled(faults, "filter_disabled");
      entry.disabled = ReadPredicate(filter.filter_disabled(), faults);
    }
    out.listener_filters.push_back(std::move(entry));
  }
  out.listener_filters_timeout =
      config::DurationField(message.has_listener_filters_timeout(), message.listener_filters_timeout(),
                            "listener_filters_timeout", out.listener_filters_timeout, faults);
  out.continue_on_listener_filters_timeout = message.continue_on_listener_filters_timeout();
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

// Without a look at the ClientHello these would never match.
bool AsksForClientHello(const FilterChainMatch& match) {
  if (match.transport_protocol == "tls") return true;
  return match.transport_protocol.empty() && (!match.server_names.empty() || !match.application_protocols.empty());
}

void EnsureTlsInspector(const std::vector<FilterChainMatch>& matches, ListenerConfig& out, Faults& faults) {
  if (std::none_of(matches.begin(), matches.end(), AsksForClientHello)) return;
  const auto tls_inspector = extensions::DefaultTlsInspector();
  for (const ListenerFilterEntry& entry : out.listener_filters) {
    if (entry.config != nullptr && entry.config->type == tls_inspector->type) return;
  }
  faults.Warn("filter chains match by what a ClientHello says: envoy.filters.listener.tls_inspector is added to "
              "listener_filters");
  out.listener_filters.push_back({tls_inspector, std::nullopt});
}

void ReadChains(const Listener& message, config::DataSourceAccess data_sources, ListenerConfig& out,
                Faults& faults) {
  if (message.filter_chains_size() == 0 && !message.has_default_filter_chain()) {
    faults.Add("filter_chains", "a listener needs at least one filter chain");
  }
  const std::shared_ptr<const matcher::Metadata> metadata = ReadMetadata(message.metadata(), faults);
  std::vector<FilterChainMatch> matches;
  for (int i = 0; i < message.filter_chains_size(); ++i) {
    Faults::Scope scope(faults, "filter_chains", static_cast<size_t>(i));
    matches.push_back(ReadMatch(message.filter_chains(i).filter_chain_match(), faults));
    out.chains.push_back(CompileChain(message.filter_chains(i), message, metadata, data_sources, faults));
  }
  EnsureTlsInspector(matches, out, faults);
  FilterChainTable::Faults table_faults;
  out.chain_table = FilterChainTable::Build(matches, table_faults);
  if (table_faults.too_large) {
    faults.Add("filter_chains", StrCat("the combinations of values in the filter chain matches are more than ",
                                       FilterChainTable::kMaxEntries));
  }
  for (const FilterChainTable::Conflict& conflict : table_faults.conflicts) {
    Faults::Scope scope(faults, "filter_chains", conflict.second);
    faults.Add("filter_chain_match", StrCat("takes connections that filter_chains[", conflict.first,
                                            "] takes too, and neither goes before the other"));
  }
  if (message.has_default_filter_chain()) {
    Faults::Scope scope(faults, "default_filter_chain");
    out.default_chain = CompileChain(message.default_filter_chain(), message, metadata, data_sources, faults);
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
      if (message.int_value() > std::numeric_limits<int>::max() ||
          message.int_value() < std::numeric_limits<int>::min()) {
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
  out->exact_balance = message.connection_balance_config().has_exact_balance();
  out->ignores_health_fail = message.drain_type() == Listener::MODIFY_ONLY;
  out->direction = static_cast<ListenerConfig::Direction>(message.traffic_direction());
  out->access_logs = access_log::CompileAccessLogs(message.access_log(), "access_log", data_sources, faults);
  ReadListenerFilters(message, *out, faults);
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
