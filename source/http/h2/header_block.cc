#include "source/http/h2/header_block.h"

#include "source/base/strings.h"

namespace nuncio::http::h2 {
namespace {

constexpr uint8_t kReferValue = NGHTTP2_NV_FLAG_NO_COPY_VALUE;
constexpr uint8_t kReferBoth = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;

nghttp2_nv Field(std::string_view name, std::string_view value, uint8_t flags) {
  // nghttp2 takes pointers to non-const and does not write through them.
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), flags};
}

bool HasCapitals(std::string_view name) {
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') return true;
  }
  return false;
}

// RFC 9113 8.2.2.
bool BelongsToConnection(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kHttp2Settings:
    case HeaderId::kTe:
      return true;
    default:
      return false;
  }
}

// Whether a TE field lists `trailers`, the one member that HTTP/2 keeps.
bool ListsTrailers(std::string_view te) {
  while (!te.empty()) {
    const size_t comma = te.find(',');
    if (EqualsIgnoreCase(TrimOws(te.substr(0, comma)), "trailers")) return true;
    if (comma == std::string_view::npos) break;
    te.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

HeaderBlock RequestBlock(const RequestHead& head) {
  constexpr size_t kPseudo = 4;
  nghttp2_nv* fields = head.headers.arena().NewArray<nghttp2_nv>(kPseudo + head.headers.size());
  size_t size = 0;
  fields[size++] = Field(":method", head.method_text, kReferBoth);
  // RFC 9113 8.5: CONNECT has neither scheme nor path.
  if (head.method != Method::kConnect) {
    fields[size++] = Field(":scheme", head.scheme.empty() ? std::string_view("http") : head.scheme, kReferBoth);
    fields[size++] = Field(":path", head.path.empty() ? std::string_view("/") : head.path, kReferBoth);
  }
  if (!head.authority.empty()) fields[size++] = Field(":authority", head.authority, kReferBoth);

  bool trailers = false;
  for (const HeaderField& field : head.headers) {
    if (field.id != HeaderId::kOther && BelongsToConnection(field.id)) {
      // RFC 9113 8.2.2: `te` may say `trailers` and nothing else.
      if (field.id != HeaderId::kTe || trailers || !ListsTrailers(field.value)) continue;
      trailers = true;
      fields[size++] = Field("te", "trailers", kReferBoth);
      continue;
    }
    fields[size++] = Field(field.name, field.value, HasCapitals(field.name) ? kReferValue : kReferBoth);
  }
  return {fields, size};
}

HeaderBlock TrailerBlock(const HeaderMap& trailers) {
  nghttp2_nv* fields = trailers.arena().NewArray<nghttp2_nv>(trailers.size());
  size_t size = 0;
  for (const HeaderField& field : trailers) {
    if (field.id != HeaderId::kOther && BelongsToConnection(field.id)) continue;
    fields[size++] = Field(field.name, field.value, NGHTTP2_NV_FLAG_NONE);
  }
  return {fields, size};
}

uint32_t ParseStatus(std::string_view value) {
  if (value.size() != 3 || value[0] < '1') return 0;
  uint32_t status = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + static_cast<uint32_t>(c - '0');
  }
  return status;
}

}  // namespace nuncio::http::h2
