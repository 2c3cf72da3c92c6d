#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace nuncio::net {

// An IPv4, IPv6 or Unix-domain address with port. A value: copies are cheap enough for control paths.
class Address {
 public:
  // An address of no family; length() is 0.
  Address() = default;
  // Numeric IPv4 or IPv6 ("[::1]" too, with a numeric or named zone). `port` in host byte order.
  static absl::StatusOr<Address> FromIp(std::string_view ip, uint16_t port);
  // A path, or an abstract name that begins with '@'. At most 107 bytes.
  static absl::StatusOr<Address> FromPath(std::string_view path);
  static Address FromSockaddr(const sockaddr* address, socklen_t length);
  // "1.2.3.4:80", "[::1]:80".
  static absl::StatusOr<Address> FromIpPort(std::string_view text);

  const sockaddr* sockaddr_ptr() const {
    return path_ == nullptr ? &storage_.any : reinterpret_cast<const sockaddr*>(path_.get());
  }
  socklen_t length() const { return length_; }
  int family() const { return storage_.any.sa_family; }
  bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  bool is_any() const;       // 0.0.0.0 or ::
  bool is_loopback() const;  // 127/8, ::1, mapped ones; a Unix-domain socket counts as loopback.
  // RFC 1918, RFC 4193, loopback.
  bool is_private() const;
  uint16_t port() const;  // 0 for Unix-domain.
  Address WithPort(uint16_t port) const;
  // A v4-mapped IPv6 address as plain IPv4; others unchanged.
  Address Unmapped() const;

  std::string IpText() const;  // Without brackets; the path for Unix-domain.
  std::string ToString() const;
  // Network-order bytes of the address, 4 or 16; empty for Unix-domain.
  std::string_view IpBytes() const;

  bool operator==(const Address& other) const;
  size_t Hash() const;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_{};
  socklen_t length_ = 0;
  // Of a Unix-domain address with a path: it is much longer than the others, and rare. `storage_` has the family then.
  std::shared_ptr<const sockaddr_un> path_;
};

struct AddressHash {
  size_t operator()(const Address& a) const { return a.Hash(); }
};

// An address prefix, as in CidrRange.
class CidrRange {
 public:
  // `prefix_length` above the family's width is an error. Host bits are ignored.
  static absl::StatusOr<CidrRange> Create(std::string_view address, uint32_t prefix_length);
  // IPv4 addresses mapped into IPv6 match IPv4 ranges.
  bool Contains(const Address& address) const;
  // Without host bits, and of port 0.
  const Address& base() const { return base_; }
  uint32_t prefix_length() const { return prefix_length_; }
  std::string ToString() const;

 private:
  Address base_;
  uint32_t prefix_length_ = 0;
};

}  // namespace nuncio::net
