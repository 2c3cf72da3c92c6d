#include "source/telemetry/grpc_stats.h"

#include <algorithm>
#include <utility>

#include "source/telemetry/named_counter.h"

namespace nuncio::telemetry {
namespace {

// A scope of each naming without a method stands beside those of the methods.
constexpr size_t kMaxParts = GrpcStats::kMaxMethods + 3;

}  // namespace

void GrpcMethodStats::CountCall(std::string_view status) {
  if (calls_ == nullptr) [[unlikely]] calls_ = &scope_->Get<GrpcCallStats>(slot_);
  calls_->total.Inc();
  const auto code = ParseDecimal<uint32_t>(status);
  (code == 0u ? calls_->success : calls_->failure).Inc();
  if (!code.has_value() || *code >= kStatuses) return;
  Counter*& counter = statuses_[*code];
  if (counter == nullptr) [[unlikely]] counter = &NamedCounter(*scope_, slot_, "", StrCat(*code));
  counter->Inc();
}

void GrpcMethodStats::RecordUpstreamTime(uint64_t millis) {
  if (times_ == nullptr) [[unlikely]] times_ = &scope_->Get<GrpcTimeStats>(slot_);
  times_->upstream_rq_time.Record(millis);
}

GrpcMessageStats& GrpcMethodStats::messages() {
  if (messages_ == nullptr) [[unlikely]] messages_ = &scope_->Get<GrpcMessageStats>(slot_);
  return *messages_;
}

ScopeName GrpcStats::NameOf(Naming naming) const {
  ScopeName name = cluster_->name();
  return name.Add(naming == Naming::kGrpcWeb ? "grpc-web" : "grpc");
}

GrpcMethodStats& GrpcStats::OfOthers(Naming naming) {
  std::unique_ptr<GrpcMethodStats>& others = families_[static_cast<size_t>(naming)].others;
  if (others == nullptr) [[unlikely]] {
    others = std::make_unique<GrpcMethodStats>(cluster_->Part(NameOf(naming), SIZE_MAX), slot_);
  }
  return *others;
}

GrpcMethodStats& GrpcStats::OfMethod(Naming naming, std::string_view method) {
  auto& methods = families_[static_cast<size_t>(naming)].methods;
  if (const auto it = methods.find(method); it != methods.end()) return *it->second;
  GrpcMethodStats* added = full_ || method.size() > kMaxNameLength ? nullptr : Add(naming, method);
  return added == nullptr ? Overflow(naming) : *added;
}

GrpcMethodStats* GrpcStats::Add(Naming naming, std::string_view method) {
  const size_t slash = method.find('/');
  std::string service(method.substr(0, slash));
  if (naming == Naming::kGrpcWithoutDots) std::replace(service.begin(), service.end(), '.', '_');
  ScopeName name = NameOf(naming);
  name.AddTagged(service, tags::kGrpcService).AddTagged(method.substr(slash + 1), tags::kGrpcMethod);
  ScopePtr scope = cluster_->Part(name, kMaxParts);
  if (scope == nullptr) {
    full_ = true;
    return nullptr;
  }
  auto stats = std::make_unique<GrpcMethodStats>(std::move(scope), slot_);
  return families_[static_cast<size_t>(naming)].methods.emplace(method, std::move(stats)).first->second.get();
}

GrpcMethodStats& GrpcStats::Overflow(Naming naming) {
  if (overflow_ == nullptr) overflow_ = &cluster_->Part(NameOf(naming), SIZE_MAX)->Get<GrpcOverflowStats>(slot_);
  overflow_->methods_overflow.Inc();
  return OfOthers(naming);
}

}  // namespace nuncio::telemetry
