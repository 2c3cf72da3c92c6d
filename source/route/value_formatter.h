#pragma once

#include <string_view>

#include "source/base/arena.h"

namespace nuncio::route {

// What a formatter may look at: the stream. The floor above derives its own class from this, and makes both the
// formatters and what they read, so that a formatter may cast it to that class.
class FormatInput {
 protected:
  ~FormatInput() = default;
};

// A compiled value template such as `%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%`. Immutable; any thread.
class ValueFormatter {
 public:
  virtual ~ValueFormatter() = default;
  // The value, in `arena` or in something that outlives the stream; empty where there is nothing to say.
  virtual std::string_view Format(const FormatInput& input, Arena& arena) const = 0;
};

}  // namespace nuncio::route
