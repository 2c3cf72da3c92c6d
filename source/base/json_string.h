#pragma once

#include <string>
#include <string_view>

namespace nuncio {

// Appends `text` as it stands within a JSON string, without the quotes (RFC 8259 7). Bytes that are not UTF-8 become
// U+FFFD.
void AppendJsonEscaped(std::string& out, std::string_view text);

// Appends `text` as a JSON string.
inline void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  AppendJsonEscaped(out, text);
  out.push_back('"');
}

}  // namespace nuncio
