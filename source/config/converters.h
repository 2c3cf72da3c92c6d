#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "envoy/type/v3/percent.pb.h"
#include "google/protobuf/duration.pb.h"
#include "source/config/fault.h"
#include "source/config/fraction.h"

// Values of the API's small types as the structs of `:config` hold them.
namespace nuncio::config {

// A length of time, zero or more, and at most kLongestDuration. A negative one, one whose parts differ in sign or are
// out of range, and one above 292 years (what nanoseconds hold in 64 bits) is a fault at the current path, and zero is
// returned.
std::chrono::nanoseconds ToDuration(const google::protobuf::Duration& duration, Faults& faults);

// The same for an optional field: `unset` where `is_set` is false, faults at `field` below the current path.
//   DurationField(proto.has_connect_timeout(), proto.connect_timeout(), "connect_timeout", 5s, faults)
std::chrono::nanoseconds DurationField(bool is_set, const google::protobuf::Duration& duration, std::string_view field,
                                       std::chrono::nanoseconds unset, Faults& faults);

// "1.5s", for messages.
std::string FormatDuration(std::chrono::nanoseconds duration);

// A numerator above its denominator counts as all. A denominator that the API does not have is a fault.
Fraction ToFraction(const envoy::type::v3::FractionalPercent& percent, Faults& faults);

// To the ten-thousandth of a percent. What is not from 0 to 100 is a fault.
Fraction ToFraction(const envoy::type::v3::Percent& percent, Faults& faults);

}  // namespace nuncio::config
