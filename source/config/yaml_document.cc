// TextDocument::ParseYaml: yaml-cpp's event stream into TextNodes.
#include <algorithm>
#include <exception>
#include <istream>
#include <string>
#include <unordered_map>

#include "source/base/strings.h"
#include "source/base/utf8.h"
#include "source/config/text_document.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/yaml.h"

namespace nuncio::config {
namespace {

// Ends yaml-cpp's parse from inside an event.
struct Refused {
  YAML::Mark mark;
  std::string reason;
};

// yaml-cpp reads from streams only; this one reads the caller's bytes in place.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

// Why the parser may have stumbled over a line (from 0), where what it says would not tell.
std::string_view HintAt(std::string_view text, int line) {
  for (int i = 0; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  const std::string_view indentation = text.substr(0, text.find_first_not_of(" \t"));
  return indentation.find('\t') != std::string_view::npos ? " (the line is indented with a tab; YAML wants spaces)"
                                                          : "";
}

}  // namespace

class YamlBuilder : public YAML::EventHandler {
 public:
  explicit YamlBuilder(TextDocument& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // Of a document that begins with what no value begins with, such as a comma, yaml-cpp makes empty documents without
    // end: it leaves the token there.
    if (mark.pos == start_.pos && any_document_) throw Refused{mark, "not YAML: no value can begin here"};
    any_document_ = true;
    start_ = mark;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Place(NewNode(mark, TextNode::Kind::kNull, anchor), false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{mark, "an alias (*) of an anchor that is not there"};
    Place(found->second, false);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    TextNode* node = NewNode(mark, TextNode::Kind::kScalar, anchor);
    // yaml-cpp gives plain scalars the tag "?", quoted and block ones "!", and the written tag otherwise.
    node->plain = tag != "!" && tag != "tag:yaml.org,2002:str";
    node->text = value;
    Place(node, tag == "!ignore");
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, NewNode(mark, TextNode::Kind::kSequence, anchor), tag == "!ignore");
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, NewNode(mark, TextNode::Kind::kMapping, anchor), tag == "!ignore");
  }
  void OnMapEnd() override { open_.pop_back(); }

  // True when the document just read was the second one with a value.
  bool second() const { return documents_ > 1; }
  const YAML::Mark& start() const { return start_; }

 private:
  TextNode* NewNode(const YAML::Mark& mark, TextNode::Kind kind, YAML::anchor_t anchor) {
    if (document_.nodes_.size() == TextDocument::kMaxNodes) throw Refused{mark, "has too many values"};
    TextNode* node = &document_.nodes_.emplace_back();
    node->kind = kind;
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    return node;
  }

  void Place(TextNode* node, bool ignored) {
    if (!open_.empty()) {
      open_.back()->children.push_back({node, ignored});
      return;
    }
    if (node->kind == TextNode::Kind::kNull) return;
    ++documents_;
    if (document_.root_ == nullptr) document_.root_ = node;
  }

  void Open(const YAML::Mark& mark, TextNode* node, bool ignored) {
    if (open_.size() == TextDocument::kMaxDepth) {
      throw Refused{mark, StrCat("is nested deeper than ", TextDocument::kMaxDepth, " levels")};
    }
    Place(node, ignored);
    open_.push_back(node);
  }

  TextDocument& document_;
  YAML::Mark start_;
  bool any_document_ = false;
  int documents_ = 0;
  std::vector<TextNode*> open_;
  std::unordered_map<YAML::anchor_t, TextNode*> anchors_;
};

bool TextDocument::ParseYaml(std::string_view text, Faults& faults) {
  text_size_ = text.size();
  if (text.size() > kMaxTextSize) {
    faults.Add(StrCat("is larger than ", kMaxTextSize >> 20, " MiB"));
    return false;
  }
  // yaml-cpp would pass such bytes on, into strings that no peer takes.
  if (const size_t bad = FindNotUtf8(text); bad != std::string_view::npos) {
    const std::string_view before = text.substr(0, bad);
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    faults.AddAt(static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                 static_cast<int>(bad - line_start) + 1, "not UTF-8 text");
    return false;
  }
  YamlBuilder builder(*this);
  try {
    MemoryBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      if (builder.second()) {
        faults.AddAt(builder.start().line + 1, 1, "a second document begins here; one file holds one document");
        return false;
      }
    }
  } catch (const Refused& refused) {
    const bool known = !refused.mark.is_null();
    faults.AddAt(known ? refused.mark.line + 1 : 0, known ? refused.mark.column + 1 : 0, refused.reason);
    return false;
  } catch (const YAML::Exception& error) {
    faults.AddAt(error.mark.line + 1, error.mark.column + 1,
                 StrCat("not YAML: ", error.msg, HintAt(text, error.mark.line)));
    return false;
  } catch (const std::exception& error) {
    faults.Add(StrCat("not YAML: ", error.what()));
    return false;
  }
  return true;
}

}  // namespace nuncio::config
