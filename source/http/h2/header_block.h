#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <string_view>

#include "source/http/message.h"

// Between this project's message heads and nghttp2's lists of fields.
namespace nuncio::http::h2 {

struct HeaderBlock {
  nghttp2_nv* fields;
  size_t size;
};

// The field list of a request, made in head.headers.arena(). Names and values are referred to and must live until the
// frame was made; only names with capitals are left for nghttp2 to copy, which lowers them. What belongs to a
// connection (RFC 9113 8.2.2) is left out.
HeaderBlock RequestBlock(const RequestHead& head);

// The field list of trailers, made in trailers.arena(); nghttp2 is to copy all texts.
HeaderBlock TrailerBlock(const HeaderMap& trailers);

// A `:status` value: three digits, 100 to 599 and above; 0 where it is none.
uint32_t ParseStatus(std::string_view value);

}  // namespace nuncio::http::h2
