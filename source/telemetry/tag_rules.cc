#include "source/telemetry/tag_rules.h"

#include <algorithm>

#include <re2/re2.h>

#include "source/base/strings.h"

namespace nuncio::telemetry {
namespace {

constexpr std::string_view kBuiltIn[] = {
    tags::kClusterName,  tags::kListenerAddress,   tags::kHttpConnManagerPrefix, tags::kRdsRouteConfig,
    tags::kWorkerId,     tags::kResponseCode,      tags::kResponseCodeClass,     tags::kVirtualHost,
    tags::kVirtualCluster, tags::kRoute,           tags::kTcpPrefix,             tags::kTlsCertificate,
    tags::kXdsResourceName, tags::kGrpcService,     tags::kGrpcMethod,           tags::kUserAgent};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasTag(const ExtractedName& extracted, std::string_view tag) {
  return std::any_of(extracted.tags.begin(), extracted.tags.end(), [tag](const auto& t) { return t.first == tag; });
}

// `..._rq_503` has a code of [value, end), cut from the underscore; `..._rq_5xx` a class, of which the digit and its
// underscore go: `..._rq_xx`.
struct Suffix {
  std::string_view tag;
  size_t begin, end;
  std::string_view value;
};
std::optional<Suffix> ResponseCodeSuffix(std::string_view name) {
  if (name.size() < 7 || name.substr(name.size() - 7, 4) != "_rq_") return std::nullopt;
  const size_t at = name.size() - 3;
  if (!IsDigit(name[at])) return std::nullopt;
  if (IsDigit(name[at + 1]) && IsDigit(name[at + 2])) {
    return Suffix{tags::kResponseCode, at - 1, at + 3, name.substr(at, 3)};
  }
  if (name.substr(at + 1) == "xx") return Suffix{tags::kResponseCodeClass, at, at + 1, name.substr(at, 1)};
  return std::nullopt;
}

}  // namespace

bool IsBuiltInTag(std::string_view tag) {
  return std::find(std::begin(kBuiltIn), std::end(kBuiltIn), tag) != std::end(kBuiltIn);
}

absl::StatusOr<TagRules> TagRules::Create(std::vector<Rule> rules, bool use_all_default_tags) {
  TagRules out;
  out.all_built_in_ = use_all_default_tags;
  for (size_t i = 0; i < rules.size(); ++i) {
    Rule& rule = rules[i];
    if (rule.fixed_value.has_value()) {
      if (rule.tag.empty()) return InvalidArgument(StrCat("stats_tags[", i, "].tag_name: a fixed value needs a name"));
      out.fixed_.emplace_back(std::move(rule.tag), *std::move(rule.fixed_value));
      continue;
    }
    if (!rule.regex.has_value() || rule.regex->empty()) {
      if (!IsBuiltInTag(rule.tag)) {
        return InvalidArgument(StrCat("stats_tags[", i, "].tag_name: \"", rule.tag,
                                      "\" is not a built-in tag; give it a regex or a fixed_value"));
      }
      out.built_in_.push_back(std::move(rule.tag));
      continue;
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<const re2::RE2>(*rule.regex, options);
    if (!regex->ok()) {
      return InvalidArgument(StrCat("stats_tags[", i, "].regex: \"", *rule.regex, "\": ", regex->error()));
    }
    if (regex->NumberOfCapturingGroups() < 1) {
      return InvalidArgument(StrCat("stats_tags[", i, "].regex: \"", *rule.regex,
                                    "\" has no group; the first group is what is taken out of the name"));
    }
    out.regexes_.push_back({std::move(rule.tag), std::move(regex)});
  }
  return out;
}

bool TagRules::BuiltIn(std::string_view tag) const {
  return all_built_in_ || std::find(built_in_.begin(), built_in_.end(), tag) != built_in_.end();
}

void TagRules::Extract(const ScopeName& scope, std::string_view full_name, ExtractedName& out) const {
  out.name.clear();
  out.tags.clear();
  for (const auto& [tag, value] : fixed_) {
    if (!HasTag(out, tag)) out.tags.emplace_back(tag, value);
  }
  absl::InlinedVector<std::pair<size_t, size_t>, 4> cut;
  for (const RegexRule& rule : regexes_) {
    if (HasTag(out, rule.tag)) continue;
    re2::StringPiece groups[3];
    const int count = std::min(rule.regex->NumberOfCapturingGroups() + 1, 3);
    const re2::StringPiece text(full_name.data(), full_name.size());
    if (!rule.regex->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups, count)) continue;
    if (groups[1].data() == nullptr) continue;
    const re2::StringPiece& value = count > 2 && groups[2].data() != nullptr ? groups[2] : groups[1];
    out.tags.emplace_back(rule.tag, std::string_view(value.data(), value.size()));
    const size_t begin = static_cast<size_t>(groups[1].data() - full_name.data());
    cut.emplace_back(begin, begin + groups[1].size());
  }
  for (const ScopeName::TagSpan& span : scope.spans()) {
    if (!BuiltIn(span.tag) || HasTag(out, span.tag)) continue;
    out.tags.emplace_back(span.tag, full_name.substr(span.value_begin, span.value_end - span.value_begin));
    cut.emplace_back(span.begin, span.end);
  }
  if (const auto suffix = ResponseCodeSuffix(full_name);
      suffix.has_value() && BuiltIn(suffix->tag) && !HasTag(out, suffix->tag)) {
    out.tags.emplace_back(suffix->tag, suffix->value);
    cut.emplace_back(suffix->begin, suffix->end);
  }
  std::sort(cut.begin(), cut.end());
  size_t at = 0;
  for (const auto& [begin, end] : cut) {
    if (begin > at) out.name += full_name.substr(at, begin - at);
    at = std::max(at, end);
  }
  out.name += full_name.substr(at);
}

}  // namespace nuncio::telemetry
