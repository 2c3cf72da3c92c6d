#include "source/listener/listener_compiler.h"

#include <memory>
#include <string>

#include "api/linked.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/config/rule_checker.h"
#include "source/config/yaml_loader.h"

namespace nuncio::listener {
namespace {

constexpr std::string_view kChain = R"({filters: [{name: hcm, typed_config: {
  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
  stat_prefix: main,
  route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: c}}]}]},
  http_filters: [{name: router, typed_config: {
    "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]})";

std::string Chain(std::string_view more) {
  return StrCat(kChain.substr(0, kChain.size() - 1), ", ", more, "}");
}

constexpr std::string_view kOriginalDst =
    "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst}";
constexpr std::string_view kSniCluster =
    "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster}";
constexpr std::string_view kAddress = "address: {socket_address: {address: 127.0.0.1, port_value: 80}}\n";

struct Outcome {
  std::shared_ptr<const ListenerConfig> config;
  std::string faults;
  bool Says(std::string_view text) const { return faults.find(text) != std::string::npos; }
};

Outcome Compile(std::string_view yaml) {
  api::LinkAllMessages();
  envoy::config::listener::v3::Listener message;
  config::Faults faults;
  EXPECT_TRUE(config::LoadText(yaml, config::TextFormat::kYaml, message, faults)) << faults.ToString();
  config::CheckRules(message, faults);
  Outcome out;
  if (faults.empty()) out.config = CompileListener(message, config::DataSourceAccess::kRead, faults);
  out.faults = faults.ToString();
  EXPECT_EQ(out.config == nullptr, !out.faults.empty());
  return out;
}

TEST(ListenerCompilerTest, MetadataOfTheListenerIsItsChains) {
  const auto compile = [](std::string_view listener, std::string_view chain) {
    const std::string text(kChain);
    const Outcome out = Compile(StrCat("name: l\n", kAddress, listener, "\nfilter_chains: [",
                                       text.substr(0, text.size() - 1), chain, "}]"));
    EXPECT_NE(out.config, nullptr) << out.faults;
    return out.config->chains[0];
  };
  const auto text_of = [](const std::shared_ptr<const matcher::Metadata>& metadata) {
    return metadata == nullptr ? "none"
                               : std::get<std::string>(metadata->Find("n", std::vector<std::string>{"k"})->value);
  };
  const auto plain = compile("", "");
  EXPECT_EQ(text_of(plain->metadata), "none");
  EXPECT_EQ(text_of(plain->listener_metadata), "none");
  const auto first = compile("metadata: {filter_metadata: {n: {k: a}}}", ", metadata: {filter_metadata: {n: {k: b}}}");
  EXPECT_EQ(text_of(first->listener_metadata), "a");
  EXPECT_EQ(text_of(first->metadata), "b");
  const auto second = compile("metadata: {filter_metadata: {n: {k: c}}}", ", metadata: {filter_metadata: {n: {k: b}}}");
  EXPECT_NE(first->hash, second->hash) << "connections of before keep what they began with";
}

TEST(ListenerCompilerTest, Defaults) {
  const Outcome out = Compile(StrCat("name: l\n", kAddress, "filter_chains: [", kChain, "]"));
  ASSERT_NE(out.config, nullptr) << out.faults;
  EXPECT_EQ(out.config->name, "l");
  EXPECT_EQ(out.config->stat_prefix, "127.0.0.1:80");
  EXPECT_EQ(out.config->buffer_limit, 1u << 20);
  EXPECT_EQ(out.config->chains[0]->transport_socket_connect_timeout, std::chrono::seconds(15));
  EXPECT_TRUE(out.config->bind_to_port);
  ASSERT_EQ(out.config->addresses.size(), 1u);
  EXPECT_TRUE(out.config->addresses[0].reuse_port);
  ASSERT_EQ(out.config->chains.size(), 1u);
  const proxy::ConnectionManagerConfig& http = *out.config->chains[0]->http->manager;
  EXPECT_EQ(http.idle_timeout, std::chrono::hours(1));
  EXPECT_EQ(http.stream_idle_timeout, std::chrono::minutes(5));
  EXPECT_EQ(http.request_headers_timeout, std::chrono::seconds(10));
  EXPECT_EQ(http.request_timeout, Duration::zero());
  EXPECT_EQ(http.server_name, "envoy");
  EXPECT_EQ(http.http1.max_head_bytes, 60u * 1024);
  EXPECT_NE(http.route_table, nullptr);
}

TEST(ListenerCompilerTest, HowConnectionsAreSpreadIsTheListenersChoice) {
  const auto compile = [](std::string_view more) {
    return Compile(StrCat("name: l\n", kAddress, more, "\nfilter_chains: [", kChain, "]"));
  };
  EXPECT_FALSE(compile("").config->exact_balance);
  EXPECT_TRUE(compile("connection_balance_config: {exact_balance: {}}").config->exact_balance);
}

TEST(ListenerCompilerTest, WithoutANameItsAddressIsIt) {
  const Outcome out = Compile(StrCat(kAddress, "filter_chains: [", kChain, "]"));
  ASSERT_NE(out.config, nullptr) << out.faults;
  EXPECT_EQ(out.config->name, "127.0.0.1:80");
}

TEST(ListenerCompilerTest, FaultsNameTheirFields) {
  struct Case {
    std::string yaml;
    const char* path;
    const char* reason;
  };
  const std::string head = StrCat("name: l\n", kAddress);
  for (const Case& each : {
           Case{StrCat("name: l\nfilter_chains: [", kChain, "]"), "address", "where to listen"},
           Case{StrCat("name: l\naddress: {socket_address: {address: nowhere, port_value: 80}}\nfilter_chains: [",
                       kChain, "]"),
                "address.socket_address.address", "nowhere"},
           Case{head, "filter_chains", "at least one"},
           Case{StrCat(head, "filter_chains: [{}]"), "filter_chains[0].filters", "http_connection_manager"},
           Case{StrCat(head, "filter_chains: [", kChain, ", ", kChain, "]"), "filter_chains[1].filter_chain_match",
                "filter_chains[0]"},
           Case{StrCat(head, "filter_chains: [", Chain("filter_chain_match: {transport_protocol: quic}"), "]"),
                "filter_chains[0].filter_chain_match.transport_protocol", "tls"},
           Case{StrCat(head, "filter_chains: [", Chain("filter_chain_match: {server_names: [a, 'b.*.c']}"), "]"),
                "filter_chains[0].filter_chain_match.server_names[1]", "b.*.c"},
           Case{StrCat(head, "filter_chains: [", Chain("filter_chain_match: {server_names: ['*']}"), "]"),
                "filter_chains[0].filter_chain_match.server_names[0]", "without server_names"},
           Case{StrCat(head, "listener_filters: [{name: x}]\nfilter_chains: [", kChain, "]"),
                "listener_filters[0].typed_config", "required"},
           Case{StrCat(head, "listener_filters: [{name: x, ", kOriginalDst,
                       ", filter_disabled: {destination_port_range: {start: 2, end: 2}}}]\nfilter_chains: [", kChain,
                       "]"),
                "listener_filters[0].filter_disabled.destination_port_range", "above start"},
           Case{StrCat(head, "filter_chains: [{filters: [{name: sni, ", kSniCluster, "}]}]"),
                "filter_chains[0].filters[0]", "the last filter must"},
           Case{StrCat(head, "listener_filters: [{name: x, ", kSniCluster, "}]\nfilter_chains: [", kChain, "]"),
                "listener_filters[0].typed_config", "known: envoy.filters.listener."},
           Case{StrCat(head, "filter_chains: [",
                       Chain("filter_chain_match: {prefix_ranges: [{address_prefix: ten, prefix_len: 8}]}"), "]"),
                "filter_chains[0].filter_chain_match.prefix_ranges[0]", "ten"},
           Case{StrCat(head, "default_filter_chain: {filters: [{name: x}]}"),
                "default_filter_chain.filters[0].typed_config", "required"},
           Case{StrCat(head, "socket_options: [{level: 1, name: 7, int_value: 5000000000}]\nfilter_chains: [", kChain,
                       "]"),
                "socket_options[0].int_value", "32 bits"},
           Case{StrCat(head, "additional_addresses: [{}]\nfilter_chains: [", kChain, "]"),
                "additional_addresses[0].address", "where to listen"},
       }) {
    const Outcome out = Compile(each.yaml);
    EXPECT_EQ(out.config, nullptr) << each.yaml;
    EXPECT_TRUE(out.Says(each.path)) << each.path << ": " << out.faults;
    EXPECT_TRUE(out.Says(each.reason)) << each.reason << ": " << out.faults;
  }
}

TEST(ListenerCompilerTest, ListenerFiltersWithWhatTheyLeaveAlone) {
  const Outcome out =
      Compile(StrCat("name: l\n", kAddress, "listener_filters_timeout: 2s\nlistener_filters: [{name: x, ", kOriginalDst,
                     ", filter_disabled: {or_match: {rules: [{not_match: {any_match: true}}, "
                     "{destination_port_range: {start: 80, end: 82}}]}}}]\nfilter_chains: [",
                     kChain, "]"));
  ASSERT_NE(out.config, nullptr) << out.faults;
  EXPECT_EQ(out.config->listener_filters_timeout, std::chrono::seconds(2));
  EXPECT_FALSE(out.config->continue_on_listener_filters_timeout);
  ASSERT_EQ(out.config->listener_filters.size(), 1u);
  const auto leaves = [&](uint16_t port) {
    filter::AcceptedConnection connection;
    connection.local = *net::Address::FromIp("10.0.0.1", port);
    return out.config->listener_filters[0].disabled->Matches(connection);
  };
  EXPECT_FALSE(leaves(79));
  EXPECT_TRUE(leaves(80));
  EXPECT_TRUE(leaves(81));
  EXPECT_FALSE(leaves(82));
}

TEST(ListenerCompilerTest, NetworkFiltersComeBeforeTheOneThatServes) {
  const std::string sni = StrCat("{filters: [{name: sni, ", kSniCluster, "}, ", kChain.substr(kChain.find("{name")));
  const Outcome out = Compile(StrCat("name: l\n", kAddress, "filter_chains: [", sni, "]"));
  ASSERT_NE(out.config, nullptr) << out.faults;
  EXPECT_EQ(out.config->chains[0]->terminal_index(), 1u);
  EXPECT_NE(out.config->chains[0]->http, nullptr);
}

TEST(ListenerCompilerTest, AllFaultsComeAtOnce) {
  const Outcome out =
      Compile("name: l\naddress: {socket_address: {address: nowhere, port_value: 80}}\nfilter_chains: [{}, {}]");
  EXPECT_TRUE(out.Says("address.socket_address.address")) << out.faults;
  EXPECT_TRUE(out.Says("filter_chains[0].filters")) << out.faults;
  EXPECT_TRUE(out.Says("filter_chains[1].filters")) << out.faults;
}

TEST(ListenerCompilerTest, ChainsOfEqualBytesHaveEqualHashes) {
  const auto hash = [](std::string_view chain) {
    const Outcome out = Compile(StrCat("name: l\n", kAddress, "filter_chains: [", chain, "]"));
    EXPECT_NE(out.config, nullptr) << out.faults;
    return out.config->chains[0]->hash;
  };
  EXPECT_EQ(hash(kChain), hash(kChain));
  EXPECT_NE(hash(kChain), hash(Chain("name: named")));
}

TEST(ListenerCompilerTest, KeysTellInterchangeableSocketsFromOthers) {
  const auto key = [](std::string_view more) {
    const Outcome out = Compile(StrCat("name: l\n", kAddress, more, "\nfilter_chains: [", kChain, "]"));
    EXPECT_NE(out.config, nullptr) << out.faults;
    return out.config->addresses[0].SocketKey();
  };
  EXPECT_EQ(key(""), key("per_connection_buffer_limit_bytes: 1"));
  EXPECT_NE(key(""), key("tcp_backlog_size: 1"));
  EXPECT_NE(key(""), key("freebind: true"));
  EXPECT_NE(key(""), key("enable_reuse_port: false"));
  EXPECT_NE(key(""), key("socket_options: [{level: 1, name: 7, int_value: 1}]"));
}

TEST(ListenerTypeTest, DiscoveredListenersNeedAName) {
  api::LinkAllMessages();
  envoy::config::listener::v3::Listener message;
  config::Faults faults;
  ASSERT_TRUE(
      config::LoadText(StrCat(kAddress, "filter_chains: [", kChain, "]"), config::TextFormat::kYaml, message, faults));
  std::string name;
  EXPECT_EQ(ListenerType(config::DataSourceAccess::kRead).Compile(message.SerializeAsString(), name, faults), nullptr);
  EXPECT_NE(faults.ToString().find("name: required"), std::string::npos) << faults.ToString();
}

}  // namespace
}  // namespace nuncio::listener
