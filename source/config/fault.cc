#include "source/config/fault.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::config {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void AppendEscaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\x";
      out += kHex[(static_cast<unsigned char>(c) >> 4) & 0xf];
      out += kHex[static_cast<unsigned char>(c) & 0xf];
  }
}

// The number of bytes of `text` to keep for a limit, not splitting a UTF-8 sequence.
size_t CutLength(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text.size();
  size_t length = limit;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return length;
}

// What follows it in PEM is a private key.
constexpr std::string_view kPrivateKey = "PRIVATE KEY-----";

// One line of bounded length: what configuration holds may end up in it. A private key that stands where it does not
// belong, as in the name of a file, does not.
std::string OneLine(std::string_view text) {
  if (const size_t key = text.find(kPrivateKey); key != std::string_view::npos) {
    return StrCat(OneLine(text.substr(0, key)), kPrivateKey, "[redacted]");
  }
  const size_t length = CutLength(text, Faults::kMaxTextLength);
  std::string out;
  out.reserve(length);
  for (char c : text.substr(0, length)) {
    if (IsControl(c)) {
      AppendEscaped(out, c);
    } else {
      out += c;
    }
  }
  if (length < text.size()) out += "...";
  return out;
}

std::string JoinPath(std::string_view path, std::string_view field) {
  if (path.empty()) return std::string(field);
  if (field.empty()) return std::string(path);
  if (field.front() == '[') return StrCat(path, field);
  return StrCat(path, ".", field);
}

void AppendField(std::string& path, std::string_view field) {
  if (!path.empty() && !field.empty()) path += '.';
  path += field;
}

}  // namespace

std::string Quote(std::string_view text, size_t limit) {
  const size_t length = CutLength(text, limit);
  std::string out = "\"";
  for (char c : text.substr(0, length)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (IsControl(c)) {
      AppendEscaped(out, c);
    } else {
      out += c;
    }
  }
  out += length < text.size() ? "...\"" : "\"";
  return out;
}

std::string Fault::ToString() const {
  std::string out;
  if (line > 0) StrAppend(out, line, ":", column, ": ");
  if (!field_path.empty()) StrAppend(out, field_path, ": ");
  out += reason;
  return out;
}

Faults::Scope::Scope(Faults& faults, std::string_view field) : faults_(faults), length_before_(faults.path_.size()) {
  ++faults_.depth_;
  AppendField(faults_.path_, field);
}

Faults::Scope::Scope(Faults& faults, std::string_view field, size_t index) : Scope(faults, field) {
  StrAppend(faults_.path_, "[", index, "]");
}

Faults::Scope::Scope(Faults& faults, std::string_view field, std::string_view map_key) : Scope(faults, field) {
  StrAppend(faults_.path_, "[", Quote(map_key), "]");
}

void Faults::Add(std::string_view field, std::string_view reason) {
  if (++count_ > kMaxKept) return;
  kept_.push_back({OneLine(JoinPath(path_, field)), OneLine(reason)});
}

void Faults::AddAt(int line, int column, std::string_view reason) {
  if (++count_ > kMaxKept) return;
  kept_.push_back({OneLine(path_), OneLine(reason), line, column});
}

void Faults::Warn(std::string_view reason) {
  if (++warning_count_ > kMaxKept) return;
  warnings_.push_back({OneLine(path_), OneLine(reason)});
}

void Faults::AddUnknownField(std::string_view reason, int line, int column) {
  switch (policy_.action) {
    case UnknownFieldsPolicy::Action::kReject:
      AddAt(line, column, reason);
      return;
    case UnknownFieldsPolicy::Action::kWarn:
      if (++warning_count_ > kMaxKept) return;
      warnings_.push_back({OneLine(path_), OneLine(reason), line, column});
      return;
    case UnknownFieldsPolicy::Action::kIgnore:
      return;
  }
}

void Faults::Append(const Faults& other) {
  auto append = [this](std::vector<Fault>& to, const std::vector<Fault>& from) {
    for (const Fault& fault : from) {
      if (to.size() == kMaxKept) return;
      to.push_back({OneLine(JoinPath(path_, fault.field_path)), fault.reason, fault.line, fault.column});
    }
  };
  append(kept_, other.kept_);
  append(warnings_, other.warnings_);
  count_ += other.count_;
  warning_count_ += other.warning_count_;
}

std::string Faults::ToString(std::string_view where) const {
  std::string out;
  for (const Fault& fault : kept_) {
    if (!out.empty()) out += '\n';
    out += where;
    if (!where.empty()) out += fault.line > 0 ? ":" : ": ";
    out += fault.ToString();
  }
  if (count_ > kept_.size()) {
    out += '\n';
    if (!where.empty()) StrAppend(out, where, ": ");
    StrAppend(out, "and ", count_ - kept_.size(), " more");
  }
  return out;
}

absl::Status Faults::ToStatus(std::string_view where) const {
  if (empty()) return absl::OkStatus();
  return InvalidArgument(ToString(where));
}

}  // namespace nuncio::config
