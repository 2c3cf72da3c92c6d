#include "source/access_log/text_template.h"

#include <charconv>
#include <cstdint>
#include <cstring>

#include "source/base/json_string.h"
#include "source/base/strings.h"

namespace nuncio::access_log {
namespace {

bool IsNameCharacter(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What may follow the parenthesis that closes a parameter: "%", or ":" digits "%". Parameters may hold parentheses and
// percent signs of their own, so this is how the end is told.
bool EndsOperator(std::string_view rest) {
  if (rest.empty()) return false;
  if (rest[0] == '%') return true;
  if (rest[0] != ':') return false;
  size_t at = 1;
  while (at < rest.size() && IsDigit(rest[at])) ++at;
  return at > 1 && at < rest.size() && rest[at] == '%';
}

// Gathers the many small pieces of a line, and hands them on together: a string looks at its memory for each.
class LineWriter {
 public:
  explicit LineWriter(std::string& out) : out_(out) {}
  ~LineWriter() { Flush(); }

  void Put(std::string_view text) {
    if (text.size() > sizeof(line_) - size_) [[unlikely]] {
      Flush();
      if (text.size() > sizeof(line_)) {
        out_.append(text);
        return;
      }
    }
    if (text.empty()) return;
    memcpy(line_ + size_, text.data(), text.size());
    size_ += text.size();
  }
  void Put(int64_t number) {
    constexpr size_t kLongest = 20;
    if (sizeof(line_) - size_ < kLongest) Flush();
    size_ = static_cast<size_t>(std::to_chars(line_ + size_, line_ + sizeof(line_), number).ptr - line_);
  }

 private:
  void Flush() {
    out_.append(line_, size_);
    size_ = 0;
  }

  std::string& out_;
  size_t size_ = 0;
  char line_[1024];
};

void PutValue(const Value& value, bool omit_empty, LineWriter& line) {
  switch (value.kind) {
    case Value::Kind::kNone:
      if (!omit_empty) line.Put("-");
      return;
    case Value::Kind::kNumber:
      line.Put(value.number);
      return;
    case Value::Kind::kText:
    case Value::Kind::kJson:
      line.Put(value.text);
      return;
  }
}

void AppendJsonValue(const Value& value, std::string& out) {
  switch (value.kind) {
    case Value::Kind::kNone:
      out += "null";
      return;
    case Value::Kind::kNumber:
      StrAppend(out, value.number);
      return;
    case Value::Kind::kText:
      AppendJsonString(out, value.text);
      return;
    case Value::Kind::kJson:
      out.append(value.text);
      return;
  }
}

}  // namespace

bool TextTemplate::ParseOperator(std::string_view& rest, std::string* error) {
  size_t end = 0;
  while (end < rest.size() && IsNameCharacter(rest[end])) ++end;
  const std::string_view name = rest.substr(0, end);
  std::optional<std::string_view> parameter;
  std::optional<uint32_t> length;
  if (name.empty()) {
    *error = "a percent sign must begin an operator, such as %RESPONSE_CODE%, or be doubled";
    return false;
  }
  rest.remove_prefix(end);
  if (!rest.empty() && rest[0] == '(') {
    size_t close = rest.find(')');
    while (close != std::string_view::npos && !EndsOperator(rest.substr(close + 1))) close = rest.find(')', close + 1);
    if (close == std::string_view::npos) {
      *error = StrCat("%", name, "( is not closed by )%");
      return false;
    }
    parameter = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  }
  if (!rest.empty() && rest[0] == ':') {
    size_t digits = 1;
    while (digits < rest.size() && IsDigit(rest[digits])) ++digits;
    length = ParseDecimal<uint32_t>(rest.substr(1, digits - 1));
    if (!length.has_value()) {
      *error = StrCat("%", name, "%: the length after the colon must be a number below 4294967296");
      return false;
    }
    rest.remove_prefix(digits);
  }
  if (rest.empty() || rest[0] != '%') {
    *error = StrCat("%", name, " is not closed by a percent sign");
    return false;
  }
  rest.remove_prefix(1);
  std::optional<Operator> op = Operator::Parse(name, parameter, length, error);
  if (!op.has_value()) return false;
  pieces_.push_back({std::string(), std::move(op)});
  return true;
}

std::optional<TextTemplate> TextTemplate::Parse(std::string_view text, config::Faults& faults) {
  TextTemplate out;
  std::string literal;
  std::string error;
  const auto end_literal = [&] {
    if (!literal.empty()) out.pieces_.push_back({std::move(literal), std::nullopt});
    literal.clear();
  };
  const std::string_view whole = text;
  while (!text.empty()) {
    const size_t percent = text.find('%');
    literal += text.substr(0, percent);
    if (percent == std::string_view::npos) break;
    text.remove_prefix(percent + 1);
    if (!text.empty() && text[0] == '%') {
      literal.push_back('%');
      text.remove_prefix(1);
      continue;
    }
    end_literal();
    const size_t at = whole.size() - text.size();
    if (!out.ParseOperator(text, &error)) {
      faults.Add(StrCat(error, " (at byte ", at, " of the format)"));
      return std::nullopt;
    }
  }
  end_literal();
  return out;
}

void TextTemplate::Append(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const {
  LineWriter line(out);
  for (const Piece& piece : pieces_) {
    if (piece.op.has_value()) {
      PutValue(piece.op->Evaluate(info, scratch), omit_empty, line);
    } else {
      line.Put(piece.literal);
    }
  }
}

void TextTemplate::AppendJson(const StreamInfo& info, bool omit_empty, std::string& scratch, std::string& out) const {
  if (single_operator()) {
    AppendJsonValue(pieces_[0].op->Evaluate(info, scratch), out);
    return;
  }
  out.push_back('"');
  for (const Piece& piece : pieces_) {
    if (!piece.op.has_value()) {
      AppendJsonEscaped(out, piece.literal);
      continue;
    }
    const Value value = piece.op->Evaluate(info, scratch);
    if (value.kind == Value::Kind::kText || value.kind == Value::Kind::kJson) {
      AppendJsonEscaped(out, value.text);
    } else if (value.kind == Value::Kind::kNumber) {
      StrAppend(out, value.number);
    } else if (!omit_empty) {
      out.push_back('-');
    }
  }
  out.push_back('"');
}

bool TextTemplate::AbsentIn(const StreamInfo& info, std::string& scratch) const {
  return single_operator() && pieces_[0].op->Evaluate(info, scratch).kind == Value::Kind::kNone;
}

}  // namespace nuncio::access_log
