#include "source/net/address.h"

#include "gtest/gtest.h"

namespace nuncio::net {
namespace {

Address Ip(std::string_view text, uint16_t port = 80) {
  auto address = Address::FromIp(text, port);
  EXPECT_TRUE(address.ok()) << text << ": " << address.status();
  return *address;
}

TEST(AddressTest, TextGoesThereAndBack) {
  EXPECT_EQ(Ip("10.1.2.3", 8080).ToString(), "10.1.2.3:8080");
  EXPECT_EQ(Ip("::1", 80).ToString(), "[::1]:80");
  EXPECT_EQ(Ip("[::1]", 80), Ip("::1", 80));
  EXPECT_EQ(Ip("2001:DB8:0:0::1").IpText(), "2001:db8::1");
  for (const char* text : {"0.0.0.0", "255.255.255.255", "10.200.3.99"}) EXPECT_EQ(Ip(text).IpText(), text);
  for (const char* text : {"1.2.3.4:80", "[::1]:443", "[2001:db8::1]:65535"}) {
    auto address = Address::FromIpPort(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(AddressTest, WhatIsNoAddressIsRefused) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "01.2.3.4x", "localhost", "::g", "[::1", "[1.2.3.4]x"}) {
    EXPECT_FALSE(Address::FromIp(text, 1).ok()) << text;
  }
  for (const char* text : {"1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "::1", "[::1]", "[::1]80", ":80"}) {
    EXPECT_FALSE(Address::FromIpPort(text).ok()) << text;
  }
}

TEST(AddressTest, Paths) {
  auto path = Address::FromPath("/run/x.sock");
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path->IpText(), "/run/x.sock");
  EXPECT_EQ(path->port(), 0);
  EXPECT_FALSE(path->is_ip());
  EXPECT_TRUE(Address::FromPath("@abstract").ok());
  EXPECT_EQ(Address::FromPath("@abstract")->IpText(), "@abstract");
  EXPECT_TRUE(Address::FromPath(std::string(107, 'p')).ok());
  EXPECT_FALSE(Address::FromPath(std::string(108, 'p')).ok());
  EXPECT_FALSE(Address::FromPath("").ok());
}

TEST(AddressTest, Kinds) {
  EXPECT_TRUE(Ip("0.0.0.0").is_any());
  EXPECT_TRUE(Ip("::").is_any());
  EXPECT_FALSE(Ip("0.0.0.1").is_any());
  for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(Ip(text).is_loopback()) << text;
  }
  EXPECT_FALSE(Ip("128.0.0.1").is_loopback());
  for (const char* text : {"10.255.0.1", "172.16.0.1", "172.31.255.255", "192.168.9.9", "fd00::1", "127.0.0.1"}) {
    EXPECT_TRUE(Ip(text).is_private()) << text;
  }
  for (const char* text : {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "2001:db8::1", "8.8.8.8"}) {
    EXPECT_FALSE(Ip(text).is_private()) << text;
  }
}

TEST(AddressTest, MappedAddressesArePlainOnesUnmapped) {
  EXPECT_EQ(Ip("::ffff:1.2.3.4", 7).Unmapped(), Ip("1.2.3.4", 7));
  EXPECT_EQ(Ip("2001:db8::1").Unmapped(), Ip("2001:db8::1"));
}

TEST(AddressTest, EqualityIncludesThePort) {
  EXPECT_EQ(Ip("1.2.3.4", 1), Ip("1.2.3.4", 1));
  EXPECT_FALSE(Ip("1.2.3.4", 1) == Ip("1.2.3.4", 2));
  EXPECT_EQ(Ip("1.2.3.4", 1).WithPort(2), Ip("1.2.3.4", 2));
  EXPECT_EQ(Ip("1.2.3.4", 1).Hash(), Ip("1.2.3.4", 1).Hash());
}

CidrRange Range(std::string_view address, uint32_t length) {
  auto range = CidrRange::Create(address, length);
  EXPECT_TRUE(range.ok()) << range.status();
  return *range;
}

TEST(CidrRangeTest, HoldsItsAddressesAndNoOthers) {
  struct Case {
    const char* base;
    uint32_t length;
    const char* address;
    bool inside;
  };
  for (const Case& each : std::initializer_list<Case>{
           {"10.0.0.0", 8, "10.255.255.255", true},
           {"10.0.0.0", 8, "11.0.0.0", false},
           {"10.1.2.3", 32, "10.1.2.3", true},
           {"10.1.2.3", 32, "10.1.2.2", false},
           {"10.1.2.200", 25, "10.1.2.128", true},
           {"10.1.2.200", 25, "10.1.2.127", false},
           {"0.0.0.0", 0, "255.1.2.3", true},
           {"0.0.0.0", 0, "2001:db8::1", false},
           {"::", 0, "2001:db8::1", true},
           {"2001:db8::", 33, "2001:db8:7fff::1", true},
           {"2001:db8::", 33, "2001:db8:8000::1", false},
           {"10.0.0.0", 8, "::ffff:10.1.1.1", true},
       }) {
    EXPECT_EQ(Range(each.base, each.length).Contains(Ip(each.address)), each.inside)
        << each.base << "/" << each.length << " " << each.address;
  }
  EXPECT_FALSE(Range("0.0.0.0", 0).Contains(*Address::FromPath("/x")));
}

TEST(CidrRangeTest, TooLongPrefixesAndNonAddressesAreRefused) {
  EXPECT_FALSE(CidrRange::Create("10.0.0.0", 33).ok());
  EXPECT_FALSE(CidrRange::Create("::", 129).ok());
  EXPECT_FALSE(CidrRange::Create("ten", 8).ok());
}

TEST(CidrRangeTest, EqualRangesHaveEqualText) {
  EXPECT_EQ(Range("10.1.2.3", 8).ToString(), Range("10.0.0.0", 8).ToString());
}

}  // namespace
}  // namespace nuncio::net
