#include "source/listener/route_registry.h"

#include "source/base/process_memory.h"
#include "test/admin/admin_fixture.h"

namespace nuncio::listener {
namespace {

class RouteRegistryTest : public admin::AdminFixture {
 protected:
  std::shared_ptr<RouteSubscription> Acquire(const std::string& name) {
    return routes_.Acquire(config::ConfigSource{config::AdsSource{}}, name, "http");
  }
};

TEST_F(RouteRegistryTest, ARouteConfigurationIsOneForAllWhileSomebodyUsesIt) {
  auto one = Acquire("a");
  EXPECT_EQ(one, Acquire("a"));
  EXPECT_NE(one, Acquire("b"));
  EXPECT_NE(one, routes_.Acquire(config::ConfigSource{config::FileSource{"/f", ""}}, "a", "http"));
  EXPECT_EQ(1u, routes_.All().size());
  one.reset();
  EXPECT_TRUE(routes_.All().empty());
  EXPECT_NE(nullptr, Acquire("a"));
}

TEST_F(RouteRegistryTest, NamesThatChangeWithEachDeploymentLeaveNothing) {
  uint64_t before = 0;
  for (int i = 0; i < 11000; ++i) {
    if (i == 1000) before = ReadProcessMemory().allocated;
    Acquire(StrCat("routes-", i));
    workers_.at(0).loop().RunOnce();
  }
  EXPECT_LT(ReadProcessMemory().allocated, before + (1 << 20));
}

}  // namespace
}  // namespace nuncio::listener
