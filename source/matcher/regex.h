#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/arena.h"

namespace re2 {
class RE2;
}

namespace nuncio::matcher {

// A compiled RE2 expression. Immutable; copies share the program. Any thread. Time is linear in the subject. RE2 keeps
// a bounded cache of automaton states, which it extends, under its own lock, while it meets new input.
class Regex {
 public:
  // Expressions whose program has more instructions are refused.
  static constexpr int kMaxProgramSize = 32768;

  // InvalidArgument with RE2's reason where `pattern` does not compile or compiles to too large a program.
  static absl::StatusOr<Regex> Compile(std::string_view pattern);

  // The whole of `subject` matches.
  bool Matches(std::string_view subject) const;

  const std::string& pattern() const;
  int group_count() const;
  const re2::RE2& program() const { return *program_; }

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> program) : program_(std::move(program)) {}
  std::shared_ptr<const re2::RE2> program_;
};

// Replaces every non-overlapping match of an expression. Immutable; any thread.
class RegexSubstitution {
 public:
  // In `substitution` `\0` stands for the match, `\1` to `\9` for its groups, `\\` for a backslash. InvalidArgument
  // where the expression is refused, a backslash is followed by anything else, or the expression lacks the group.
  static absl::StatusOr<RegexSubstitution> Compile(std::string_view pattern, std::string_view substitution);

  // The result, in the arena, or `subject` itself where nothing matches; nullopt where the result would be longer than
  // `max_size` bytes.
  std::optional<std::string_view> Apply(std::string_view subject, size_t max_size, Arena& arena) const;

 private:
  struct Piece {
    std::string literal;
    int group = -1;  // >= 0: the text of this group stands here instead of the literal.
  };
  RegexSubstitution(Regex regex, std::vector<Piece> pieces, int groups_needed)
      : regex_(std::move(regex)), pieces_(std::move(pieces)), groups_needed_(groups_needed) {}

  Regex regex_;
  std::vector<Piece> pieces_;
  int groups_needed_;  // 1 for the match alone.
};

}  // namespace nuncio::matcher
