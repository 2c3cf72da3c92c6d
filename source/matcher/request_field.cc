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

const http::HeaderField* RequestField::Find(const http::HeaderMap& headers) const {
  return id_ == http::HeaderId::kOther ? headers.Find(name_) : headers.Find(id_);
}

bool RequestField::First(const http::RequestHead& request, std::string_view* value) const {
  if (kind_ != Kind::kHeader) return Pseudo(request, value);
  const http::HeaderField* field = Find(request.headers);
  if (field == nullptr) return false;
  *value = field->value;
  return true;
}

bool RequestField::Joined(const http::RequestHead& request, std::string& scratch, std::string_view* value) const {
  if (kind_ != Kind::kHeader) return Pseudo(request, value);
  const http::HeaderField* const first = Find(request.headers);
  if (first == nullptr) return false;
  *value = first->value;
  bool several = false;
  for (const http::HeaderField* field = first + 1; field != request.headers.end(); ++field) {
    if (field->id != id_ || (id_ == http::HeaderId::kOther && !EqualsIgnoreCase(field->name, name_))) continue;
    if (!several) scratch.assign(first->value);
    several = true;
    scratch.push_back(',');
    scratch.append(field->value);
  }
  if (several) *value = scratch;
  return true;
}

}  // namespace nuncio::matcher
