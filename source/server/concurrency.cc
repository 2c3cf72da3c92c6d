#include "source/server/concurrency.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "source/base/strings.h"

namespace nuncio::server {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint32_t> Quota(std::string_view quota, std::string_view period) {
  const auto q = ParseDecimal<uint64_t>(quota);
  const auto p = ParseDecimal<uint64_t>(period);
  if (!q.has_value() || !p.has_value() || *p == 0 || *q == 0) return std::nullopt;
  return static_cast<uint32_t>(std::max<uint64_t>(1, (*q + *p - 1) / *p));
}

std::string_view TrimLine(std::string_view s) {
  while (!s.empty() && (s.back() == '\n' || s.back() == ' ')) s.remove_suffix(1);
  return s;
}

void TakeSmaller(std::optional<uint32_t>& limit, std::optional<uint32_t> other) {
  if (other.has_value()) limit = std::min(limit.value_or(*other), *other);
}

// Calls `f` with `path` and each of its parents down to "".
template <typename F>
void ForEachParent(std::string path, F&& f) {
  while (true) {
    f(path);
    const size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return;
    path.resize(slash);
  }
}

}  // namespace

std::vector<int> AllowedCpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<uint32_t> ParseCpuMax(std::string_view text) {
  text = TrimLine(text);
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return Quota(text.substr(0, space), text.substr(space + 1));
}

std::optional<uint32_t> CgroupCpuLimit(const std::string& root, std::string_view self) {
  std::optional<uint32_t> limit;
  while (!self.empty()) {
    const size_t end = self.find('\n');
    const std::string_view line = self.substr(0, end);
    self = end == std::string_view::npos ? std::string_view() : self.substr(end + 1);
    // "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string path(line.substr(second + 1));
    if (path == "/") path.clear();
    if (controllers.empty()) {
      ForEachParent(path, [&](const std::string& at) {
        if (auto text = ReadFile(StrCat(root, at, "/cpu.max"))) TakeSmaller(limit, ParseCpuMax(*text));
      });
    } else if (StrCat(",", controllers, ",").find(",cpu,") != std::string::npos) {
      ForEachParent(path, [&](const std::string& at) {
        auto quota = ReadFile(StrCat(root, "/cpu", at, "/cpu.cfs_quota_us"));
        auto period = ReadFile(StrCat(root, "/cpu", at, "/cpu.cfs_period_us"));
        if (quota && period) TakeSmaller(limit, Quota(TrimLine(*quota), TrimLine(*period)));
      });
    }
  }
  return limit;
}

uint32_t DefaultConcurrency() {
  const auto cpus = static_cast<uint32_t>(AllowedCpus().size());
  const std::optional<uint32_t> quota =
      CgroupCpuLimit("/sys/fs/cgroup", ReadFile("/proc/self/cgroup").value_or(""));
  return std::max<uint32_t>(1, std::min(cpus, quota.value_or(cpus)));
}

}  // namespace nuncio::server
