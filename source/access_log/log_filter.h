#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "source/access_log/stream_info.h"
#include "source/matcher/header_matcher.h"

namespace nuncio::access_log {

struct LogComparison {
  enum class Op : uint8_t { kEqual, kGreaterOrEqual, kLessOrEqual, kNotEqual };
  Op op = Op::kEqual;
  uint64_t value = 0;
  bool Holds(uint64_t figure) const;
};

// Some response flags, or any of them.
struct LogFlagSet {
  bool any = false;
  // As ResponseFlags::bits().
  uint32_t bits = 0;
};

// Which entries are written. Immutable; any thread.
class LogFilter {
 public:
  struct Status {
    LogComparison comparison;
  };
  // Milliseconds from the request's first byte to the answer's last.
  struct DurationMillis {
    LogComparison comparison;
  };
  // As GrpcStatusOf; kUnknown where nothing was answered.
  struct GrpcStatus {
    // A bit for each number of `grpc-status`.
    uint32_t statuses = 0;
    bool exclude = false;
  };
  struct All {
    std::vector<LogFilter> parts;
  };
  struct OneOf {
    std::vector<LogFilter> parts;
  };
  using Test = std::variant<Status, DurationMillis, LogFlagSet, matcher::HeaderMatcher, GrpcStatus, All, OneOf>;

  explicit LogFilter(Test test) : test_(std::move(test)) {}
  bool Matches(const StreamInfo& info) const;

 private:
  Test test_;
};

}  // namespace nuncio::access_log
