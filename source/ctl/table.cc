#include "source/ctl/table.h"

#include <algorithm>
#include <ctime>

#include "source/base/strings.h"

namespace nuncio::ctl {
namespace {

// Characters, by counting the first bytes of UTF-8 sequences.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string Printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    cell = cell.empty() ? "-" : Printable(std::move(cell));
  }
  rows_.push_back(std::move(row));
}

std::string Table::ToString() const {
  std::vector<size_t> widths(rows_[0].size(), 0);
  for (const std::vector<std::string>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  const time_t seconds = time.seconds();
  tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  return std::string(text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local));
}

std::string AgeText(const google::protobuf::Timestamp& time) {
  const int64_t age = std::max<int64_t>(0, ::time(nullptr) - time.seconds());
  if (age < 120) return StrCat(age, "s");
  if (age < 120 * 60) return StrCat(age / 60, "m");
  if (age < 48 * 3600) return StrCat(age / 3600, "h");
  return StrCat(age / 86400, "d");
}

}  // namespace nuncio::ctl
