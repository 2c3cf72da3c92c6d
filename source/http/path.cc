#include "source/http/path.h"

#include <cstring>

#include "source/http/field_syntax.h"

namespace nuncio::http {
namespace {

// The byte that an escape at `i` stands for; -1 where there is no complete escape.
int EscapeAt(std::string_view s, size_t i) {
  if (s[i] != '%' || s.size() - i < 3) return -1;
  const int high = HexValue(s[i + 1]);
  const int low = HexValue(s[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool IsUnreserved(int c) {
  const char character = static_cast<char>(c);
  return c > 0 && c < 128 &&
         (IsAlpha(character) || IsDigit(character) || c == '-' || c == '.' || c == '_' || c == '~');
}

// A path under construction: the query is put behind it again at the end.
class PathWriter {
 public:
  PathWriter(size_t capacity, Arena& arena) : begin_(static_cast<char*>(arena.Allocate(capacity, 1))), to_(begin_) {}
  void Put(char c) { *to_++ = c; }
  char last() const { return to_ == begin_ ? '\0' : to_[-1]; }
  std::string_view written() const { return {begin_, static_cast<size_t>(to_ - begin_)}; }
  void Truncate(size_t size) { to_ = begin_ + size; }
  std::string_view Finish(std::string_view query) {
    if (!query.empty()) memcpy(to_, query.data(), query.size());
    to_ += query.size();
    return written();
  }

 private:
  char* begin_;
  char* to_;
};

std::string_view BeforeQuery(std::string_view path) { return path.substr(0, path.find('?')); }

// Whether there was an escaped slash.
bool UnescapeSlashes(std::string_view* path, Arena& arena) {
  const std::string_view before = BeforeQuery(*path);
  bool found = false;
  for (size_t i = before.find('%'); i != std::string_view::npos && !found; i = before.find('%', i + 1)) {
    const int c = EscapeAt(before, i);
    found = c == '/' || c == '\\';
  }
  if (!found) return false;
  PathWriter writer(path->size(), arena);
  for (size_t i = 0; i < before.size(); ++i) {
    const int c = EscapeAt(before, i);
    if (c == '/' || c == '\\') {
      writer.Put(static_cast<char>(c));
      i += 2;
    } else {
      writer.Put(before[i]);
    }
  }
  *path = writer.Finish(path->substr(before.size()));
  return true;
}

// Whether normalising could change `before` or refuse it.
bool NeedsNormalizing(std::string_view before) {
  for (size_t i = 0; i < before.size(); ++i) {
    const char c = before[i];
    if (c == '%' || c == '\\' || (c == '.' && i > 0 && before[i - 1] == '/')) return true;
  }
  return false;
}

// Ends the segment that begins after the last slash of what is written: "." goes, ".." takes its parent along. `more`
// says that a slash follows.
void EndSegment(PathWriter& writer, bool more) {
  const std::string_view written = writer.written();
  const size_t slash = written.rfind('/');
  const std::string_view segment = written.substr(slash + 1);
  if (segment == ".") {
    writer.Truncate(slash + 1);
  } else if (segment == "..") {
    const size_t parent = slash == 0 ? 0 : written.rfind('/', slash - 1);
    writer.Truncate(parent + 1);
  } else if (more) {
    writer.Put('/');
  }
}

// False for an escaped NUL, which no file system and few back ends take for part of a name.
bool ResolveDotSegments(std::string_view* path, Arena& arena) {
  const std::string_view before = BeforeQuery(*path);
  if (!NeedsNormalizing(before)) return true;
  PathWriter writer(path->size(), arena);
  writer.Put('/');
  // Where the input's last "%" stands that begins no escape. Decoding right behind it could complete one that was not
  // there: "%%32%65" must not become "%2e".
  size_t bare_percent = std::string_view::npos;
  for (size_t i = 1; i < before.size(); ++i) {
    char c = before[i];
    const int escaped = EscapeAt(before, i);
    if (escaped == 0) return false;
    if (IsUnreserved(escaped) && (bare_percent == std::string_view::npos || i - bare_percent > 2)) {
      c = static_cast<char>(escaped);
      i += 2;
    } else if (c == '%' && escaped < 0) {
      bare_percent = i;
    }
    if (c == '/' || c == '\\') {
      EndSegment(writer, true);
    } else {
      writer.Put(c);
    }
  }
  EndSegment(writer, false);
  *path = writer.Finish(path->substr(before.size()));
  return true;
}

void MergeSlashes(std::string_view* path, Arena& arena) {
  const std::string_view before = BeforeQuery(*path);
  if (before.find("//") == std::string_view::npos) return;
  PathWriter writer(path->size(), arena);
  for (char c : before) {
    if (c != '/' || writer.last() != '/') writer.Put(c);
  }
  *path = writer.Finish(path->substr(before.size()));
}

}  // namespace

PathAction NormalizePath(std::string_view* path, const PathNormalization& normalization, Arena& arena) {
  if (path->empty() || path->front() != '/') return PathAction::kForward;
  PathAction action = PathAction::kForward;
  if (normalization.escaped_slashes != EscapedSlashes::kKeepUnchanged && UnescapeSlashes(path, arena)) {
    if (normalization.escaped_slashes == EscapedSlashes::kRejectRequest) return PathAction::kReject;
    if (normalization.escaped_slashes == EscapedSlashes::kUnescapeAndRedirect) action = PathAction::kRedirect;
  }
  if (normalization.normalize && !ResolveDotSegments(path, arena)) return PathAction::kReject;
  if (normalization.merge_slashes) MergeSlashes(path, arena);
  return action;
}

}  // namespace nuncio::http
