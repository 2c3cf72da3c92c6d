#include "source/config/text_writer.h"

#include <cctype>

#include "source/base/json_string.h"
#include "source/base/strings.h"
#include "source/config/message_dump.h"
#include "source/config/scalar_text.h"

namespace nuncio::config {
namespace {

// Whether a reader takes `text` without quotes for this very text and for nothing but text.
bool IsPlainYaml(std::string_view text) {
  if (text.empty() || ParseBool(text) || ParseDouble(text)) return false;
  if (EqualsIgnoreCase(text, "null") || text == "<<") return false;
  const char first = text.front();
  // A leading digit is left to numbers, times and versions in all their forms.
  if (!isalpha(static_cast<unsigned char>(first)) && first != '/' && first != '_') return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const unsigned char byte = static_cast<unsigned char>(c);
    if (isalnum(byte) || (c != '\0' && std::string_view("_-./@%+=()$;~^").find(c) != std::string_view::npos)) continue;
    if (c == ':' && text[i + 1] != ' ') continue;
    if (c == ' ' && text[i + 1] != '#') continue;
    return false;
  }
  return true;
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (filled_.empty()) return;
  if (filled_.back()) out_ += ',';
  filled_.back() = true;
  NewLine();
}

void JsonWriter::NewLine() {
  if (!pretty_) return;
  out_ += '\n';
  out_.append(filled_.size(), ' ');
}

void JsonWriter::Begin(char bracket) {
  Separate();
  out_ += bracket;
  filled_.push_back(false);
}

void JsonWriter::End(char bracket) {
  const bool filled = filled_.back();
  filled_.pop_back();
  if (filled) NewLine();
  out_ += bracket;
}

void JsonWriter::Key(std::string_view name) {
  Separate();
  AppendJsonString(out_, name);
  out_ += pretty_ ? ": " : ":";
  after_key_ = true;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  AppendJsonString(out_, text);
}

void JsonWriter::Literal(std::string_view text) {
  Separate();
  out_ += text;
}

void YamlWriter::StartEntry() {
  Level& level = levels_.back();
  // The first entry of the text, or of an item, stands where the writer is already.
  const bool here = !level.filled && level.place != Place::kAfterKey;
  level.filled = true;
  if (here) return;
  out_ += '\n';
  out_.append(level.indent, ' ');
}

YamlWriter::Place YamlWriter::StartValue() {
  if (levels_.empty()) return Place::kRoot;
  if (levels_.back().kind == Kind::kObject) return Place::kAfterKey;
  StartEntry();
  out_ += "- ";
  return Place::kAfterDash;
}

void YamlWriter::Begin(Kind kind) {
  const Place place = StartValue();
  size_t indent = 0;
  if (place != Place::kRoot) indent = levels_.back().indent + 2;
  // A list stands as far left as the key that it belongs to.
  if (place == Place::kAfterKey && kind == Kind::kList) indent = levels_.back().indent;
  levels_.push_back({kind, place, indent, false});
}

void YamlWriter::End(std::string_view if_empty) {
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.filled) {
    if (level.place == Place::kAfterKey) out_ += ' ';
    out_ += if_empty;
  }
  if (levels_.empty()) out_ += '\n';
}

void YamlWriter::Key(std::string_view name) {
  StartEntry();
  if (IsPlainYaml(name)) {
    out_ += name;
  } else {
    AppendJsonString(out_, name);
  }
  out_ += ':';
}

void YamlWriter::Scalar(std::string_view text) {
  if (StartValue() == Place::kAfterKey) out_ += ' ';
  out_ += text;
  if (levels_.empty()) out_ += '\n';
}

void YamlWriter::String(std::string_view text) {
  const Place place = StartValue();
  if (place == Place::kAfterKey) out_ += ' ';
  if (!Block(text, place)) {
    if (IsPlainYaml(text)) {
      out_ += text;
    } else {
      AppendJsonString(out_, text);
    }
  }
  if (levels_.empty()) out_ += '\n';
}

// Certificates and bodies of several lines read better as literal blocks.
bool YamlWriter::Block(std::string_view text, Place place) {
  if (place == Place::kRoot || text.find('\n') == std::string_view::npos) return false;
  const bool ends_in_newline = text.back() == '\n';
  if (ends_in_newline) text.remove_suffix(1);
  if (text.empty() || text.front() == ' ' || text.front() == '\n' || text.back() == '\n') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x7f || (byte < 0x20 && byte != '\n')) return false;
    if (byte == ' ' && (i + 1 == text.size() || text[i + 1] == '\n')) return false;
  }
  out_ += ends_in_newline ? "|" : "|-";
  const size_t indent = levels_.back().indent + 2;
  while (true) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    out_ += '\n';
    if (!line.empty()) {
      out_.append(indent, ' ');
      out_ += line;
    }
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace nuncio::config
