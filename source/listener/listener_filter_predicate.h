#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "source/filter/accepted_connection.h"

namespace nuncio::listener {

// Which connections a listener filter leaves alone. Immutable; any thread.
class ListenerFilterPredicate {
 public:
  enum class Kind : uint8_t { kAny, kDestinationPorts, kNot, kAll, kOneOf };

  static ListenerFilterPredicate Any() { return ListenerFilterPredicate(Kind::kAny); }
  // From `begin` up to, not including, `end`.
  static ListenerFilterPredicate DestinationPorts(int32_t begin, int32_t end) {
    ListenerFilterPredicate out(Kind::kDestinationPorts);
    out.begin_ = begin;
    out.end_ = end;
    return out;
  }
  // Of one part for kNot, of any number for kAll and kOneOf.
  static ListenerFilterPredicate Combine(Kind kind, std::vector<ListenerFilterPredicate> parts) {
    ListenerFilterPredicate out(kind);
    out.parts_ = std::move(parts);
    return out;
  }

  // `connection.local` must be known.
  bool Matches(const filter::AcceptedConnection& connection) const {
    switch (kind_) {
      case Kind::kAny:
        return true;
      case Kind::kDestinationPorts:
        return connection.local.port() >= begin_ && connection.local.port() < end_;
      case Kind::kNot:
        return !parts_[0].Matches(connection);
      case Kind::kAll:
        for (const auto& part : parts_) {
          if (!part.Matches(connection)) return false;
        }
        return true;
      case Kind::kOneOf:
        for (const auto& part : parts_) {
          if (part.Matches(connection)) return true;
        }
        return false;
    }
    return false;
  }

 private:
  explicit ListenerFilterPredicate(Kind kind) : kind_(kind) {}

  Kind kind_;
  int32_t begin_ = 0;
  int32_t end_ = 0;
  std::vector<ListenerFilterPredicate> parts_;
};

}  // namespace nuncio::listener
