#include "source/access_log/json_template.h"

#include "source/base/json_string.h"

namespace nuncio::access_log {

JsonTemplate::JsonTemplate(const Object& object) {
  Members members;
  members.reserve(object.size());
  for (const auto& [name, value] : object) {
    std::string key;
    AppendJsonString(key, name);
    key.push_back(':');
    members.emplace_back(std::move(key), value);
  }
  node_ = std::move(members);
}

void JsonTemplate::Append(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const {
  if (const auto* text = std::get_if<TextTemplate>(&node_)) {
    text->AppendJson(info, omit_empty, scratch, out);
  } else if (const auto* literal = std::get_if<Literal>(&node_)) {
    out += literal->text;
  } else if (const auto* list = std::get_if<List>(&node_)) {
    char separator = '[';
    for (const JsonTemplate& item : *list) {
      out.push_back(separator);
      item.Append(info, omit_empty, scratch, out);
      separator = ',';
    }
    out += list->empty() ? "[]" : "]";
  } else {
    char separator = '{';
    for (const auto& [key, value] : std::get<Members>(node_)) {
      const auto* text_value = std::get_if<TextTemplate>(&value.node_);
      if (omit_empty && text_value != nullptr && text_value->AbsentIn(info, scratch)) continue;
      out.push_back(separator);
      out += key;
      value.Append(info, omit_empty, scratch, out);
      separator = ',';
    }
    if (separator == '{') out.push_back('{');
    out.push_back('}');
  }
}

}  // namespace nuncio::access_log
