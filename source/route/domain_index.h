#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/route/text_hash_table.h"

namespace nuncio::route {

// From hosts to virtual hosts: a name itself, then `*suffix`, then `prefix*`, longer ones first, then `*`. A star
// stands for one byte or more. Without regard to the case of ASCII letters. A lookup takes one pass over the host and
// does not grow with the number of domains. Immutable once filled; any thread.
class DomainIndex {
 public:
  static constexpr uint32_t kNone = TextHashTable::kNone;

  // A domain as configured. Returns the virtual host that has it already, or `virtual_host`.
  uint32_t Insert(std::string_view domain, uint32_t virtual_host);

  // kNone where no domain matches.
  uint32_t Find(std::string_view host) const;

 private:
  uint32_t FindSuffix(std::string_view host) const;

  TextHashTable exact_;
  TextHashTable suffixes_{TextHashTable::Direction::kBackward};
  TextHashTable prefixes_;
  uint32_t any_ = kNone;
};

// The host without a port: "[::1]:80" -> "[::1]", "a.b:80" -> "a.b".
std::string_view WithoutPort(std::string_view host);

}  // namespace nuncio::route
