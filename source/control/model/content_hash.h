#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace nuncio::control {

// 128 bits that stand for a sequence of bytes: equal in every process and on every machine. Not for secrets, and no
// proof against somebody who looks for two contents with one hash; where that would matter, contents are compared.
struct ContentHash {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const ContentHash&) const = default;

  // 16 hexadecimal digits: enough to tell versions apart, short enough to be read out.
  std::string ShortText() const;
  // 16 bytes.
  std::string Bytes() const;
};

ContentHash HashContent(std::string_view bytes);

// The hash of a sequence of pieces, which cannot be confused with another way of cutting the same bytes.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  ContentHasher(const ContentHasher&) = delete;
  ContentHasher& operator=(const ContentHasher&) = delete;

  void Add(std::string_view piece);
  void Add(const ContentHash& hash);
  ContentHash Finish() const;

 private:
  void* state_;
};

}  // namespace nuncio::control
