#include "source/http/authority.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

#include "source/base/strings.h"
#include "source/http/field_syntax.h"

namespace nuncio::http {
namespace {

// unreserved / "%" / sub-delims, RFC 3986 3.2.2.
constexpr std::array<bool, 256> kRegName = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c) {
    const char character = static_cast<char>(c);
    table[static_cast<size_t>(c)] =
        IsAlpha(character) || IsDigit(character) ||
        (c != 0 && std::string_view("-._~%!$&'()*+,;=").find(character) != std::string_view::npos);
  }
  return table;
}();

bool IsIpv6(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(terminated)) return false;
  memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, terminated, &address) == 1;
}

// `rest` is what follows the host: nothing, or ":" and an optional port.
bool ParsePort(std::string_view rest, Authority* authority) {
  if (rest.empty()) return true;
  if (rest.front() != ':') return false;
  rest.remove_prefix(1);
  if (rest.empty()) return true;
  const std::optional<uint16_t> number = ParseDecimal<uint16_t>(rest);
  if (!number.has_value()) return false;
  authority->port = rest;
  authority->port_number = *number;
  return true;
}

}  // namespace

std::optional<Authority> ParseAuthority(std::string_view text) {
  Authority authority;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || !IsIpv6(text.substr(1, close - 1))) return std::nullopt;
    authority.host = text.substr(0, close + 1);
    authority.ip_literal = true;
    if (!ParsePort(text.substr(close + 1), &authority)) return std::nullopt;
    return authority;
  }
  size_t n = 0;
  while (n < text.size() && kRegName[static_cast<uint8_t>(text[n])]) ++n;
  authority.host = text.substr(0, n);
  if (!ParsePort(text.substr(n), &authority)) return std::nullopt;
  return authority;
}

}  // namespace nuncio::http
