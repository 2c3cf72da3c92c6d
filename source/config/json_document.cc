// TextDocument::ParseJson: JSON as RFC 8259 has it. yaml-cpp would take most JSON, but not escaped surrogate pairs nor
// tabs everywhere, and its messages speak of YAML.
#include <cctype>
#include <string>

#include "source/base/strings.h"
#include "source/base/utf8.h"
#include "source/config/text_document.h"

namespace nuncio::config {

class JsonReader {
 public:
  JsonReader(TextDocument& document, std::string_view text, Faults& faults)
      : document_(document), text_(text), faults_(faults) {}

  bool Read() {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = line_start_ = 3;
    SkipSpace();
    if (at_ == text_.size()) return true;
    TextNode* root = ReadValue(0);
    if (root == nullptr) return false;
    SkipSpace();
    if (at_ != text_.size()) return Refuse("expected the end of the text");
    if (root->kind != TextNode::Kind::kNull) document_.root_ = root;
    return true;
  }

 private:
  bool Refuse(std::string_view reason) {
    faults_.AddAt(line_, Column(), StrCat("not JSON: ", reason));
    return false;
  }

  int Column() const { return static_cast<int>(at_ - line_start_) + 1; }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void SkipSpace() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  TextNode* NewNode(TextNode::Kind kind) {
    if (document_.nodes_.size() == TextDocument::kMaxNodes) {
      Refuse("has too many values");
      return nullptr;
    }
    TextNode* node = &document_.nodes_.emplace_back();
    node->kind = kind;
    node->line = line_;
    node->column = Column();
    return node;
  }

  TextNode* ReadValue(size_t depth) {
    switch (Peek()) {
      case '{':
        return ReadContainer(TextNode::Kind::kMapping, '}', depth);
      case '[':
        return ReadContainer(TextNode::Kind::kSequence, ']', depth);
      case '"': {
        TextNode* node = NewNode(TextNode::Kind::kScalar);
        return node != nullptr && ReadString(node->text) ? node : nullptr;
      }
      default:
        return ReadWord();
    }
  }

  TextNode* ReadContainer(TextNode::Kind kind, char close, size_t depth) {
    if (depth == TextDocument::kMaxDepth) {
      Refuse(StrCat("is nested deeper than ", TextDocument::kMaxDepth, " levels"));
      return nullptr;
    }
    TextNode* node = NewNode(kind);
    if (node == nullptr) return nullptr;
    ++at_;
    SkipSpace();
    if (Peek() == close) {
      ++at_;
      return node;
    }
    while (true) {
      if (kind == TextNode::Kind::kMapping && !ReadKey(node)) return nullptr;
      TextNode* value = ReadValue(depth + 1);
      if (value == nullptr) return nullptr;
      node->children.push_back({value});
      SkipSpace();
      const char c = Peek();
      if (c == close) {
        ++at_;
        return node;
      }
      if (c != ',') {
        Refuse(StrCat("expected ',' or '", close, "'"));
        return nullptr;
      }
      ++at_;
      SkipSpace();
    }
  }

  bool ReadKey(TextNode* mapping) {
    if (Peek() != '"') return Refuse("expected a key in double quotes");
    TextNode* key = NewNode(TextNode::Kind::kScalar);
    if (key == nullptr || !ReadString(key->text)) return false;
    mapping->children.push_back({key});
    SkipSpace();
    if (Peek() != ':') return Refuse("expected ':'");
    ++at_;
    SkipSpace();
    return true;
  }

  // A number, true, false or null.
  TextNode* ReadWord() {
    size_t end = at_;
    while (end < text_.size() && (isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '-' ||
                                  text_[end] == '+' || text_[end] == '.')) {
      ++end;
    }
    const std::string_view word = text_.substr(at_, end - at_);
    const bool is_null = word == "null";
    if (!is_null && word != "true" && word != "false" && !IsNumber(word)) {
      Refuse(word.empty() ? "expected a value" : StrCat("expected a value, not ", Quote(word)));
      return nullptr;
    }
    TextNode* node = NewNode(is_null ? TextNode::Kind::kNull : TextNode::Kind::kScalar);
    if (node == nullptr) return nullptr;
    node->plain = true;
    if (!is_null) node->text = word;
    at_ = end;
    return node;
  }

  // RFC 8259 6.
  static bool IsNumber(std::string_view word) {
    size_t i = 0;
    auto digits = [&] {
      const size_t begin = i;
      while (i < word.size() && word[i] >= '0' && word[i] <= '9') ++i;
      return i - begin;
    };
    if (i < word.size() && word[i] == '-') ++i;
    const bool zero = i < word.size() && word[i] == '0';
    const size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (i < word.size() && word[i] == '.') {
      ++i;
      if (digits() == 0) return false;
    }
    if (i < word.size() && (word[i] == 'e' || word[i] == 'E')) {
      ++i;
      if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    return i == word.size();
  }

  bool ReadString(std::string& out) {
    ++at_;
    while (true) {
      const size_t begin = at_;
      while (at_ < text_.size() && static_cast<signed char>(text_[at_]) >= 0x20 && text_[at_] != '"' &&
             text_[at_] != '\\') {
        ++at_;
      }
      out.append(text_.substr(begin, at_ - begin));
      if (at_ == text_.size()) return Refuse("a string that does not end");
      const unsigned char c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!ReadEscape(out)) return false;
      } else if (c >= 0x80) {
        if (!ReadUtf8(out)) return false;
      } else {
        return Refuse("a control character in a string; write it as an escape");
      }
    }
  }

  bool ReadUtf8(std::string& out) {
    const size_t length = Utf8Length(text_.substr(at_));
    if (length == 0) return Refuse("a string that is not UTF-8");
    out.append(text_.substr(at_, length));
    at_ += length;
    return true;
  }

  bool ReadEscape(std::string& out) {
    ++at_;
    const char c = Peek();
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u':
        return ReadUnicodeEscape(out);
      default:
        return Refuse("an unknown escape in a string");
    }
    ++at_;
    return true;
  }

  // Four hexadecimal digits after the 'u' at at_.
  bool ReadHex4(uint32_t& code) {
    ++at_;
    if (at_ + 4 > text_.size()) return Refuse("a \\u escape without four hexadecimal digits");
    code = 0;
    for (size_t i = 0; i < 4; ++i, ++at_) {
      const char c = ToLower(text_[at_]);
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (c < 'a' || c > 'f')) return Refuse("a \\u escape without four hexadecimal digits");
      code = code << 4 | static_cast<uint32_t>(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
  }

  bool ReadUnicodeEscape(std::string& out) {
    uint32_t code = 0;
    if (!ReadHex4(code)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
      uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return Refuse("half of a surrogate pair");
      ++at_;
      if (!ReadHex4(low)) return false;
      if (low < 0xdc00 || low >= 0xe000) return Refuse("half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return Refuse("half of a surrogate pair");
    }
    AppendUtf8(out, code);
    return true;
  }

  static void AppendUtf8(std::string& out, uint32_t code) {
    auto add = [&out](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | code >> 6);
      add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3f));
      add(0x80 | (code >> 6 & 0x3f));
      add(0x80 | (code & 0x3f));
    }
  }

  TextDocument& document_;
  const std::string_view text_;
  Faults& faults_;
  size_t at_ = 0;
  int line_ = 1;
  size_t line_start_ = 0;
};

bool TextDocument::ParseJson(std::string_view text, Faults& faults) {
  text_size_ = text.size();
  if (text.size() > kMaxTextSize) {
    faults.Add(StrCat("is larger than ", kMaxTextSize >> 20, " MiB"));
    return false;
  }
  return JsonReader(*this, text, faults).Read();
}

}  // namespace nuncio::config
