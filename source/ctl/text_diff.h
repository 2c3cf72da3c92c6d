#pragma once

#include <string>
#include <string_view>

namespace nuncio::ctl {

// The hunks of a unified diff of two texts, with three lines of context, or nothing where they are equal. Texts so
// large and different that the comparison would take long are told as one removed and the other added.
std::string UnifiedDiff(std::string_view before, std::string_view after);

// Colours the lines of a unified diff for a terminal.
std::string Coloured(std::string_view diff);

}  // namespace nuncio::ctl
