#pragma once

#include <cstddef>
#include <string_view>

namespace nuncio {

// The length of the UTF-8 sequence (RFC 3629 4) that `text` begins with, 0 if it begins with none. `text` is not empty.
size_t Utf8Length(std::string_view text);

// The offset of the first byte that is not part of a UTF-8 sequence; npos where all are.
size_t FindNotUtf8(std::string_view text);

}  // namespace nuncio
