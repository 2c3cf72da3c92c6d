#include "source/upstream/server_name.h"

#include "gtest/gtest.h"
#include "source/base/arena.h"

namespace nuncio::upstream {
namespace {

class ServerNameTest : public testing::Test {
 protected:
  std::string_view For(std::string_view authority) {
    head_.authority = authority;
    return ServerNameFor(config_, head_);
  }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  http::RequestHead head_{arena_};
  ClusterConfig config_;
};

TEST_F(ServerNameTest, NothingUnlessTheClusterWantsIt) {
  EXPECT_EQ(For("example.com"), "");
  config_.tls_names.Own().override_header = "x-name";
  EXPECT_EQ(For("example.com"), "");
}

TEST_F(ServerNameTest, TheHostOfTheRequestWithoutPort) {
  config_.tls_names.Own().auto_sni = true;
  EXPECT_EQ(For("example.com"), "example.com");
  EXPECT_EQ(For("example.com:8443"), "example.com");
  EXPECT_EQ(For(""), "");
  EXPECT_EQ(For("not@an authority"), "");
}

TEST_F(ServerNameTest, AddressesAreNoSniButMayStandInACertificate) {
  config_.tls_names.Own().auto_sni = true;
  EXPECT_EQ(For("192.0.2.1:80"), "");
  EXPECT_EQ(For("[2001:db8::1]:80"), "");
  EXPECT_EQ(For("192.0.2.1.example"), "192.0.2.1.example");
  config_.tls_names.Own().auto_san_validation = true;
  EXPECT_EQ(For("192.0.2.1:80"), "192.0.2.1");
  EXPECT_EQ(For("[2001:db8::1]:80"), "2001:db8::1");
  EXPECT_TRUE(IsAddress("192.0.2.1"));
  EXPECT_TRUE(IsAddress("2001:db8::1"));
  EXPECT_FALSE(IsAddress("192.0.2.256"));
  EXPECT_FALSE(IsAddress("a.name.longer.than.any.address"));
}

TEST_F(ServerNameTest, AHeaderMayStandForTheHost) {
  config_.tls_names.Own().auto_sni = true;
  config_.tls_names.Own().override_header = "x-name";
  EXPECT_EQ(For("example.com"), "example.com");
  head_.headers.Add("X-Name", "");
  EXPECT_EQ(For("example.com"), "example.com");
  head_.headers.Remove("x-name");
  head_.headers.Add("X-Name", "other.example:1");
  EXPECT_EQ(For("example.com"), "other.example");
}

}  // namespace
}  // namespace nuncio::upstream
