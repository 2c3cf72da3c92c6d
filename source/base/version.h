#pragma once

#include <string_view>

namespace nuncio {

inline constexpr std::string_view kVersion = "0.1.0";
#ifdef NDEBUG
inline constexpr std::string_view kBuildType = "release";
#else
inline constexpr std::string_view kBuildType = "debug";
#endif

}  // namespace nuncio
