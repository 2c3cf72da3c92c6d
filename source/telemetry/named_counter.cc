#include "source/telemetry/named_counter.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace nuncio::telemetry {
namespace {

// A line of its own, as every block.
struct alignas(64) Block {
  Counter counter;
};

struct NamedDescriptor {
  NamedDescriptor(std::string_view prefix_text, std::string_view name_text) : prefix(prefix_text), name(name_text) {}
  const std::string prefix;
  const std::string name;
  const StatField field{name, StatKind::kCounter, 0};
  const BlockDescriptor descriptor{prefix, std::span(&field, 1), []() -> void* { return new Block(); },
                                   [](void* block) { delete static_cast<Block*>(block); }};
};

const BlockDescriptor& DescriptorOf(std::string_view prefix, std::string_view name) {
  static std::mutex mutex;
  static auto* const known = new std::map<std::pair<std::string, std::string>, std::unique_ptr<NamedDescriptor>>();
  const std::lock_guard lock(mutex);
  auto& entry = (*known)[{std::string(prefix), std::string(name)}];
  if (entry == nullptr) entry = std::make_unique<NamedDescriptor>(prefix, name);
  return entry->descriptor;
}

}  // namespace

Counter& NamedCounter(Scope& scope, StatsSlot slot, std::string_view prefix, std::string_view name) {
  return static_cast<Block*>(scope.Get(DescriptorOf(prefix, name), slot))->counter;
}

}  // namespace nuncio::telemetry
