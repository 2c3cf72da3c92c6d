#include "source/access_log/log_filter.h"

#include <algorithm>

#include "source/access_log/grpc_status.h"
#include "source/http/grpc/status.h"

namespace nuncio::access_log {
namespace {

struct Visitor {
  const StreamInfo& info;

  bool operator()(const LogFilter::Status& test) const { return test.comparison.Holds(info.response_code); }
  bool operator()(const LogFilter::DurationMillis& test) const {
    if (info.end < Duration::zero()) return false;
    return test.comparison.Holds(
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(info.end).count()));
  }
  bool operator()(const LogFlagSet& test) const {
    return test.any ? info.flags.any() : (info.flags.bits() & test.bits) != 0;
  }
  bool operator()(const matcher::HeaderMatcher& test) const {
    return info.request != nullptr && test.Matches(*info.request);
  }
  bool operator()(const LogFilter::GrpcStatus& test) const {
    const int64_t status = GrpcStatusOf(info).value_or(static_cast<int64_t>(http::grpc::StatusCode::kUnknown));
    const bool named = status >= 0 && status < 32 && (test.statuses >> status & 1) != 0;
    return named != test.exclude;
  }
  bool operator()(const LogFilter::All& test) const {
    return std::all_of(test.parts.begin(), test.parts.end(), [this](const LogFilter& f) { return f.Matches(info); });
  }
  bool operator()(const LogFilter::OneOf& test) const {
    return std::any_of(test.parts.begin(), test.parts.end(), [this](const LogFilter& f) { return f.Matches(info); });
  }
};

}  // namespace

bool LogComparison::Holds(uint64_t figure) const {
  switch (op) {
    case Op::kEqual: return figure == value;
    case Op::kGreaterOrEqual: return figure >= value;
    case Op::kLessOrEqual: return figure <= value;
    case Op::kNotEqual: return figure != value;
  }
  return false;
}

bool LogFilter::Matches(const StreamInfo& info) const { return std::visit(Visitor{info}, test_); }

}  // namespace nuncio::access_log
