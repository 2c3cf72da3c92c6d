#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/message.h"

namespace nuncio::admin {

inline constexpr std::string_view kTextPlain = "text/plain; charset=UTF-8";
inline constexpr std::string_view kTextHtml = "text/html; charset=UTF-8";
inline constexpr std::string_view kJson = "application/json";

// A request to the admin interface, without its body, which no endpoint reads.
class AdminRequest {
 public:
  // `target` as in the request line.
  AdminRequest(http::Method method, std::string_view target);

  http::Method method() const { return method_; }
  // Without query.
  const std::string& path() const { return path_; }
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  // Names and values with %-escapes decoded, in order.
  const Parameters& parameters() const { return parameters_; }
  // The first of that name.
  std::optional<std::string_view> Parameter(std::string_view name) const;
  // Given, and not as "false" or "0".
  bool Flag(std::string_view name) const;

 private:
  http::Method method_;
  std::string path_;
  Parameters parameters_;
};

// A body that is made in parts, so that nothing else waits for it on main.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends about `max_bytes` more, maybe nothing. False when that was the end. What it describes may change between
  // calls.
  virtual bool Next(std::string& out, size_t max_bytes) = 0;
};

struct AdminAnswer {
  uint32_t status = 200;
  // Static storage.
  std::string_view content_type = kTextPlain;
  std::string body{};
  // Follows `body`; null: that was all.
  std::unique_ptr<BodySource> source{};
  // For 405: the value of `allow`. Static storage; empty: no such field.
  std::string_view allow{};
};

AdminAnswer TextAnswer(uint32_t status, std::string body);
AdminAnswer JsonAnswer(std::string body);

}  // namespace nuncio::admin
