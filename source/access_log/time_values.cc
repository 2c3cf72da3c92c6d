#include "source/access_log/time_values.h"

#include <algorithm>
#include <chrono>

#include "source/base/clock.h"

namespace nuncio::access_log {
namespace {

int64_t Millis(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }
Value MillisOrNone(Duration d) { return d < Duration::zero() ? Value{} : Value::Number(Millis(d)); }

Duration Moment(const StreamInfo& info, int moment) {
  switch (moment) {
    case 1: return info.request_end;
    case 2: return info.upstream_begin;
    case 3: return info.upstream_request_end;
    case 4: return info.response_begin;
    case 5: return info.response_end;
    case 6: return info.downstream_begin;
    case 7: return info.end;
    default: return Duration::zero();
  }
}

}  // namespace

Value StartTime(const Operator& op, const StreamInfo& info, std::string& scratch) {
  op.parameters().time->Append(info.start_system, scratch);
  return Value::Text(scratch);
}

Value EmitTime(const Operator& op, const StreamInfo& info, std::string& scratch) {
  op.parameters().time->Append(info.start_system + std::max(info.end, Duration::zero()), scratch);
  return Value::Text(scratch);
}

Value TotalDuration(const Operator&, const StreamInfo& info, std::string&) { return MillisOrNone(info.end); }
Value RequestDuration(const Operator&, const StreamInfo& info, std::string&) { return MillisOrNone(info.request_end); }
Value RequestTxDuration(const Operator&, const StreamInfo& info, std::string&) {
  return MillisOrNone(info.upstream_request_end);
}
Value ResponseDuration(const Operator&, const StreamInfo& info, std::string&) {
  return MillisOrNone(info.response_begin);
}
Value ResponseTxDuration(const Operator&, const StreamInfo& info, std::string&) {
  if (info.response_begin < Duration::zero() || info.end < Duration::zero()) return {};
  return Value::Number(Millis(info.end - info.response_begin));
}

Value CommonDuration(const Operator& op, const StreamInfo& info, std::string&) {
  const Duration from = Moment(info, op.parameters().from);
  const Duration to = Moment(info, op.parameters().to);
  if (from < Duration::zero() || to < from) return {};
  switch (op.parameters().choice) {
    case 0: return Value::Number(Millis(to - from));
    case 1: return Value::Number(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
    default: return Value::Number((to - from).count());
  }
}

}  // namespace nuncio::access_log
