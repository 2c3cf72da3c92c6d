#include "source/route/domain_index.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::route {

std::string_view WithoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  // A colon within the brackets of an IPv6 address begins no port (RFC 3986 3.2.2).
  const size_t bracket = host.rfind(']');
  if (bracket != std::string_view::npos && bracket > colon) return host;
  return host.substr(0, colon);
}

uint32_t DomainIndex::Insert(std::string_view domain, uint32_t virtual_host) {
  const std::string lower = AsciiToLower(domain);
  const std::string_view text = lower;
  if (text == "*") {
    if (any_ == kNone) any_ = virtual_host;
    return any_;
  }
  if (text.starts_with('*')) return suffixes_.Insert(text.substr(1), virtual_host);
  if (text.ends_with('*')) return prefixes_.Insert(text.substr(0, text.size() - 1), virtual_host);
  return exact_.Insert(text, virtual_host);
}

uint32_t DomainIndex::Find(std::string_view host) const {
  // One pass makes the hash of the whole and, on the way, of all prefixes.
  uint32_t prefix = kNone;
  RollingHash hash;
  const size_t hashed = std::min(host.size(), std::max(exact_.max_length(), prefixes_.max_length()));
  for (size_t length = 0; length < hashed;) {
    hash.Add(ToLower(host[length++]));
    // The star stands for at least one byte.
    if (length >= host.size() || length > prefixes_.max_length() || !prefixes_.HasLength(length)) continue;
    const uint32_t found = prefixes_.Find(hash.value(), [text = host.substr(0, length)](std::string_view other) {
      return EqualsIgnoreCase(text, other);
    });
    if (found != kNone) prefix = found;
  }
  if (!exact_.empty() && host.size() <= exact_.max_length()) {
    const uint32_t found =
        exact_.Find(hash.value(), [host](std::string_view other) { return EqualsIgnoreCase(host, other); });
    if (found != kNone) return found;
  }
  if (!suffixes_.empty()) {
    const uint32_t found = FindSuffix(host);
    if (found != kNone) return found;
  }
  return prefix != kNone ? prefix : any_;
}

uint32_t DomainIndex::FindSuffix(std::string_view host) const {
  uint32_t best = kNone;
  RollingHash hash;
  for (size_t length = 1; length < host.size() && length <= suffixes_.max_length(); ++length) {
    hash.Add(ToLower(host[host.size() - length]));
    if (!suffixes_.HasLength(length)) continue;
    const uint32_t found =
        suffixes_.Find(hash.value(), [text = host.substr(host.size() - length)](std::string_view other) {
          return EqualsIgnoreCase(text, other);
        });
    if (found != kNone) best = found;
  }
  return best;
}

}  // namespace nuncio::route
