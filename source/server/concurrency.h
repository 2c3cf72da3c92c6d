#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nuncio::server {

// CPUs that the process may run on, by number.
std::vector<int> AllowedCpus();

// Workers to start where the command line does not say: the allowed CPUs, or fewer where the cgroup's CPU quota,
// rounded up, is smaller. At least 1.
uint32_t DefaultConcurrency();

// "max 100000" or "150000 100000" (cgroup v2 cpu.max) -> CPUs, rounded up; nothing without a limit.
std::optional<uint32_t> ParseCpuMax(std::string_view text);

// The smallest quota on the way from the process's cgroup to the root. `root` is "/sys/fs/cgroup" and `self` the text
// of /proc/self/cgroup. Knows version 2 and the cpu controller of version 1.
std::optional<uint32_t> CgroupCpuLimit(const std::string& root, std::string_view self);

}  // namespace nuncio::server
