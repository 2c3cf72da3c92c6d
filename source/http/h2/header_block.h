#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string_view>

#include "source/http/message.h"

// Between this project's message heads and nghttp2's lists of fields. Names and values are referred to and must live
// until the frame was made; only names with capitals are left for nghttp2 to copy, which lowers them. What belongs to a
// connection (RFC 9113 8.2.2) is left out. Lists are made in the map's arena.
namespace nuncio::http::h2 {

struct HeaderBlock {
  nghttp2_nv* fields;
  size_t size;
};

// A request with `upgrade` becomes an extended CONNECT (RFC 8441).
HeaderBlock RequestBlock(const RequestHead& head);

// 101 becomes 200: RFC 8441 5.
HeaderBlock ResponseBlock(const ResponseHead& head);

HeaderBlock TrailerBlock(const HeaderMap& trailers);
// As above, with all texts copied into `arena`.
HeaderBlock CopyTrailerBlock(const HeaderMap& trailers, Arena& arena);

// A `:status` value: three digits, 100 to 599 and above; 0 where it is none.
uint32_t ParseStatus(std::string_view value);

}  // namespace nuncio::http::h2
