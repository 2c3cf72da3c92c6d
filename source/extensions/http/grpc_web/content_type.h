#pragma once

#include <optional>
#include <string_view>

namespace nuncio::extensions {

// A content type of gRPC-Web: `application/grpc-web` or `application/grpc-web-text`, alone or before `+` or `;`.
struct GrpcWebType {
  bool text = false;
  // "+proto"; empty where none is said.
  std::string_view encoding;
};

// nullopt: it is another.
std::optional<GrpcWebType> ParseGrpcWebType(std::string_view content_type);

// The part of a content type from its `+` to the end or `;`; empty where it has none.
std::string_view EncodingOfType(std::string_view content_type);

}  // namespace nuncio::extensions
