#include "source/net/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "source/base/strings.h"

namespace nuncio::net {

absl::StatusOr<Address> Address::FromIp(std::string_view ip, uint16_t port) {
  std::string text(ip);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  Address address;
  if (inet_pton(AF_INET, text.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
    address.storage_.v4.sin_port = htons(port);
    address.length_ = sizeof(sockaddr_in);
    return address;
  }
  uint32_t zone = 0;
  if (const size_t percent = text.find('%'); percent != std::string::npos) {
    const std::string name = text.substr(percent + 1);
    zone = ParseDecimal<uint32_t>(name).value_or(if_nametoindex(name.c_str()));
    if (zone == 0) return InvalidArgument(StrCat("'", ip, "' names an unknown network interface"));
    text.resize(percent);
  }
  if (inet_pton(AF_INET6, text.c_str(), &address.storage_.v6.sin6_addr) == 1) {
    address.storage_.v6.sin6_family = AF_INET6;
    address.storage_.v6.sin6_port = htons(port);
    address.storage_.v6.sin6_scope_id = zone;
    address.length_ = sizeof(sockaddr_in6);
    return address;
  }
  return InvalidArgument(StrCat("'", ip, "' is not an IPv4 or IPv6 address"));
}

absl::StatusOr<Address> Address::FromPath(std::string_view path) {
  sockaddr_un out{};
  if (path.empty() || path.size() >= sizeof(out.sun_path)) {
    return InvalidArgument(
        StrCat("'", path, "' is not a Unix-domain path of 1 to ", sizeof(out.sun_path) - 1, " bytes"));
  }
  out.sun_family = AF_UNIX;
  memcpy(out.sun_path, path.data(), path.size());
  if (path.front() == '@') out.sun_path[0] = '\0';
  return FromSockaddr(
      reinterpret_cast<const sockaddr*>(&out),
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (path.front() == '@' ? 0 : 1)));
}

Address Address::FromSockaddr(const sockaddr* from, socklen_t length) {
  Address address;
  if (length < sizeof(sa_family_t)) return address;
  if (from->sa_family == AF_UNIX && length <= sizeof(sockaddr_un)) {
    address.storage_.any.sa_family = AF_UNIX;
    auto path = std::make_shared<sockaddr_un>();
    memcpy(path.get(), from, length);
    address.path_ = std::move(path);
  } else if (length <= sizeof(Storage)) {
    memcpy(&address.storage_, from, length);
  } else {
    return address;
  }
  address.length_ = length;
  return address;
}

absl::StatusOr<Address> Address::FromIpPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    if (auto port = ParseDecimal<uint16_t>(text.substr(colon + 1)); port.has_value()) {
      return FromIp(text.substr(0, colon), *port);
    }
  }
  return InvalidArgument(StrCat("'", text, "' is not of the form ip:port"));
}

bool Address::is_any() const {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == INADDR_ANY;
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
}

bool Address::is_loopback() const {
  switch (family()) {
    case AF_INET:
      return (ntohl(storage_.v4.sin_addr.s_addr) >> 24) == 127;
    case AF_INET6:
      if (IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return Unmapped().is_loopback();
      return IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
    default:
      return family() == AF_UNIX;
  }
}

bool Address::is_private() const {
  if (is_loopback()) return true;
  if (family() == AF_INET) {
    const uint32_t ip = ntohl(storage_.v4.sin_addr.s_addr);
    return (ip >> 24) == 10 || (ip >> 20) == 0xac1 || (ip >> 16) == 0xc0a8;
  }
  if (family() != AF_INET6) return false;
  if (IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return Unmapped().is_private();
  return (storage_.v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  return family() == AF_INET6 ? ntohs(storage_.v6.sin6_port) : 0;
}

Address Address::WithPort(uint16_t port) const {
  Address copy = *this;
  if (family() == AF_INET) copy.storage_.v4.sin_port = htons(port);
  if (family() == AF_INET6) copy.storage_.v6.sin6_port = htons(port);
  return copy;
}

Address Address::Unmapped() const {
  if (family() != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return *this;
  Address v4;
  v4.storage_.v4.sin_family = AF_INET;
  v4.storage_.v4.sin_port = storage_.v6.sin6_port;
  memcpy(&v4.storage_.v4.sin_addr, storage_.v6.sin6_addr.s6_addr + 12, 4);
  v4.length_ = sizeof(sockaddr_in);
  return v4;
}

std::string Address::IpText() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET: {
      // Of every connection: inet_ntop takes printf for it.
      char* end = text;
      for (const char byte : IpBytes()) {
        if (end != text) *end++ = '.';
        end = std::to_chars(end, text + sizeof(text), static_cast<uint8_t>(byte)).ptr;
      }
      return std::string(text, end);
    }
    case AF_INET6:
      inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof(text));
      return storage_.v6.sin6_scope_id == 0 ? text : StrCat(text, "%", storage_.v6.sin6_scope_id);
    case AF_UNIX: {
      const size_t size = length_ - offsetof(sockaddr_un, sun_path);
      if (length_ <= offsetof(sockaddr_un, sun_path)) return "";
      if (path_->sun_path[0] == '\0') return StrCat("@", std::string_view(path_->sun_path + 1, size - 1));
      return std::string(path_->sun_path, strnlen(path_->sun_path, size));
    }
    default:
      return "";
  }
}

std::string Address::ToString() const {
  if (family() == AF_INET) return StrCat(IpText(), ":", port());
  if (family() == AF_INET6) return StrCat("[", IpText(), "]:", port());
  return IpText();
}

std::string_view Address::IpBytes() const {
  if (family() == AF_INET) return {reinterpret_cast<const char*>(&storage_.v4.sin_addr), 4};
  if (family() == AF_INET6) return {reinterpret_cast<const char*>(&storage_.v6.sin6_addr), 16};
  return {};
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family()) return false;
  if (is_ip()) {
    return IpBytes() == other.IpBytes() && port() == other.port() &&
           (family() == AF_INET || storage_.v6.sin6_scope_id == other.storage_.v6.sin6_scope_id);
  }
  return length_ == other.length_ && memcmp(sockaddr_ptr(), other.sockaddr_ptr(), length_) == 0;
}

size_t Address::Hash() const {
  if (is_ip()) return std::hash<std::string_view>{}(IpBytes()) * 31 + port();
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(sockaddr_ptr()), length_});
}

absl::StatusOr<CidrRange> CidrRange::Create(std::string_view address, uint32_t prefix_length) {
  auto base = Address::FromIp(address, 0);
  if (!base.ok()) return base.status();
  const uint32_t width = base->family() == AF_INET ? 32 : 128;
  if (prefix_length > width) {
    return InvalidArgument(StrCat("prefix length ", prefix_length, " is above ", width, ", the width of ", address));
  }
  // Without the host's bits, so that equal ranges are equal however they were written.
  std::string bytes(base->IpBytes());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t kept = prefix_length > 8 * i ? std::min<size_t>(prefix_length - 8 * i, 8) : 0;
    bytes[i] = static_cast<char>(static_cast<uint8_t>(bytes[i]) & (0xff00u >> kept));
  }
  sockaddr_storage masked{};
  memcpy(&masked, base->sockaddr_ptr(), base->length());
  void* const ip = base->family() == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(masked).sin_addr)
                                             : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(masked).sin6_addr);
  memcpy(ip, bytes.data(), bytes.size());
  CidrRange range;
  range.base_ = Address::FromSockaddr(reinterpret_cast<sockaddr*>(&masked), base->length());
  range.prefix_length_ = prefix_length;
  return range;
}

bool CidrRange::Contains(const Address& address) const {
  const Address plain = base_.family() == AF_INET ? address.Unmapped() : address;
  if (plain.family() != base_.family()) return false;
  const std::string_view a = plain.IpBytes();
  const std::string_view b = base_.IpBytes();
  const size_t whole = prefix_length_ / 8;
  if (memcmp(a.data(), b.data(), whole) != 0) return false;
  const uint32_t rest = prefix_length_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((static_cast<uint8_t>(a[whole]) ^ static_cast<uint8_t>(b[whole])) & mask) == 0;
}

std::string CidrRange::ToString() const { return StrCat(base_.IpText(), "/", prefix_length_); }

}  // namespace nuncio::net
