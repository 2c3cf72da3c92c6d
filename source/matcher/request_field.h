#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/header_id.h"
#include "source/http/message.h"

namespace nuncio::matcher {

// A field of a request by the name that configurations give it: a header in any case, or `:method`, `:path`,
// `:authority` (which `host` means too) and `:scheme`. Any other name that begins with a colon names nothing and is
// absent from every request. Immutable.
class RequestField {
 public:
  explicit RequestField(std::string_view name);

  // The first such header's value. False where there is none.
  bool First(const http::RequestHead& request, std::string_view* value) const;
  // All values joined by commas, in `scratch` where there are several. False where there is none.
  bool Joined(const http::RequestHead& request, std::string& scratch, std::string_view* value) const;

  // Lower case.
  const std::string& name() const { return name_; }

 private:
  enum class Kind : uint8_t { kHeader, kMethod, kPath, kAuthority, kScheme };
  const http::HeaderField* Find(const http::HeaderMap& headers) const;
  bool Pseudo(const http::RequestHead& request, std::string_view* value) const;

  std::string name_;
  http::HeaderId id_;
  Kind kind_;
};

}  // namespace nuncio::matcher
