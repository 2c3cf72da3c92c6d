#include "source/http/h2/header_block.h"

#include "source/base/strings.h"
#include "source/http/h2/field_rules.h"
#include "source/http/hop_by_hop.h"

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

nghttp2_nv Refer(const HeaderField& field) {
  return Field(field.name, field.value, HasCapitals(field.name) ? kReferValue : kReferBoth);
}

bool StaysBehind(const HeaderField& field) {
  // HTTP/1's answer to an upgrade; a client's HTTP2-Settings go with its Upgrade.
  return field.id != HeaderId::kOther && (BelongsToConnection(field.id) || field.id == HeaderId::kHttp2Settings);
}

// RFC 9113 8.2.2: `te` may say `trailers` and nothing else.
bool ListsTrailers(std::string_view te) {
  return !ForEachListElement(te, [](std::string_view member) { return !EqualsIgnoreCase(member, "trailers"); });
}

// RFC 9113 8.5: CONNECT has neither scheme nor path; RFC 8441 4: the extended one has both.
size_t AddPseudo(const RequestHead& head, nghttp2_nv* fields) {
  size_t size = 0;
  const bool extended = !head.upgrade.empty();
  fields[size++] = Field(":method", extended ? std::string_view("CONNECT") : head.method_text, kReferBoth);
  if (extended) fields[size++] = Field(":protocol", head.upgrade, kReferBoth);
  if (extended || head.method != Method::kConnect) {
    fields[size++] = Field(":scheme", head.scheme.empty() ? std::string_view("http") : head.scheme, kReferBoth);
    fields[size++] = Field(":path", head.path.empty() ? std::string_view("/") : head.path, kReferBoth);
  }
  if (!head.authority.empty()) fields[size++] = Field(":authority", head.authority, kReferBoth);
  return size;
}

}  // namespace

HeaderBlock RequestBlock(const RequestHead& head) {
  constexpr size_t kPseudo = 5;
  nghttp2_nv* fields = head.headers.arena().NewArray<nghttp2_nv>(kPseudo + head.headers.size());
  size_t size = AddPseudo(head, fields);
  bool trailers = false;
  for (const HeaderField& field : head.headers) {
    if (!StaysBehind(field)) {
      fields[size++] = Refer(field);
    } else if (field.id == HeaderId::kTe && !trailers && ListsTrailers(field.value)) {
      trailers = true;
      fields[size++] = Field("te", "trailers", kReferBoth);
    }
  }
  return {fields, size};
}

HeaderBlock ResponseBlock(const ResponseHead& head) {
  Arena& arena = head.headers.arena();
  nghttp2_nv* fields = arena.NewArray<nghttp2_nv>(1 + head.headers.size());
  size_t size = 0;
  const uint32_t status = head.status == 101 ? 200 : head.status;
  fields[size++] = Field(":status", status == 200 ? std::string_view("200") : arena.Number(status), kReferBoth);
  for (const HeaderField& field : head.headers) {
    if (!StaysBehind(field)) fields[size++] = Refer(field);
  }
  return {fields, size};
}

HeaderBlock TrailerBlock(const HeaderMap& trailers) {
  nghttp2_nv* fields = trailers.arena().NewArray<nghttp2_nv>(trailers.size());
  size_t size = 0;
  for (const HeaderField& field : trailers) {
    if (!StaysBehind(field)) fields[size++] = Refer(field);
  }
  return {fields, size};
}

HeaderBlock CopyTrailerBlock(const HeaderMap& trailers, Arena& arena) {
  nghttp2_nv* fields = arena.NewArray<nghttp2_nv>(trailers.size());
  size_t size = 0;
  for (const HeaderField& field : trailers) {
    if (StaysBehind(field)) continue;
    fields[size++] = Refer({arena.Copy(field.name), arena.Copy(field.value), field.id});
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
