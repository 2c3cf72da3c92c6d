#include "source/telemetry/quantiles.h"

#include <cmath>
#include <charconv>

#include "source/base/strings.h"

namespace nuncio::telemetry {
namespace {

struct Shown {
  double share;
  std::string_view percent;
};
constexpr Shown kShown[] = {{0, "0"},      {0.25, "25"}, {0.5, "50"},    {0.75, "75"},    {0.9, "90"},
                            {0.95, "95"},  {0.99, "99"}, {0.995, "99.5"}, {0.999, "99.9"}, {1, "100"}};

// Six significant digits: the bins are not finer.
void AppendNumber(std::string& out, double value, std::string_view none) {
  if (std::isnan(value)) {
    out += none;
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::general, 6);
  out.append(digits, static_cast<size_t>(end.ptr - digits));
}

}  // namespace

std::string QuantileText(const HistogramSnapshot& interval, const HistogramSnapshot& total) {
  if (total.empty()) return "No recorded values";
  std::string out;
  for (const Shown& shown : kShown) {
    if (!out.empty()) out.push_back(' ');
    StrAppend(out, 'P', shown.percent, '(');
    AppendNumber(out, interval.Quantile(shown.share), "nan");
    out.push_back(',');
    AppendNumber(out, total.Quantile(shown.share), "nan");
    out.push_back(')');
  }
  return out;
}

std::string QuantileJson(const HistogramSnapshot& interval, const HistogramSnapshot& total) {
  std::string out = "[";
  for (const Shown& shown : kShown) {
    if (out.size() > 1) out.push_back(',');
    out += "{\"interval\":";
    AppendNumber(out, interval.Quantile(shown.share), "null");
    out += ",\"cumulative\":";
    AppendNumber(out, total.Quantile(shown.share), "null");
    out.push_back('}');
  }
  out.push_back(']');
  return out;
}

std::string_view SupportedQuantilesJson() { return "[0,25,50,75,90,95,99,99.5,99.9,100]"; }

}  // namespace nuncio::telemetry
