#pragma once

#include <string_view>

#include "source/telemetry/scope.h"

namespace nuncio::telemetry {

// A counter whose name is known only at run time, as of what peers negotiate: "ssl.ciphers." and a cipher. Made in the
// scope when first asked for, which is when it begins to be shown; takes locks, so keep the reference. Names are kept
// for the life of the process: only for those out of a small set.
Counter& NamedCounter(Scope& scope, StatsSlot slot, std::string_view prefix, std::string_view name);

}  // namespace nuncio::telemetry
