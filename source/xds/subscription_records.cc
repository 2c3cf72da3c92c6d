#include "source/xds/subscription_records.h"

#include <algorithm>

namespace nuncio::xds {
namespace {

// How much is kept for later, where nobody reads statistics.
constexpr size_t kMaxLate = 256;

}  // namespace

SubscriptionRecords::SubscriptionRecords(telemetry::StatsStore& stats) : stats_(stats) { stats_.Add(*this); }

SubscriptionRecords::~SubscriptionRecords() { stats_.Remove(*this); }

void SubscriptionRecords::Add(const Ref& record) {
  record->self = record;
  record->number = ++last_number_;
  wildcards_ += record->wildcard;
  records_.emplace(record->number, record);
  unsettled_.emplace(record->number, record);
  Index(*record);
}

void SubscriptionRecords::Remove(Record& record) {
  CatchUp(record);
  record.alive = false;
  record.first_fetch.Disarm();
  Unindex(record);
  wildcards_ -= record.wildcard;
  unsettled_.erase(record.number);
  records_.erase(record.number);
}

void SubscriptionRecords::Rename(Record& record, std::set<std::string> names) {
  std::set<std::string> untold;
  for (const std::string& name : names) {
    if (!record.names.contains(name) || record.untold.contains(name)) untold.insert(name);
  }
  Unindex(record);
  record.names = std::move(names);
  record.untold = std::move(untold);
  Index(record);
  Unsettle(record);
}

void SubscriptionRecords::Index(Record& record) {
  for (const std::string& name : record.names) {
    if (!Named(name)) {
      changes_.went.erase(name);
      changes_.came.insert(name);
      unanswered_.insert(name);
    }
    by_name_.emplace(name, &record);
  }
}

void SubscriptionRecords::Unindex(Record& record) {
  for (const std::string& name : record.names) {
    by_name_.erase({name, &record});
    if (Named(name)) continue;
    changes_.came.erase(name);
    changes_.went.insert(name);
    unanswered_.erase(name);
  }
}

bool SubscriptionRecords::Named(std::string_view name) const {
  const auto at = by_name_.lower_bound({name, nullptr});
  return at != by_name_.end() && at->first == name;
}

SubscriptionRecords::List SubscriptionRecords::Copy(const Map& records) {
  List out;
  out.reserve(records.size());
  for (const auto& [number, record] : records) out.push_back(record);
  return out;
}

SubscriptionRecords::List SubscriptionRecords::Concerned(const std::vector<std::string_view>& names) const {
  List out = Copy(unsettled_);
  for (const std::string_view name : names) {
    ForEachNaming(name, [&out](Record& record) {
      if (record.settled) out.push_back(record.self.lock());
    });
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void SubscriptionRecords::Unsettle(Record& record) {
  if (!record.settled) return;
  CatchUp(record);
  record.settled = false;
  unsettled_.emplace(record.number, record.self.lock());
}

void SubscriptionRecords::UnsettleAll() {
  CatchUp();
  for (const auto& [number, record] : records_) record->settled = false;
  unsettled_ = records_;
}

void SubscriptionRecords::Tell(Record& record, const config::SubscriptionEvent& event) {
  record.watcher.OnSubscriptionEvents({&event, 1});
}

void SubscriptionRecords::TellSettled(config::SubscriptionEvent event) {
  if (unsettled_.size() == records_.size()) return;
  if (late_.size() >= kMaxLate) CatchUp();
  late_.push_back(std::move(event));
}

void SubscriptionRecords::CatchUp() {
  if (late_.empty()) return;
  for (const auto& [number, record] : records_) {
    CatchUp(*record);
    record->told = 0;
  }
  late_.clear();
}

void SubscriptionRecords::CatchUp(Record& record) {
  if (!record.settled || record.told == late_.size()) return;
  record.watcher.OnSubscriptionEvents(std::span(late_).subspan(record.told));
  record.told = late_.size();
}

}  // namespace nuncio::xds
