#include "source/telemetry/status_code_counters.h"

namespace nuncio::telemetry {

StatusCodeCounters::~StatusCodeCounters() {
  Table* table = table_.load(std::memory_order_relaxed);
  if (table == nullptr) return;
  for (auto& line : table->lines) delete line.load(std::memory_order_relaxed);
  delete table;
}

uint64_t StatusCodeCounters::value(int code_or_class) const {
  const Table* table = table_.load(std::memory_order_acquire);
  if (table == nullptr) return 0;
  if (code_or_class >= 1 && code_or_class <= 5) {
    return table->classes[code_or_class - 1].load(std::memory_order_relaxed);
  }
  if (code_or_class < kMin || code_or_class > kMax) return 0;
  const int at = code_or_class - kMin;
  const Line* line = table->lines[at / kPerLine].load(std::memory_order_acquire);
  return line == nullptr ? 0 : (*line)[at % kPerLine].load(std::memory_order_relaxed);
}

StatusCodeCounters::Table* StatusCodeCounters::MakeTable() {
  Table* table = new Table;
  table_.store(table, std::memory_order_release);
  return table;
}

StatusCodeCounters::Line* StatusCodeCounters::MakeLine(Table& table, unsigned index) {
  Line* line = new Line{};
  table.lines[index].store(line, std::memory_order_release);
  return line;
}

}  // namespace nuncio::telemetry
