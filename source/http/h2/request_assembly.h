#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/message.h"

namespace nuncio::http::h2 {

// Makes a RequestHead out of a request's fields, and refuses what HTTP/2 forbids and what HTTP/1 could be made to read
// differently (RFC 9113 8.2, 8.3, 10.3). Lives in the stream's arena.
class RequestAssembly {
 public:
  // `allow_connect`: whether SETTINGS_ENABLE_CONNECT_PROTOCOL was sent.
  RequestAssembly(Arena& arena, bool allow_connect) : head_(arena), allow_connect_(allow_connect) {
    head_.protocol = Protocol::kHttp2;
  }

  RequestHead& head() { return head_; }
  // Empty, or the fault.
  std::string_view AddPseudo(std::string_view name, std::string_view value);
  // After the last field. Joins cookies, takes `host` out of the map.
  std::string_view Finish();
  // As content-length says; UINT64_MAX where there is none. After Finish.
  uint64_t content_length() const { return content_length_; }

 private:
  std::string_view CheckPseudo();
  std::string_view SettleAuthority();
  std::string_view SettleLength();
  void JoinCookies();

  RequestHead head_;
  const bool allow_connect_;
  bool has_method_ = false;
  bool has_path_ = false;
  bool has_scheme_ = false;
  bool has_authority_ = false;
  bool has_protocol_ = false;
  uint64_t content_length_ = UINT64_MAX;
};

}  // namespace nuncio::http::h2
