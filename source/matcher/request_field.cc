#include "source/matcher/request_field.h"

#include "source/base/strings.h"

namespace nuncio::matcher {

RequestField::RequestField(std::string_view name)
    : name_(AsciiToLower(name)), id_(http::FindHeaderId(name_)), kind_(Kind::kHeader) {
  if (name_ == ":method") {
    kind_ = Kind::kMethod;
  } else if (name_ == ":path") {
    kind_ = Kind::kPath;
  } else if (name_ == ":authority" || name_ == "host") {
    kind_ = Kind::kAuthority;
  } else if (name_ == ":scheme") {
    kind_ = Kind::kScheme;
  }
}

bool RequestField::Pseudo(const http::RequestHead& request, std::string_view* value) const {
  switch (kind_) {
    case Kind::kMethod:
      *value = request.method_text;
      break;
    case Kind::kPath:
      *value = request.path;
      break;
    case Kind::kAuthority:
      *value = request.authority;
      break;
    case Kind::kScheme:
      *value = request.scheme;
      break;
    case Kind::kHeader:
      return false;
  }
  return !value->empty();
}

bool RequestField::First(const http::RequestHead& request, std::string_view* value) const {
  if (kind_ != Kind::kHeader) return Pseudo(request, value);
  const http::HeaderField* field =
      id_ == http::HeaderId::kOther ? request.headers.Find(name_) : request.headers.Find(id_);
  if (field == nullptr) return false;
  *value = field->value;
  return true;
}

bool RequestField::Joined(const http::RequestHead& request, std::string_view* value) const {
  if (kind_ != Kind::kHeader) return Pseudo(request, value);
  if (id_ != http::HeaderId::kOther && !request.headers.Has(id_)) return false;
  return request.headers.Joined(name_, value);
}

}  // namespace nuncio::matcher
