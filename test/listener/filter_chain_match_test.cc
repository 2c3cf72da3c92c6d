#include "source/listener/filter_chain_match.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/listener/listener_config.h"

namespace nuncio::listener {
namespace {

net::Address Ip(std::string_view text, uint16_t port = 80) { return *net::Address::FromIp(text, port); }
net::CidrRange Range(std::string_view text, uint32_t length) { return *net::CidrRange::Create(text, length); }

class FilterChainMatchTest : public testing::Test {
 protected:
  FilterChainMatch& Chain(std::string name) {
    auto chain = std::make_shared<FilterChainConfig>();
    chain->name = std::move(name);
    config_.chains.push_back(chain);
    return chain->match;
  }
  void Default() {
    auto chain = std::make_shared<FilterChainConfig>();
    chain->name = "default";
    config_.default_chain = chain;
  }
  std::string Find(const net::Address& local, const net::Address& peer) {
    const FilterChainConfig* chain = config_.FindChain(local, peer);
    return chain == nullptr ? "(none)" : chain->name;
  }

  ListenerConfig config_;
};

TEST_F(FilterChainMatchTest, AnEmptyMatchTakesAll) {
  EXPECT_TRUE(Chain("all").matches_all());
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "all");
}

TEST_F(FilterChainMatchTest, WithoutAMatchTheDefaultOrNothing) {
  Chain("ten").destinations = {Range("10.0.0.0", 8)};
  EXPECT_EQ(Find(Ip("11.0.0.1"), Ip("1.2.3.4")), "(none)");
  Default();
  EXPECT_EQ(Find(Ip("11.0.0.1"), Ip("1.2.3.4")), "default");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "ten");
}

TEST_F(FilterChainMatchTest, TheLongerPrefixWinsWhateverTheOrder) {
  Chain("8").destinations = {Range("10.0.0.0", 8)};
  Chain("24").destinations = {Range("10.1.1.0", 24)};
  Chain("16").destinations = {Range("10.1.0.0", 16), Range("192.168.0.0", 16)};
  EXPECT_EQ(Find(Ip("10.1.1.1"), Ip("1.2.3.4")), "24");
  EXPECT_EQ(Find(Ip("10.1.2.1"), Ip("1.2.3.4")), "16");
  EXPECT_EQ(Find(Ip("10.2.2.1"), Ip("1.2.3.4")), "8");
}

TEST_F(FilterChainMatchTest, ThePortGoesBeforeTheAddress) {
  Chain("address").destinations = {Range("10.0.0.1", 32)};
  Chain("port").destination_port = 80;
  EXPECT_EQ(Find(Ip("10.0.0.1", 80), Ip("1.2.3.4")), "port");
  EXPECT_EQ(Find(Ip("10.0.0.1", 81), Ip("1.2.3.4")), "address");
}

TEST_F(FilterChainMatchTest, TheDestinationGoesBeforeTheSource) {
  Chain("source").sources = {Range("1.2.3.4", 32)};
  Chain("destination").destinations = {Range("0.0.0.0", 0)};
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.3.4")), "destination");
}

TEST_F(FilterChainMatchTest, SourceTypes) {
  Chain("near").source_type = FilterChainMatch::SourceType::kSameIpOrLoopback;
  Chain("far").source_type = FilterChainMatch::SourceType::kExternal;
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("127.0.0.1")), "near");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("10.0.0.1", 999)), "near");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("10.0.0.2")), "far");
}

TEST_F(FilterChainMatchTest, SourcePortsAreTheLastWord) {
  FilterChainMatch& ports = Chain("ports");
  ports.sources = {Range("1.0.0.0", 8)};
  ports.source_ports = {1000, 1001};
  Chain("any port").sources = {Range("1.0.0.0", 8)};
  Chain("longer").sources = {Range("1.2.0.0", 16)};
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1001)), "ports");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1002)), "any port");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.2.1.1", 1001)), "longer");
}

TEST_F(FilterChainMatchTest, EveryCriterionMustHold) {
  FilterChainMatch& match = Chain("narrow");
  match.destinations = {Range("10.0.0.0", 8)};
  match.direct_sources = {Range("1.0.0.0", 8)};
  match.source_ports = {1000};
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1000)), "narrow");
  EXPECT_EQ(Find(Ip("11.0.0.1"), Ip("1.1.1.1", 1000)), "(none)");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("2.1.1.1", 1000)), "(none)");
  EXPECT_EQ(Find(Ip("10.0.0.1"), Ip("1.1.1.1", 1001)), "(none)");
}

TEST_F(FilterChainMatchTest, EqualMatchesHaveEqualKeys) {
  FilterChainMatch one;
  one.destinations = {Range("10.1.2.3", 8), Range("192.168.0.0", 16)};
  one.source_ports = {2, 1};
  FilterChainMatch other;
  other.destinations = {Range("192.168.0.0", 16), Range("10.0.0.0", 8)};
  other.source_ports = {1, 2};
  EXPECT_EQ(one.Key(), other.Key());
  other.source_ports = {12};
  EXPECT_NE(one.Key(), other.Key());
  // Host bits make no difference, so that a second chain for the same connections is found out.
  other = one;
  other.destinations[0] = Range("10.99.0.1", 8);
  EXPECT_EQ(one.Key(), other.Key());
  FilterChainMatch moved;
  moved.sources = one.destinations;
  moved.source_ports = one.source_ports;
  EXPECT_NE(one.Key(), moved.Key());
}

}  // namespace
}  // namespace nuncio::listener
