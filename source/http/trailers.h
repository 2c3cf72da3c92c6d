#pragma once

#include "source/http/header_map.h"

namespace nuncio::http {

// Whether a trailer section must not carry the field: framing, routing, authentication, content handling (RFC 9110
// 6.5.1), and what only makes sense hop by hop.
bool IsForbiddenTrailer(const HeaderField& field);

}  // namespace nuncio::http
