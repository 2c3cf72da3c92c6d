#include "source/server/concurrency.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::server {
namespace {

TEST(ConcurrencyTest, CpuMax) {
  const struct {
    std::string_view text;
    std::optional<uint32_t> cpus;
  } cases[] = {
      {"max 100000\n", std::nullopt}, {"100000 100000\n", 1}, {"150000 100000\n", 2}, {"200000 100000", 2},
      {"1000 100000\n", 1},           {"", std::nullopt},     {"max\n", std::nullopt}, {"100000\n", std::nullopt},
      {"100000 0\n", std::nullopt},   {"0 100000\n", std::nullopt}, {"x y\n", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(c.cpus, ParseCpuMax(c.text)) << "'" << c.text << "'";
}

// A tree of control groups in a folder of the test's own.
class CgroupTest : public testing::Test {
 protected:
  CgroupTest() : root_(StrCat(testing::TempDir(), "/cgroup.", getpid())) { std::filesystem::remove_all(root_); }
  ~CgroupTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, std::string_view text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::optional<uint32_t> Limit(std::string_view self) { return CgroupCpuLimit(root_, self); }

  const std::string root_;
};

TEST_F(CgroupTest, NoTreeMeansNoLimit) {
  EXPECT_EQ(std::nullopt, Limit("0::/a/b\n"));
  EXPECT_EQ(std::nullopt, Limit(""));
  EXPECT_EQ(std::nullopt, Limit("nonsense\n:\n::"));
}

TEST_F(CgroupTest, Version2AtTheRootOfAContainer) {
  Write("/cpu.max", "250000 100000\n");
  EXPECT_EQ(3u, Limit("0::/\n"));
}

TEST_F(CgroupTest, Version2TakesTheSmallestOnTheWayToTheRoot) {
  Write("/a/cpu.max", "200000 100000\n");
  Write("/a/b/cpu.max", "800000 100000\n");
  Write("/a/b/c/cpu.max", "max 100000\n");
  Write("/a/other/cpu.max", "100000 100000\n");
  EXPECT_EQ(2u, Limit("0::/a/b/c\n"));
  EXPECT_EQ(2u, Limit("0::/a/b/without/files\n"));
  EXPECT_EQ(1u, Limit("0::/a/other"));
  EXPECT_EQ(std::nullopt, Limit("0::/elsewhere\n"));
}

TEST_F(CgroupTest, Version1) {
  Write("/cpu/docker/x/cpu.cfs_quota_us", "350000\n");
  Write("/cpu/docker/x/cpu.cfs_period_us", "100000\n");
  Write("/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(4u, Limit("12:memory:/docker/y\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/z\n"));
  EXPECT_EQ(4u, Limit("4:cpuacct,cpu:/docker/x\n"));
  // Only its own controller counts.
  EXPECT_EQ(std::nullopt, Limit("4:cpuset:/docker/x\n"));
  EXPECT_EQ(std::nullopt, Limit("4:cpu:/\n"));
}

// Within a container, /proc/self/cgroup of version 1 may name the host's path, of which the mount shows only the end.
TEST_F(CgroupTest, Version1WithTheHostsPath) {
  Write("/cpu/cpu.cfs_quota_us", "150000\n");
  Write("/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(2u, Limit("4:cpu,cpuacct:/kubepods/pod1/container\n"));
}

TEST(ConcurrencyTest, OfThisProcess) {
  EXPECT_FALSE(AllowedCpus().empty());
  EXPECT_GE(DefaultConcurrency(), 1u);
  EXPECT_LE(DefaultConcurrency(), AllowedCpus().size());
}

}  // namespace
}  // namespace nuncio::server
