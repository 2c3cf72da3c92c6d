#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace nuncio::telemetry {

// Counters by HTTP status, made as codes turn up: a block `upstream_rq` of this kind shows as `upstream_rq_200`,
// `upstream_rq_2xx`, and so on for each code that was counted. One writer, the owner of the slot.
class StatusCodeCounters {
 public:
  static constexpr int kMin = 100;
  static constexpr int kMax = 599;

  StatusCodeCounters() = default;
  StatusCodeCounters(const StatusCodeCounters&) = delete;
  StatusCodeCounters& operator=(const StatusCodeCounters&) = delete;
  ~StatusCodeCounters();

  // `code` beyond 100..599 counts as nothing. Allocates when a group of eight codes is seen for the first time.
  void Inc(int code) { Add(code, 1); }
  void Add(int code, uint64_t by) {
    if (code < kMin || code > kMax) return;
    const unsigned at = static_cast<unsigned>(code - kMin);
    Table* table = table_.load(std::memory_order_relaxed);
    if (table == nullptr) [[unlikely]] table = MakeTable();
    Line* line = table->lines[at / kPerLine].load(std::memory_order_relaxed);
    if (line == nullptr) [[unlikely]] line = MakeLine(*table, at / kPerLine);
    Bump((*line)[at % kPerLine], by);
    Bump(table->classes[at / 100], by);
  }

  // How many answers had this code, or for 1..5 a code of this class.
  uint64_t value(int code_or_class) const;
  // Calls `visit(code_or_class, count)` for each that is not 0, classes first.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    const Table* table = table_.load(std::memory_order_acquire);
    if (table == nullptr) return;
    for (int i = 0; i < 5; ++i) {
      if (const uint64_t n = table->classes[i].load(std::memory_order_relaxed); n != 0) visit(i + 1, n);
    }
    for (int i = 0; i < kLines; ++i) {
      const Line* line = table->lines[i].load(std::memory_order_acquire);
      if (line == nullptr) continue;
      for (int j = 0; j < kPerLine; ++j) {
        if (const uint64_t n = (*line)[j].load(std::memory_order_relaxed); n != 0) visit(kMin + i * kPerLine + j, n);
      }
    }
  }

 private:
  static constexpr int kPerLine = 8;
  static constexpr int kLines = (kMax - kMin + kPerLine) / kPerLine;
  using Word = std::atomic<uint64_t>;
  using Line = std::array<Word, kPerLine>;
  struct Table {
    std::array<Word, 5> classes{};
    std::array<std::atomic<Line*>, kLines> lines{};
  };
  static void Bump(Word& word, uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  Table* MakeTable();
  Line* MakeLine(Table& table, unsigned index);

  std::atomic<Table*> table_{nullptr};
};

}  // namespace nuncio::telemetry
