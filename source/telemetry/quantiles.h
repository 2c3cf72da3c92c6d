#pragma once

#include <string>
#include <string_view>

#include "source/telemetry/histogram.h"

namespace nuncio::telemetry {

// "P0(nan,1) P25(nan,1.5) ...": interval, then total. "No recorded values" where nothing ever was.
std::string QuantileText(const HistogramSnapshot& interval, const HistogramSnapshot& total);
// [{"interval":null,"cumulative":1},...]
std::string QuantileJson(const HistogramSnapshot& interval, const HistogramSnapshot& total);
// [0,25,50,...]
std::string_view SupportedQuantilesJson();

}  // namespace nuncio::telemetry
