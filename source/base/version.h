#pragma once

#include <string_view>

namespace nuncio {

inline constexpr std::string_view kVersion = "0.1.0";
// Two digits for each part, for `server.version`.
inline constexpr int kVersionNumber = 100;
#ifdef NDEBUG
inline constexpr std::string_view kBuildType = "release";
#else
inline constexpr std::string_view kBuildType = "debug";
#endif

}  // namespace nuncio
