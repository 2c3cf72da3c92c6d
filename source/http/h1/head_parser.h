#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/h1/options.h"
#include "source/http/message.h"

// The grammar of heads (RFC 9112 2 to 5), over whole blocks. Strict: what two recipients could read in two ways is
// refused. Functions return null or the fault.
namespace nuncio::http::h1 {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  uint32_t minor_version = 0;  // 1 for all above.
  size_t size = 0;             // With its CRLF.
};

// `text` begins with the line and contains its LF.
const DecodeError* ParseRequestLine(std::string_view text, const H1Options& options, RequestLine* line);

// Host is not put into the map but here, when asked for.
struct HostField {
  std::string_view name;
  std::string_view value;
  uint32_t count = 0;
};

// Field lines up to the empty line. `text` ends with the empty line's LF and is followed by kScanPadding readable
// bytes, as TakeBlock makes it. More than `max_fields` is the fault `too_many`.
const DecodeError* ParseFields(std::string_view text, uint32_t max_fields, const DecodeError& too_many,
                               HeaderMap& headers, HostField* host);

// A request's whole head. `block` is as TakeBlock made it, in the head's arena.
const DecodeError* ParseRequestHead(std::string_view block, const H1Options& options, RequestHead& head);

// An answer's whole head, likewise.
const DecodeError* ParseResponseHead(std::string_view block, const H1Options& options, ResponseHead& head);

}  // namespace nuncio::http::h1
