#include "source/listener/filter_chain_table.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::listener {
namespace {

net::Address Ip(std::string_view text, uint16_t port = 80) { return *net::Address::FromIp(text, port); }
net::CidrRange Range(std::string_view text, uint32_t length) { return *net::CidrRange::Create(text, length); }

class FilterChainTableTest : public testing::Test {
 protected:
  FilterChainTableTest() { matches_.reserve(64); }

  // The match of a further chain; to be filled before the next one is added.
  FilterChainMatch& Chain(std::string name) {
    names_.push_back(std::move(name));
    return matches_.emplace_back();
  }
  FilterChainTable::Faults BuildFaults() {
    FilterChainTable::Faults faults;
    FilterChainTable::Build(matches_, faults);
    return faults;
  }
  std::string Find(const filter::AcceptedConnection& connection) {
    FilterChainTable::Faults faults;
    const FilterChainTable table = FilterChainTable::Build(matches_, faults);
    EXPECT_TRUE(faults.conflicts.empty());
    EXPECT_FALSE(faults.too_large);
    const auto index = table.Find(connection);
    return index.has_value() ? names_[*index] : "(none)";
  }
  std::string Find(const net::Address& local, const net::Address& peer) {
    filter::AcceptedConnection connection;
    connection.local = local;
    connection.peer = connection.direct_peer = peer;
    return Find(connection);
  }
  std::string FindTls(std::string server_name, std::vector<std::string> protocols = {}) {
    filter::AcceptedConnection connection;
    connection.local = Ip("10.0.0.1", 443);
    connection.peer = connection.direct_peer = Ip("1.2.3.4");
    connection.facts.transport_protocol = "tls";
    connection.facts.server_name = std::move(server_name);
    connection.facts.application_protocols = std::move(protocols);
    return Find(connection);
  }

  std::vector<std::string> names_;
  std::vector<FilterChainMatch> matches_;
};

TEST_F(FilterChainTableTest, AnEmptyMatchTakesAllAndNeedsNoLocalAddress) {
  Chain("all");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "all");
  FilterChainTable::Faults faults;
  EXPECT_FALSE(FilterChainTable::Build(matches_, faults).asks_local_address());
  matches_[0].destination_port = 1;
  EXPECT_TRUE(FilterChainTable::Build(matches_, faults).asks_local_address());
}

TEST_F(FilterChainTableTest, WithoutChainsThereIsNone) { EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "(none)"); }

TEST_F(FilterChainTableTest, TheLongerPrefixWinsWhateverTheOrder) {
  Chain("8").destinations = {Range("10.0.0.0", 8)};
  Chain("24").destinations = {Range("10.1.1.0", 24)};
  Chain("15").destinations = {Range("10.2.0.0", 15), Range("192.168.0.0", 16), Range("2001:db8::", 33)};
  Chain("six").destinations = {Range("::", 0)};
  EXPECT_EQ(Find(Ip("10.1.1.1"), Ip("1.2.3.4")), "24");
  EXPECT_EQ(Find(Ip("10.3.2.1"), Ip("1.2.3.4")), "15");
  EXPECT_EQ(Find(Ip("10.4.2.1"), Ip("1.2.3.4")), "8");
  EXPECT_EQ(Find(Ip("11.2.2.1"), Ip("1.2.3.4")), "(none)");
  EXPECT_EQ(Find(Ip("2001:db8:1::1"), Ip("::1")), "15");
  EXPECT_EQ(Find(Ip("2001:db8:8000::1"), Ip("::1")), "six");
  // An IPv4 client of an IPv6 socket.
  EXPECT_EQ(Find(Ip("::ffff:10.1.1.1"), Ip("::ffff:1.2.3.4")), "24");
}

TEST_F(FilterChainTableTest, ThePortGoesBeforeTheAddress) {
  Chain("address").destinations = {Range("10.0.0.1", 32)};
  Chain("port").destination_port = 80;
  EXPECT_EQ(Find(Ip("10.0.0.1", 80), Ip("1.2.3.4")), "port");
  EXPECT_EQ(Find(Ip("10.0.0.1", 81), Ip("1.2.3.4")), "address");
}

TEST_F(FilterChainTableTest, WhatWasChosenIsNotRevised) {
  FilterChainMatch& narrow = Chain("narrow");
  narrow.destination_port = 80;
  narrow.sources = {Range("1.0.0.0", 8)};
  Chain("any port").sources = {Range("0.0.0.0", 0)};
  EXPECT_EQ(Find(Ip("10.0.0.1", 80), Ip("1.2.3.4")), "narrow");
  EXPECT_EQ(Find(Ip("10.0.0.1", 81), Ip("2.2.3.4")), "any port");
  // The port leads to chains that name it, of which none takes the client.
  EXPECT_EQ(Find(Ip("10.0.0.1", 80), Ip("2.2.3.4")), "(none)");
}

TEST_F(FilterChainTableTest, ServerNamesExactThenTheLongestDomain) {
  Chain("exact").server_names = {"www.example.com", "example.com"};
  Chain("wide").server_names = {"*.com"};
  Chain("narrow").server_names = {"*.example.com", "*.example.org"};
  Chain("rest");
  EXPECT_EQ(FindTls("www.example.com"), "exact");
  EXPECT_EQ(FindTls("example.com"), "exact");
  EXPECT_EQ(FindTls("a.example.com"), "narrow");
  EXPECT_EQ(FindTls("a.b.example.com"), "narrow");
  EXPECT_EQ(FindTls("example.org"), "rest");
  EXPECT_EQ(FindTls("other.com"), "wide");
  EXPECT_EQ(FindTls(".com"), "rest");
  EXPECT_EQ(FindTls("com"), "rest");
  EXPECT_EQ(FindTls(""), "rest");
}

TEST_F(FilterChainTableTest, TheServerNameGoesBeforeTheTransportProtocol) {
  FilterChainMatch& named = Chain("named");
  named.server_names = {"a.test"};
  named.transport_protocol = "tls";
  Chain("tls").transport_protocol = "tls";
  Chain("plain").transport_protocol = "raw_buffer";
  EXPECT_EQ(FindTls("a.test"), "named");
  EXPECT_EQ(FindTls("b.test"), "tls");
  // What nobody looked at counts as plaintext.
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "plain");
}

TEST_F(FilterChainTableTest, TheClientsFirstKnownProtocolDecides) {
  Chain("h2").application_protocols = {"h2"};
  Chain("h1").application_protocols = {"http/1.1", "http/1.0"};
  Chain("rest");
  EXPECT_EQ(FindTls("", {"h2", "http/1.1"}), "h2");
  EXPECT_EQ(FindTls("", {"http/1.1", "h2"}), "h1");
  EXPECT_EQ(FindTls("", {"x", "http/1.0"}), "h1");
  EXPECT_EQ(FindTls("", {"x"}), "rest");
  EXPECT_EQ(FindTls(""), "rest");
}

TEST_F(FilterChainTableTest, SourceTypes) {
  Chain("near").source_type = FilterChainMatch::SourceType::kSameIpOrLoopback;
  Chain("far").source_type = FilterChainMatch::SourceType::kExternal;
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("127.0.0.1")), "near");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("10.0.0.1", 999)), "near");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("10.0.0.2")), "far");
}

TEST_F(FilterChainTableTest, TheDirectSourceIsTheConnectionsOwnPeer) {
  Chain("direct").direct_sources = {Range("1.0.0.0", 8)};
  Chain("client").sources = {Range("2.0.0.0", 8)};
  filter::AcceptedConnection connection;
  connection.peer = Ip("2.0.0.1");
  connection.direct_peer = Ip("1.0.0.1");
  EXPECT_EQ(Find(connection), "direct");
  connection.direct_peer = Ip("3.0.0.1");
  EXPECT_EQ(Find(connection), "client");
}

TEST_F(FilterChainTableTest, SourcePortsAreTheLastWord) {
  FilterChainMatch& ports = Chain("ports");
  ports.sources = {Range("1.0.0.0", 8)};
  ports.source_ports = {1000, 1001};
  Chain("any port").sources = {Range("1.0.0.0", 8)};
  Chain("longer").sources = {Range("1.2.0.0", 16)};
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1001)), "ports");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1002)), "any port");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.1.1", 1001)), "longer");
}

TEST_F(FilterChainTableTest, EveryCriterionMustHold) {
  FilterChainMatch& match = Chain("narrow");
  match.destinations = {Range("10.0.0.0", 8)};
  match.direct_sources = {Range("1.0.0.0", 8)};
  match.source_ports = {1000};
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1000)), "narrow");
  EXPECT_EQ(Find(Ip("11.0.0.1"), Ip("1.1.1.1", 1000)), "(none)");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("2.1.1.1", 1000)), "(none)");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1001)), "(none)");
}

TEST_F(FilterChainTableTest, UnixDomainClientsMatchWhatNamesNoAddress) {
  Chain("ip").destinations = {Range("0.0.0.0", 0)};
  Chain("rest");
  EXPECT_EQ(Find(*net::Address::FromPath("/tmp/a"), *net::Address::FromPath("/tmp/b")), "rest");
}

TEST_F(FilterChainTableTest, EqualAndOverlappingMatchesAreConflicts) {
  FilterChainMatch& one = Chain("one");
  // Host bits make no difference.
  one.destinations = {Range("10.1.2.3", 8), Range("192.168.0.0", 16)};
  one.server_names = {"a", "b"};
  FilterChainMatch& other = Chain("other");
  other.destinations = {Range("10.0.0.0", 8)};
  other.server_names = {"c", "b"};
  Chain("apart").server_names = {"b"};
  const auto faults = BuildFaults();
  ASSERT_EQ(faults.conflicts.size(), 1u);
  EXPECT_EQ(faults.conflicts[0].first, 0u);
  EXPECT_EQ(faults.conflicts[0].second, 1u);
  other.server_names = {"c"};
  EXPECT_TRUE(BuildFaults().conflicts.empty());
}

TEST_F(FilterChainTableTest, AValueNamedTwiceIsNoConflict) {
  Chain("one").server_names = {"a", "a"};
  EXPECT_EQ(FindTls("a"), "one");
}

TEST_F(FilterChainTableTest, ManyValuesThatLeadToTheSameChainsStaySmall) {
  FilterChainMatch& many = Chain("many");
  for (uint16_t i = 1; i <= 5000; ++i) {
    many.server_names.push_back(std::to_string(i));
    many.application_protocols.push_back(std::to_string(i));
    many.source_ports.push_back(i);
  }
  EXPECT_FALSE(BuildFaults().too_large);
}

TEST_F(FilterChainTableTest, CombinationsThatMultiplyAreRefused) {
  // Every name leads to chains of its own, and each of these to all ports.
  for (int chain = 0; chain < 40; ++chain) {
    FilterChainMatch& match = Chain("c");
    for (int name = 0; name < 1600; ++name) {
      if ((name * 2654435761u >> (chain % 28)) & 1) match.server_names.push_back(std::to_string(name));
    }
    for (int port = 1; port <= 1000; ++port) match.source_ports.push_back(static_cast<uint16_t>(chain * 1000 + port));
  }
  EXPECT_TRUE(BuildFaults().too_large);
}

}  // namespace
}  // namespace nuncio::listener
