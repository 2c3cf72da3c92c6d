#include "source/http/h1/framing.h"

#include <optional>
#include <string_view>

#include "source/base/strings.h"
#include "source/http/field_syntax.h"
#include "source/http/h1/errors.h"
#include "source/http/hop_by_hop.h"

namespace nuncio::http::h1 {
namespace {

constexpr uint32_t kMaxNominations = 16;
// Beyond any real body, and far from overflow when lengths are added.
constexpr uint64_t kMaxContentLength = uint64_t{1} << 62;

// RFC 9112 6.1, 6.3: the only coding is "chunked", once, as the last and only one. What is anything else is refused:
// recipients disagree on it. `*chunked` stays false where there is no such field.
const DecodeError* ParseTransferEncoding(const HeaderMap& headers, bool* chunked) {
  *chunked = false;
  bool unknown = false;
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::kTransferEncoding) continue;
    const bool well_formed = ForEachListElement(field.value, [&](std::string_view coding) {
      if (*chunked || !IsToken(coding)) return false;
      *chunked = EqualsIgnoreCase(coding, "chunked");
      unknown |= !*chunked;
      return true;
    });
    if (!well_formed) return &kInvalidTransferEncoding;
  }
  return unknown ? &kUnknownTransferCoding : nullptr;
}

// RFC 9112 6.3: 1*DIGIT, once. The repetition of one value ("5, 5"), which may be taken or refused, is refused.
const DecodeError* ParseContentLength(const HeaderMap& headers, uint64_t* length) {
  bool seen = false;
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::kContentLength) continue;
    if (seen) return &kMultipleContentLength;
    seen = true;
    const std::optional<uint64_t> value = ParseDecimal<uint64_t>(field.value);
    if (!value.has_value() || *value > kMaxContentLength) return &kInvalidContentLength;
    *length = *value;
  }
  return nullptr;
}

// Common to both directions. `*framed` tells whether there is any of the two fields.
const DecodeError* ParseFraming(const HeaderMap& headers, Protocol protocol, Framing* framing, bool* framed) {
  const bool has_length = headers.Has(HeaderId::kContentLength);
  *framed = has_length;
  if (headers.Has(HeaderId::kTransferEncoding)) [[unlikely]] {
    *framed = true;
    if (protocol == Protocol::kHttp10) return &kTransferEncodingInHttp10;
    if (has_length) return &kContentLengthAndChunked;
    bool chunked;
    if (const DecodeError* fault = ParseTransferEncoding(headers, &chunked)) return fault;
    framing->kind = BodyKind::kChunked;
    return nullptr;
  }
  if (has_length) {
    if (const DecodeError* fault = ParseContentLength(headers, &framing->length)) return fault;
    framing->kind = framing->length == 0 ? BodyKind::kNone : BodyKind::kLength;
  }
  return nullptr;
}

}  // namespace

ConnectionOptions ParseConnection(const HeaderMap& headers) {
  ConnectionOptions options;
  if (!headers.Has(HeaderId::kConnection)) return options;
  uint32_t nominations = 0;
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::kConnection) continue;
    ForEachListElement(field.value, [&](std::string_view option) {
      if (EqualsIgnoreCase(option, "close")) {
        options.close = true;
      } else if (EqualsIgnoreCase(option, "keep-alive")) {
        options.keep_alive = true;
      } else if (EqualsIgnoreCase(option, "upgrade")) {
        options.upgrade = true;
      } else if (!option.empty()) {
        options.abusive |= ++nominations > kMaxNominations || !IsToken(option) || !MayBeNominated(option);
      }
      return true;
    });
  }
  return options;
}

std::string_view RequestedUpgrade(const RequestHead& head, const ConnectionOptions& connection) {
  // A recipient ignores it in HTTP/1.0. An offer of h2c may be ignored as well, and its client goes on in HTTP/1.1.
  if (!connection.upgrade || head.protocol == Protocol::kHttp10 || head.method == Method::kConnect) return {};
  std::string_view protocol;
  if (!head.headers.Joined(HeaderName(HeaderId::kUpgrade), &protocol) || EqualsIgnoreCase(protocol, "h2c")) return {};
  return protocol;
}

const DecodeError* RequestFraming(const RequestHead& head, Framing* framing) {
  bool framed;
  return ParseFraming(head.headers, head.protocol, framing, &framed);
}

const DecodeError* ResponseFraming(const ResponseHead& head, Method method, Framing* framing, bool* suspicious) {
  bool framed;
  const DecodeError* fault = ParseFraming(head.headers, head.protocol, framing, &framed);
  if (fault != nullptr) return fault;
  if (method == Method::kHead || IsBodiless(head.status)) {
    // RFC 9112 6.1, RFC 9110 8.6: neither field belongs into a 204; in a 304 or an answer to HEAD they describe what is
    // not sent.
    *suspicious = head.status == 204 && framing->kind != BodyKind::kNone;
    *framing = Framing();
    return nullptr;
  }
  if (!framed) framing->kind = BodyKind::kUntilClose;
  return nullptr;
}

bool SoleContentLength(const HeaderMap& headers, const HeaderField** field, uint64_t* length) {
  *field = headers.Find(HeaderId::kContentLength);
  return *field != nullptr && ParseContentLength(headers, length) == nullptr;
}

}  // namespace nuncio::http::h1
