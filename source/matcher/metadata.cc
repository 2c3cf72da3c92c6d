#include "source/matcher/metadata.h"

#include <charconv>
#include <cmath>

#include "source/base/strings.h"

namespace nuncio::matcher {
namespace {

void AppendQuoted(std::string_view text, std::string& out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out.append("\\u00");
          out.push_back(kDigits[(c >> 4) & 0xF]);
          out.push_back(kDigits[c & 0xF]);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

void AppendNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    // JSON has no such numbers; protobuf writes them as strings.
    out.append(std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  if (std::trunc(number) == number && std::fabs(number) < 9007199254740992.0) {
    StrAppend(out, static_cast<int64_t>(number));
    return;
  }
  StrAppend(out, number);
}

}  // namespace

void MetadataValue::AppendJson(std::string& out) const {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out.append(*flag ? "true" : "false");
  } else if (const auto* number = std::get_if<double>(&value)) {
    AppendNumber(*number, out);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    AppendQuoted(*text, out);
  } else if (const auto* list = std::get_if<List>(&value)) {
    out.push_back('[');
    for (size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out.push_back(',');
      (*list)[i].AppendJson(out);
    }
    out.push_back(']');
  } else if (const auto* fields = std::get_if<Fields>(&value)) {
    out.push_back('{');
    bool first = true;
    for (const auto& [name, field] : *fields) {
      if (!first) out.push_back(',');
      first = false;
      AppendQuoted(name, out);
      out.push_back(':');
      field.AppendJson(out);
    }
    out.push_back('}');
  } else {
    out.append("null");
  }
}

const MetadataValue* Metadata::Find(std::string_view name_space, std::span<const std::string> path) const {
  auto found = namespaces.find(name_space);
  if (found == namespaces.end()) return nullptr;
  const MetadataValue* value = &found->second;
  for (const std::string& name : path) {
    const auto* fields = std::get_if<MetadataValue::Fields>(&value->value);
    if (fields == nullptr) return nullptr;
    found = fields->find(name);
    if (found == fields->end()) return nullptr;
    value = &found->second;
  }
  return value;
}

}  // namespace nuncio::matcher
