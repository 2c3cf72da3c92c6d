#pragma once

#include "source/ctl/options.h"

namespace nuncio::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 3;

// Does what the options say and returns the exit status. Prints results to standard output, faults to standard error.
int Run(const Options& options);

}  // namespace nuncio::ctl
