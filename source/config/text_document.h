#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/fault.h"

namespace nuncio::config {

// One value of a YAML or JSON text. Where YAML aliases are used, several parents share a node, and a node may be its
// own descendant; a walk therefore bounds its depth and its number of steps.
struct TextNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMapping };

  struct Child {
    TextNode* node = nullptr;
    // Tagged `!ignore` where it stands; an alias of it elsewhere is not ignored.
    bool ignored = false;
  };

  Kind kind = Kind::kNull;
  // Of a scalar: it was written without quotes, so it may stand for a number or bool where any type will do.
  bool plain = false;
  // Where it begins in the text, from 1.
  int line = 0;
  int column = 0;
  // Of a scalar: the value, UTF-8.
  std::string text;
  // Of a sequence: the items. Of a mapping: key, value, key, value.
  std::vector<Child> children;
};

// A parsed YAML or JSON text. Owns its nodes.
class TextDocument {
 public:
  static constexpr size_t kMaxTextSize = 128 << 20;
  static constexpr size_t kMaxNodes = 5'000'000;
  static constexpr size_t kMaxDepth = 100;

  TextDocument() = default;
  TextDocument(const TextDocument&) = delete;
  TextDocument& operator=(const TextDocument&) = delete;

  // Reads one YAML document. False with a fault, with its line and column, where the text is no YAML, holds a second
  // document, is nested deeper than kMaxDepth or larger than the other limits. The document must be new.
  bool ParseYaml(std::string_view text, Faults& faults);
  // The same for JSON (RFC 8259).
  bool ParseJson(std::string_view text, Faults& faults);

  // Null after a text of nothing but white space and comments.
  const TextNode* root() const { return root_; }
  size_t node_count() const { return nodes_.size(); }
  // Of the text that was parsed, in bytes.
  size_t text_size() const { return text_size_; }

 private:
  friend class YamlBuilder;
  friend class JsonReader;

  std::deque<TextNode> nodes_;
  TextNode* root_ = nullptr;
  size_t text_size_ = 0;
};

}  // namespace nuncio::config
