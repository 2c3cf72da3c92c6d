#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "source/telemetry/block.h"

namespace nuncio::telemetry {

// What the admin interface's /stats may be asked for.
struct StatsQuery {
  enum class Format { kText, kJson, kPrometheus };
  // One kind only.
  enum class Type { kAll, kCounters, kGauges, kHistograms, kTextReadouts };

  Format format = Format::kText;
  Type type = Type::kAll;
  // RE2, found anywhere in the full name. Empty: everything.
  std::string filter{};
  // Only what was ever written.
  bool used_only = false;
};

// Output in slices, so that main never stays away from its loop for long. Main only.
class StatsCursor {
 public:
  virtual ~StatsCursor() = default;
  // Appends the next part to `out`: at most one statistic more than `max_bytes`, possibly nothing where much was
  // skipped. False when that was the end.
  virtual bool Next(std::string& out, size_t max_bytes) = 0;
};

}  // namespace nuncio::telemetry
