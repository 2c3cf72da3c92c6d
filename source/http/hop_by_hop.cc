#include "source/http/hop_by_hop.h"

#include "source/base/strings.h"

namespace nuncio::http {
namespace {

// The `ordinal`-th Connection field; null where there are not as many.
const HeaderField* ConnectionField(const HeaderMap& headers, size_t ordinal) {
  for (const HeaderField& field : headers) {
    if (field.id == HeaderId::kConnection && ordinal-- == 0) return &field;
  }
  return nullptr;
}

// Removes every field that a Connection field names; false when one was named that must stay. The codecs bound the
// number of nominations.
bool RemoveNominated(HeaderMap& headers) {
  bool allowed = true;
  for (size_t ordinal = 0;; ++ordinal) {
    // Connection fields themselves stay meanwhile: they are being read.
    const HeaderField* connection = ConnectionField(headers, ordinal);
    if (connection == nullptr) return allowed;
    ForEachListElement(connection->value, [&](std::string_view name) {
      const HeaderId id = FindHeaderId(name);
      // These two go, or are looked at, anyway.
      if (name.empty() || id == HeaderId::kConnection || id == HeaderId::kTe) return true;
      if (MayBeNominated(name)) {
        headers.Remove(name);
      } else {
        allowed = false;
      }
      return true;
    });
  }
}

// TE's only member that may travel on is "trailers".
void ReduceTe(HeaderMap& headers) {
  if (!headers.Has(HeaderId::kTe)) return;
  bool trailers = false;
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::kTe) continue;
    ForEachListElement(field.value, [&](std::string_view member) {
      trailers |= EqualsIgnoreCase(member, "trailers");
      return !trailers;
    });
  }
  if (trailers) {
    headers.SetReference(HeaderId::kTe, "trailers");
  } else {
    headers.Remove(HeaderId::kTe);
  }
}

}  // namespace

bool MayBeNominated(std::string_view name) {
  switch (FindHeaderId(name)) {
    case HeaderId::kHost:
    case HeaderId::kContentLength:
    case HeaderId::kContentType:
    case HeaderId::kContentEncoding:
    case HeaderId::kAuthorization:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kCookie:
    case HeaderId::kSetCookie:
    case HeaderId::kCacheControl:
    case HeaderId::kForwarded:
    case HeaderId::kVia:
    case HeaderId::kOrigin:
    case HeaderId::kXRequestId:
      return false;
    default:
      return !StartsWithIgnoreCase(name, "x-forwarded-") && !StartsWithIgnoreCase(name, "x-envoy-");
  }
}

bool StripHopByHop(HeaderMap& headers) {
  bool allowed = true;
  if (headers.Has(HeaderId::kConnection)) {
    allowed = RemoveNominated(headers);
    headers.Remove(HeaderId::kConnection);
  }
  headers.Remove(HeaderId::kKeepAlive);
  headers.Remove(HeaderId::kProxyConnection);
  headers.Remove(HeaderId::kTransferEncoding);
  headers.Remove(HeaderId::kUpgrade);
  headers.Remove(HeaderId::kHttp2Settings);
  ReduceTe(headers);
  return allowed;
}

}  // namespace nuncio::http
