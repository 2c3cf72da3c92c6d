#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nuncio::http {

// The parts of "host", "host:port", "1.2.3.4:port", "[v6]:port" (RFC 3986 3.2 without userinfo). Views into the text.
struct Authority {
  std::string_view host;  // Brackets of an IPv6 literal included; may be empty.
  std::string_view port;  // Digits; empty where there is no port or an empty one.
  // The port's number; 0 where `port` is empty.
  uint16_t port_number = 0;
  // The host is in brackets.
  bool ip_literal = false;

  // The host without brackets.
  std::string_view bare_host() const { return ip_literal ? host.substr(1, host.size() - 2) : host; }
};

// nullopt for anything that is no authority: userinfo, characters outside RFC 3986's reg-name, an unclosed bracket, a
// bracket around anything but an IPv6 address, a port that is no number up to 65535. An empty text is an empty host.
std::optional<Authority> ParseAuthority(std::string_view text);

}  // namespace nuncio::http
