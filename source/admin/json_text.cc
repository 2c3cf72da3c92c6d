#include "source/admin/json_text.h"

namespace nuncio::admin {
namespace {

// Line breaks within strings are escaped, so each newline begins a line of the text.
void AppendLines(std::string& out, std::string_view text, size_t indent) {
  for (;;) {
    const size_t newline = text.find('\n');
    out.append(text.substr(0, newline));
    if (newline == std::string_view::npos) return;
    out.push_back('\n');
    out.append(indent, ' ');
    text.remove_prefix(newline + 1);
  }
}

std::string_view WithoutBraces(std::string_view json) {
  // "{\n members\n}" or "{}".
  if (json.size() < 4) return {};
  json.remove_prefix(1);
  json.remove_suffix(1);
  while (!json.empty() && json.front() == '\n') json.remove_prefix(1);
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.remove_suffix(1);
  return json;
}

}  // namespace

void AppendObject(std::string& out, const google::protobuf::Message& message, size_t indent,
                  config::DumpOptions options) {
  AppendLines(out, config::MessageToJson(message, options), indent);
}

void AppendMembers(std::string& out, const google::protobuf::Message& message, size_t indent) {
  const std::string json = config::MessageToJson(message);
  const std::string_view members = WithoutBraces(json);
  if (members.empty()) return;
  const size_t by = indent - kJsonIndent;
  out.append(by, ' ');
  AppendLines(out, members, by);
}

}  // namespace nuncio::admin
