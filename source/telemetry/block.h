#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>

#include "source/telemetry/counter.h"
#include "source/telemetry/histogram.h"
#include "source/telemetry/status_code_counters.h"

// A block is a struct of statistics that belong together, listed once in a macro that applies its argument to each of
// them, X(kind, name), and turned into a type:
//
//   #define NUNCIO_POOL_STATS(X) X(Counter, upstream_cx_total) X(Gauge, upstream_cx_active)
//   NUNCIO_STATS_BLOCK(PoolStats, "", NUNCIO_POOL_STATS);
//
// The type has members of these names and kinds, and a descriptor for whoever prints them. The second argument is put
// before every name ("http2."). Kinds: Counter, Gauge, Histogram, StatusCodeCounters, TextReadout.
namespace nuncio::telemetry {

enum class StatKind : uint8_t { kCounter, kGauge, kHistogram, kStatusCodes, kText };

struct StatField {
  std::string_view name;
  StatKind kind;
  uint32_t offset;
};

struct BlockDescriptor {
  std::string_view prefix;
  std::span<const StatField> fields;
  void* (*make)();
  void (*destroy)(void* block);
};

template <typename T>
inline constexpr StatKind kStatKindOf = [] {
  static_assert(sizeof(T) == 0, "not a kind of statistic");
  return StatKind::kCounter;
}();
template <>
inline constexpr StatKind kStatKindOf<Counter> = StatKind::kCounter;
template <>
inline constexpr StatKind kStatKindOf<Gauge> = StatKind::kGauge;
template <>
inline constexpr StatKind kStatKindOf<Histogram> = StatKind::kHistogram;
template <>
inline constexpr StatKind kStatKindOf<StatusCodeCounters> = StatKind::kStatusCodes;
template <>
inline constexpr StatKind kStatKindOf<TextReadout> = StatKind::kText;

}  // namespace nuncio::telemetry

#define NUNCIO_STATS_MEMBER_(kind, name) ::nuncio::telemetry::kind name;
#define NUNCIO_STATS_FIELD_(kind, name)                                                            \
  ::nuncio::telemetry::StatField{#name, ::nuncio::telemetry::kStatKindOf<::nuncio::telemetry::kind>, \
                                 static_cast<uint32_t>(offsetof(Self, name))},

// Aligned so that no cache line is shared by two blocks, that is, by two writers.
#define NUNCIO_STATS_BLOCK(Type, prefix, LIST)                                                     \
  struct alignas(64) Type {                                                                        \
    LIST(NUNCIO_STATS_MEMBER_)                                                                     \
    static const ::nuncio::telemetry::BlockDescriptor& Descriptor() {                              \
      using Self = Type;                                                                           \
      static constexpr ::nuncio::telemetry::StatField kFields[] = {LIST(NUNCIO_STATS_FIELD_)};     \
      static constexpr ::nuncio::telemetry::BlockDescriptor kDescriptor{                           \
          prefix, kFields, []() -> void* { return new Type(); },                                   \
          [](void* block) { delete static_cast<Type*>(block); }};                                  \
      return kDescriptor;                                                                          \
    }                                                                                              \
  }
