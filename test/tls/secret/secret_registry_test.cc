#include "source/tls/secret/secret_registry.h"

#include "source/base/process_memory.h"
#include "test/tls/secret/secret_fixture.h"

namespace nuncio::tls {
namespace {

class SecretRegistryTest : public SecretFixture {
 protected:
  std::shared_ptr<LiveSecret> AcquireNamed(const std::string& name) {
    SecretUse use;
    use.kind = SecretKind::kCertificate;
    use.name = name;
    use.source = config::ConfigSource{config::AdsSource{}};
    return registry_.secrets().Acquire(use, "label", nullptr);
  }
};

TEST_F(SecretRegistryTest, ADiscoveredSecretIsOneForAllWhileSomebodyUsesIt) {
  auto one = AcquireNamed("a");
  EXPECT_EQ(one, AcquireNamed("a"));
  EXPECT_NE(one, AcquireNamed("b"));
  EXPECT_EQ(1u, subscriptions_.watchers());
  EXPECT_EQ(1u, registry_.secrets().discovered().size());
  one.reset();
  EXPECT_EQ(0u, subscriptions_.watchers());
  EXPECT_TRUE(registry_.secrets().discovered().empty());
  EXPECT_NE(nullptr, AcquireNamed("a"));
}

TEST_F(SecretRegistryTest, NamesThatChangeWithEachDeploymentLeaveNothing) {
  uint64_t before = 0;
  for (int i = 0; i < 11000; ++i) {
    if (i == 1000) before = ReadProcessMemory().allocated;
    AcquireNamed(StrCat("certificate-", i));
    subscriptions_.asked.clear();
    Turn();
  }
  EXPECT_LT(ReadProcessMemory().allocated, before + (1 << 20));
}

}  // namespace
}  // namespace nuncio::tls
