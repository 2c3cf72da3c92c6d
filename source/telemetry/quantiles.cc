#include "source/telemetry/quantiles.h"

#include <cmath>
#include <cstdio>

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

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 where there is none (RFC 3629 4).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
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

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const unsigned char c = static_cast<unsigned char>(text[0]);
    size_t length = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c < 0x20 || c == 0x7f) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\u%04x", c);
      out += escape;
    } else if (length = Utf8Length(text); length == 0) {
      out += "\xef\xbf\xbd";
      length = 1;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

}  // namespace nuncio::telemetry
