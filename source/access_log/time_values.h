#pragma once

#include <string>
#include <string_view>

#include "source/access_log/operator.h"

// The operators about moments and durations.
namespace nuncio::access_log {

// FROM and TO of %COMMON_DURATION(FROM:TO:UNIT)%. The index into this list is the parameters' `from` and `to`.
inline constexpr std::string_view kMoments[] = {"DS_RX_BEG", "DS_RX_END", "US_TX_BEG", "US_TX_END",
                                                "US_RX_BEG", "US_RX_END", "DS_TX_BEG", "DS_TX_END"};

Value StartTime(const Operator& op, const StreamInfo& info, std::string& scratch);
Value EmitTime(const Operator& op, const StreamInfo& info, std::string& scratch);
Value TotalDuration(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RequestDuration(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RequestTxDuration(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ResponseDuration(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ResponseTxDuration(const Operator& op, const StreamInfo& info, std::string& scratch);
Value CommonDuration(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
