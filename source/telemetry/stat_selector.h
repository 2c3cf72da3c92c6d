#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "source/telemetry/scope.h"
#include "source/telemetry/stats_cursor.h"

namespace re2 {
class RE2;
}

namespace nuncio::telemetry {

// Which statistics a query shows.
class StatSelector {
 public:
  using Matcher = std::function<bool(std::string_view name)>;

  static absl::StatusOr<StatSelector> Create(const StatsQuery& query, const Matcher& matcher);

  bool Kind(StatKind kind) const;
  // Whether `view` of `scope` is shown; `name` is then its full name.
  bool Shows(const Scope& scope, const StatView& view, std::string& name) const;

 private:
  StatSelector() = default;

  StatsQuery::Type type_ = StatsQuery::Type::kAll;
  bool used_only_ = false;
  std::shared_ptr<const re2::RE2> filter_;
  Matcher matcher_;
};

}  // namespace nuncio::telemetry
