#include "source/xds/discovery_request.h"

#include <string>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "gtest/gtest.h"

namespace nuncio::xds {
namespace {

std::string ErrorOf(const std::string& bytes) {
  envoy::service::discovery::v3::DiscoveryRequest message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message.error_detail().message();
}

std::vector<std::string> NamesOf(std::string_view names) {
  DiscoveryRequest request;
  request.type_url = "type.googleapis.com/Word";
  request.names = names;
  envoy::service::discovery::v3::DiscoveryRequest message;
  EXPECT_TRUE(message.ParseFromString(Encode(request)));
  EXPECT_EQ(message.type_url(), "type.googleapis.com/Word");
  return {message.resource_names().begin(), message.resource_names().end()};
}

TEST(DiscoveryRequestTest, NamesComeAndGoInTheirWireForm) {
  using Names = std::vector<std::string>;
  const std::string longer(300, 'l');
  std::string names = ChangeNames("", {"b", "d", longer}, {"never"});
  EXPECT_EQ(NamesOf(names), (Names{"b", "d", longer}));
  names = ChangeNames(names, {"a", "c", "d", "z"}, {"b"});
  EXPECT_EQ(NamesOf(names), (Names{"a", "c", "d", longer, "z"}));
  names = ChangeNames(names, {}, {"a", "c", "d", "z", longer});
  EXPECT_EQ(names, "");
}

TEST(DiscoveryRequestTest, LinesBeyondTheLimitAreCounted) {
  EXPECT_EQ("one\ntwo", CutLines("one\ntwo", 7));
  EXPECT_EQ("one\n2 more", CutLines("one\ntwo\nthree", 6));
}

TEST(DiscoveryRequestTest, AnErrorIsBoundedAndValidUtf8) {
  DiscoveryRequest request;
  const std::string error = "caf\xc3\xa9 \xff \xed\xa0\x80 \xf0\x9f\x98\x80 \xc3";
  request.error = error;
  EXPECT_EQ("caf\xc3\xa9 ? ??? \xf0\x9f\x98\x80 ?", ErrorOf(Encode(request)));
  std::string many;
  for (int i = 0; i < 100000; ++i) many += "Cluster \"a\": name: is wrong\n";
  request.error = many;
  EXPECT_LT(ErrorOf(Encode(request)).size(), kMaxErrorLength + 32);
}

}  // namespace
}  // namespace nuncio::xds
