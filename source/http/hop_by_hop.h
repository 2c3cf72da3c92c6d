#pragma once

#include <string_view>

#include "source/http/header_map.h"

namespace nuncio::http {

// What the values of a list field hold, comma by comma, without white space around (RFC 9110 5.6.1). Empty elements are
// handed over too. Stops and returns false when `f` does.
template <typename F>
bool ForEachListElement(std::string_view value, F&& f);

// Whether a Connection field may nominate `name` for removal. Fields that frame or route a message, that identify the
// sender, or on which intermediaries and back ends base trust (x-forwarded-*, x-envoy-*, forwarded, via, x-request-id,
// cookies, credentials) are no business of a single hop: RFC 9110 7.6.1 forbids nominating such, and dropping them is
// an attack on who stands behind.
bool MayBeNominated(std::string_view name);

// Removes what concerns one connection only: Connection, the fields it nominates, Keep-Alive, Proxy-Connection,
// Transfer-Encoding, Upgrade, HTTP2-Settings, and TE but for its member "trailers" (RFC 9110 7.6.1). Returns false when
// a field was nominated that must not be; it stays. Requests that do this are refused by the codec before.
bool StripHopByHop(HeaderMap& headers);

template <typename F>
bool ForEachListElement(std::string_view value, F&& f) {
  while (true) {
    const size_t comma = value.find(',');
    std::string_view element = value.substr(0, comma);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
    if (!f(element)) return false;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace nuncio::http
