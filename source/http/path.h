#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"

// What is done to a request's path before anything looks at it. Pure; the query, from "?" on, is never touched.
namespace nuncio::http {

// HttpConnectionManager.path_with_escaped_slashes_action: what becomes of %2F and %5C.
enum class EscapedSlashes : uint8_t { kKeepUnchanged, kRejectRequest, kUnescapeAndRedirect, kUnescapeAndForward };

struct PathNormalization {
  // Resolve dot segments, turn "\" into "/", decode escapes of unreserved characters (RFC 3986 6.2.2.2, 6.2.2.3).
  bool normalize = false;
  bool merge_slashes = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::kKeepUnchanged;
};

enum class PathAction : uint8_t {
  kForward,   // Go on with the path as it is now.
  kRedirect,  // Answer 307 to the path as it is now.
  kReject,    // Answer 400.
};

// Changes `*path` in the order escaped slashes, dot segments, slashes. A changed path is made in the arena; one that is
// in order already is not copied. Paths that do not begin with "/" ("*", an empty one) are left alone.
PathAction NormalizePath(std::string_view* path, const PathNormalization& normalization, Arena& arena);

}  // namespace nuncio::http
