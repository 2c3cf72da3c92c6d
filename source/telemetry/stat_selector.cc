#include "source/telemetry/stat_selector.h"

#include <re2/re2.h>

#include "source/base/strings.h"

namespace nuncio::telemetry {

absl::StatusOr<StatSelector> StatSelector::Create(const StatsQuery& query, const Matcher& matcher) {
  StatSelector out;
  out.type_ = query.type;
  out.used_only_ = query.used_only;
  out.matcher_ = matcher;
  if (query.filter.empty()) return out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto filter = std::make_shared<const re2::RE2>(query.filter, options);
  if (!filter->ok()) return InvalidArgument(StrCat("filter: \"", query.filter, "\": ", filter->error()));
  out.filter_ = std::move(filter);
  return out;
}

bool StatSelector::Kind(StatKind kind) const {
  switch (type_) {
    case StatsQuery::Type::kAll: return true;
    case StatsQuery::Type::kCounters: return kind == StatKind::kCounter || kind == StatKind::kStatusCodes;
    case StatsQuery::Type::kGauges: return kind == StatKind::kGauge;
    case StatsQuery::Type::kHistograms: return kind == StatKind::kHistogram;
    case StatsQuery::Type::kTextReadouts: return kind == StatKind::kText;
  }
  return false;
}

bool StatSelector::Shows(const Scope& scope, const StatView& view, std::string& name) const {
  if (!Kind(view.kind) || (used_only_ && !view.used)) return false;
  name = scope.name().text();
  view.AppendName(name);
  if (filter_ != nullptr && !re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *filter_)) return false;
  return matcher_ == nullptr || matcher_(name);
}

}  // namespace nuncio::telemetry
