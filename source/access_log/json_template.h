#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "source/access_log/text_template.h"

namespace nuncio::access_log {

// A JSON value with templates in the place of strings. Immutable; any thread.
class JsonTemplate {
 public:
  // A number, bool or null as JSON text.
  struct Literal {
    std::string text;
  };
  using List = std::vector<JsonTemplate>;
  // Members sorted by name; entries are one-line objects in this order.
  using Object = std::map<std::string, JsonTemplate>;

  explicit JsonTemplate(Literal literal) : node_(std::move(literal)) {}
  explicit JsonTemplate(TextTemplate text) : node_(std::move(text)) {}
  explicit JsonTemplate(List list) : node_(std::move(list)) {}
  explicit JsonTemplate(const Object& object);

  // With `omit_empty` members whose one operator has no value are left out.
  void Append(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const;

 private:
  // The name as `"name":`, and the value.
  using Members = std::vector<std::pair<std::string, JsonTemplate>>;
  std::variant<Literal, TextTemplate, List, Members> node_;
};

}  // namespace nuncio::access_log
