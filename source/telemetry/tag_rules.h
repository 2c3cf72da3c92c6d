#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "source/telemetry/scope_name.h"

namespace re2 {
class RE2;
}

namespace nuncio::telemetry {

// The name of a statistic without its tags, and the tags taken out of it, which are parts of the name and of the rules.
struct ExtractedName {
  std::string name;
  absl::InlinedVector<std::pair<std::string_view, std::string_view>, 4> tags;
};

// How tags are taken out of names, as `stats_config` says it. Immutable.
class TagRules {
 public:
  // One entry of `stats_tags`. With neither a regex nor a fixed value it switches on the built-in rule of that name.
  struct Rule {
    std::string tag{};
    // RE2. Its first group is cut out of the name; the second one, or else the first, is the value.
    std::optional<std::string> regex{};
    std::optional<std::string> fixed_value{};
  };

  // All built-in rules and no others.
  TagRules() = default;
  // Errors name the entry (`stats_tags[2].regex`) and what is wrong with it.
  static absl::StatusOr<TagRules> Create(std::vector<Rule> rules, bool use_all_default_tags);

  // `full_name` starts with `scope.text()`. Of `out` what was there goes.
  void Extract(const ScopeName& scope, std::string_view full_name, ExtractedName& out) const;
  // Whether different names always stay different by name and tags: no configured regex cuts out what it likes.
  bool separable() const { return regexes_.empty(); }

 private:
  struct RegexRule {
    std::string tag{};
    std::shared_ptr<const re2::RE2> regex;
  };
  bool BuiltIn(std::string_view tag) const;

  bool all_built_in_ = true;
  std::vector<std::string> built_in_;
  std::vector<RegexRule> regexes_;
  std::vector<std::pair<std::string, std::string>> fixed_;
};

// Whether there is a built-in rule for `tag`.
bool IsBuiltInTag(std::string_view tag);

}  // namespace nuncio::telemetry
