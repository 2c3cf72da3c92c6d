#pragma once

#include <string>
#include <vector>

#include "google/protobuf/timestamp.pb.h"

namespace nuncio::ctl {

// `text` with line breaks and control characters as spaces: what a proxy or an operator wrote must not steer a
// terminal.
std::string Printable(std::string text);

// Rows in columns of equal width, for people. The last column is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  // As many cells as the header has. They are made Printable.
  void Add(std::vector<std::string> row);
  size_t rows() const { return rows_.size() - 1; }
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "2026-03-01 14:05:06", local time; "-" where unset.
std::string TimeText(const google::protobuf::Timestamp& time);
// "5s", "3m", "2h", "4d": from `time` to now.
std::string AgeText(const google::protobuf::Timestamp& time);

}  // namespace nuncio::ctl
