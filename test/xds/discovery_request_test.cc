#include "source/xds/discovery_request.h"

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "gtest/gtest.h"

namespace nuncio::xds {
namespace {

std::string ErrorOf(const std::string& bytes) {
  envoy::service::discovery::v3::DiscoveryRequest message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message.error_detail().message();
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
