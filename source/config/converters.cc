#include "source/config/converters.h"

#include <algorithm>
#include <cmath>

#include "google/protobuf/util/time_util.h"
#include "source/base/longest_duration.h"
#include "source/base/strings.h"

namespace nuncio::config {

std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& duration, Faults& faults) {
  constexpr int64_t kMaxSeconds = 9'223'372'035;
  constexpr int32_t kNanosPerSecond = 1'000'000'000;
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  if (nanos <= -kNanosPerSecond || nanos >= kNanosPerSecond || (seconds < 0 && nanos > 0) ||
      (seconds > 0 && nanos < 0)) {
    faults.Add(StrCat("is not a valid duration: ", seconds, " seconds and ", nanos, " nanos"));
    return {};
  }
  if (seconds < 0 || nanos < 0) {
    faults.Add(StrCat("must not be negative (is ", google::protobuf::util::TimeUtil::ToString(duration), ")"));
    return {};
  }
  if (seconds > kMaxSeconds) {
    faults.Add(StrCat("must be at most ", kMaxSeconds, "s (is ", seconds, "s)"));
    return {};
  }
  return std::min<std::chrono::nanoseconds>(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos),
                                            kLongestDuration);
}

std::chrono::nanoseconds DurationField(bool is_set, const google::protobuf::Duration& duration, std::string_view field,
                                       std::chrono::nanoseconds unset, Faults& faults) {
  if (!is_set) return unset;
  Faults::Scope scope(faults, field);
  return ToDuration(duration, faults);
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  return google::protobuf::util::TimeUtil::ToString(
      google::protobuf::util::TimeUtil::NanosecondsToDuration(duration.count()));
}

Fraction ToFraction(const envoy::type::v3::FractionalPercent& percent, Faults& faults) {
  using envoy::type::v3::FractionalPercent;
  switch (percent.denominator()) {
    case FractionalPercent::HUNDRED:
      return {percent.numerator(), 100};
    case FractionalPercent::TEN_THOUSAND:
      return {percent.numerator(), 10'000};
    case FractionalPercent::MILLION:
      return {percent.numerator(), 1'000'000};
    default:
      faults.Add("denominator", StrCat("must be one of HUNDRED, TEN_THOUSAND, MILLION (is ",
                                       static_cast<int>(percent.denominator()), ")"));
      return {};
  }
}

Fraction ToFraction(const envoy::type::v3::Percent& percent, Faults& faults) {
  const double value = percent.value();
  if (!(value >= 0 && value <= 100)) {
    faults.Add("value", StrCat("must be from 0 to 100 (is ", value, ")"));
    return {};
  }
  return {static_cast<uint32_t>(std::lround(value * 10'000)), 1'000'000};
}

}  // namespace nuncio::config
