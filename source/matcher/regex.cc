#include "source/matcher/regex.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "re2/re2.h"
#include "source/base/strings.h"
#include "source/base/status_macros.h"

namespace nuncio::matcher {
namespace {

// Text in the arena whose final length is not known beforehand: grows by doubling, the older copies stay behind until
// the stream ends.
class ArenaText {
 public:
  ArenaText(Arena& arena, size_t expected, size_t max_size) : arena_(arena), max_size_(max_size) { Reserve(expected); }

  void Append(std::string_view s) {
    if (s.empty() || overflowed_) return;
    if (s.size() > max_size_ - size_) {
      overflowed_ = true;
      return;
    }
    if (s.size() > capacity_ - size_) Reserve(std::max(capacity_ * 2, size_ + s.size()));
    memcpy(data_ + size_, s.data(), s.size());
    size_ += s.size();
  }
  bool overflowed() const { return overflowed_; }
  std::string_view text() const { return {data_, size_}; }

 private:
  void Reserve(size_t capacity) {
    char* data = static_cast<char*>(arena_.Allocate(capacity, 1));
    if (size_ > 0) memcpy(data, data_, size_);
    data_ = data;
    capacity_ = capacity;
  }

  Arena& arena_;
  const size_t max_size_;
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool overflowed_ = false;
};

bool IsContinuationByte(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

absl::StatusOr<Regex> Regex::Compile(std::string_view pattern) {
  RE2::Options options(RE2::Quiet);
  auto program = std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!program->ok()) return InvalidArgument(StrCat("is no RE2 expression: ", program->error()));
  if (program->ProgramSize() > kMaxProgramSize) {
    return InvalidArgument(StrCat("compiles to a program of ", program->ProgramSize(), " instructions; at most ",
                                  kMaxProgramSize, " are allowed"));
  }
  return Regex(std::move(program));
}

bool Regex::Matches(std::string_view subject) const {
  return program_->Match(re2::StringPiece(subject.data(), subject.size()), 0, subject.size(), RE2::ANCHOR_BOTH, nullptr,
                         0);
}

const std::string& Regex::pattern() const { return program_->pattern(); }
int Regex::group_count() const { return program_->NumberOfCapturingGroups(); }

absl::StatusOr<RegexSubstitution> RegexSubstitution::Compile(std::string_view pattern, std::string_view substitution) {
  NUNCIO_ASSIGN_OR_RETURN(Regex regex, Regex::Compile(pattern));
  std::vector<Piece> pieces;
  int groups_needed = 1;
  auto literal = [&pieces](char c) {
    if (pieces.empty() || pieces.back().group >= 0) pieces.emplace_back();
    pieces.back().literal.push_back(c);
  };
  for (size_t i = 0; i < substitution.size(); ++i) {
    if (substitution[i] != '\\') {
      literal(substitution[i]);
      continue;
    }
    const char next = ++i < substitution.size() ? substitution[i] : '\0';
    if (next == '\\') {
      literal('\\');
    } else if (next >= '0' && next <= '9') {
      const int group = next - '0';
      if (group > regex.group_count()) {
        return InvalidArgument(
            StrCat("refers to group \\", group, ", but the pattern has ", regex.group_count(), " groups"));
      }
      pieces.push_back({.literal = {}, .group = group});
      groups_needed = std::max(groups_needed, group + 1);
    } else {
      return InvalidArgument("has a backslash that is followed by neither a digit nor a backslash; write \\\\ for a "
                             "backslash");
    }
  }
  return RegexSubstitution(std::move(regex), std::move(pieces), groups_needed);
}

std::optional<std::string_view> RegexSubstitution::Apply(std::string_view subject, size_t max_size,
                                                         Arena& arena) const {
  static constexpr size_t kNowhere = std::string_view::npos;
  re2::StringPiece groups[10];
  const re2::StringPiece text(subject.data(), subject.size());
  size_t at = 0;
  // Where the last match ended: an empty match there would be that match's empty tail.
  size_t last_end = kNowhere;
  std::optional<ArenaText> result;
  while (at <= subject.size()) {
    if (!regex_.program().Match(text, at, subject.size(), RE2::UNANCHORED, groups, groups_needed_)) break;
    if (!result.has_value()) result.emplace(arena, subject.size() + 64, max_size);
    const re2::StringPiece match = groups[0];
    const size_t begin = static_cast<size_t>(match.data() - subject.data());
    result->Append(subject.substr(at, begin - at));
    at = begin;
    if (match.empty() && at == last_end) {
      // Go on behind the next character.
      if (at == subject.size()) break;
      ++at;
      while (at < subject.size() && IsContinuationByte(subject[at])) ++at;
      result->Append(subject.substr(begin, at - begin));
      last_end = kNowhere;
      continue;
    }
    for (const Piece& piece : pieces_) {
      if (piece.group < 0) {
        result->Append(piece.literal);
      } else {
        result->Append({groups[piece.group].data(), groups[piece.group].size()});
      }
    }
    if (result->overflowed()) return std::nullopt;
    at = last_end = begin + match.size();
  }
  if (!result.has_value()) return subject.size() <= max_size ? std::optional(subject) : std::nullopt;
  if (at < subject.size()) result->Append(subject.substr(at));
  if (result->overflowed()) return std::nullopt;
  return result->text();
}

}  // namespace nuncio::matcher
