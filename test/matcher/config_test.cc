#include "source/matcher/config.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/config/yaml_loader.h"
#include "test/matcher/request.h"

namespace nuncio::matcher {
namespace {

using ::testing::HasSubstr;

template <typename Message>
Message Load(std::string_view yaml) {
  Message message;
  config::Faults faults;
  EXPECT_TRUE(config::LoadText(yaml, config::TextFormat::kYaml, message, faults)) << faults.ToString();
  return message;
}

// Compiles and returns the faults, empty where there are none.
template <typename Message, typename Compile>
std::string FaultsOf(std::string_view yaml, Compile compile) {
  config::Faults faults;
  const auto compiled = compile(Load<Message>(yaml), faults);
  EXPECT_EQ(compiled.has_value(), faults.empty()) << faults.ToString();
  return faults.ToString();
}

StringMatcher CompileString(std::string_view yaml) {
  config::Faults faults;
  auto matcher = CompileStringMatcher(Load<envoy::type::matcher::v3::StringMatcher>(yaml), faults);
  EXPECT_TRUE(matcher.has_value()) << faults.ToString();
  return *std::move(matcher);
}

HeaderMatcher CompileHeader(std::string_view yaml) {
  config::Faults faults;
  auto matcher = CompileHeaderMatcher(Load<envoy::config::route::v3::HeaderMatcher>(yaml), faults);
  EXPECT_TRUE(matcher.has_value()) << faults.ToString();
  return *std::move(matcher);
}

TEST(CompileStringMatcherTest, EveryKind) {
  EXPECT_TRUE(CompileString("exact: ''").Matches(""));
  EXPECT_TRUE(CompileString("prefix: a").Matches("ab"));
  EXPECT_TRUE(CompileString("suffix: b").Matches("ab"));
  EXPECT_TRUE(CompileString("contains: b").Matches("abc"));
  EXPECT_TRUE(CompileString("safe_regex: {regex: 'a+', google_re2: {}}").Matches("aaa"));
  EXPECT_TRUE(CompileString("{exact: AbC, ignore_case: true}").Matches("aBc"));
  EXPECT_FALSE(CompileString("exact: AbC").Matches("aBc"));
}

TEST(CompileStringMatcherTest, Faults) {
  using Message = envoy::type::matcher::v3::StringMatcher;
  EXPECT_THAT(FaultsOf<Message>("ignore_case: true", CompileStringMatcher), HasSubstr("must have one of exact"));
  EXPECT_THAT(FaultsOf<Message>("prefix: ''", CompileStringMatcher), HasSubstr("prefix: must not be empty"));
  EXPECT_THAT(FaultsOf<Message>("safe_regex: {regex: '('}", CompileStringMatcher),
              HasSubstr("safe_regex.regex: is no RE2 expression: missing )"));
  EXPECT_THAT(FaultsOf<Message>("{safe_regex: {regex: 'a'}, ignore_case: true}", CompileStringMatcher),
              HasSubstr("ignore_case: does not go with safe_regex"));
}

TEST(CompileStringMatcherListTest, NamesTheFaultyElement) {
  using Message = envoy::type::matcher::v3::ListStringMatcher;
  EXPECT_THAT(FaultsOf<Message>("patterns: [{exact: a}, {safe_regex: {regex: '['}}]", CompileStringMatcherList),
              HasSubstr("patterns[1].safe_regex.regex: "));
  EXPECT_THAT(FaultsOf<Message>("{}", CompileStringMatcherList), HasSubstr("patterns: must not be empty"));
  EXPECT_EQ(FaultsOf<Message>("patterns: [{exact: a}]", CompileStringMatcherList), "");
}

TEST(CompileHeaderMatcherTest, EveryKind) {
  TestRequest request("a.com", "/", {{"x", "17"}});
  const struct {
    std::string_view yaml;
    bool matches;
  } cases[] = {
      {"{name: x}", true},
      {"{name: y}", false},
      {"{name: x, exact_match: '17'}", true},
      {"{name: x, exact_match: '18'}", false},
      {"{name: x, exact_match: ''}", true},
      {"{name: x, range_match: {start: 17, end: 18}}", true},
      {"{name: x, range_match: {start: 18, end: 20}}", false},
      {"{name: x, present_match: false}", false},
      {"{name: y, present_match: false}", true},
      {"{name: x, string_match: {prefix: '1'}}", true},
      {"{name: x, string_match: {prefix: '1'}, invert_match: true}", false},
      {"{name: y, string_match: {exact: ''}, treat_missing_header_as_empty: true}", true},
  };
  for (const auto& c : cases) EXPECT_EQ(CompileHeader(c.yaml).Matches(request.head), c.matches) << c.yaml;
}

TEST(CompileHeaderMatcherTest, Faults) {
  using Message = envoy::config::route::v3::HeaderMatcher;
  EXPECT_THAT(FaultsOf<Message>("exact_match: a", CompileHeaderMatcher), HasSubstr("name: must not be empty"));
  EXPECT_THAT(FaultsOf<Message>("{name: x, string_match: {safe_regex: {regex: '*'}}}", CompileHeaderMatcher),
              HasSubstr("string_match.safe_regex.regex: is no RE2 expression"));
}

TEST(CompileQueryParameterMatcherTest, KindsAndFaults) {
  using Message = envoy::config::route::v3::QueryParameterMatcher;
  const auto matches = [](std::string_view yaml, std::string_view query) {
    config::Faults faults;
    return CompileQueryParameterMatcher(Load<Message>(yaml), faults)->Matches(query);
  };
  EXPECT_TRUE(matches("{name: a}", "a=1"));
  EXPECT_TRUE(matches("{name: a, present_match: false}", "b=1"));
  EXPECT_TRUE(matches("{name: a, string_match: {exact: '1'}}", "a=1"));
  EXPECT_FALSE(matches("{name: a, string_match: {exact: '1'}}", "a=2"));
  EXPECT_THAT(FaultsOf<Message>("{}", CompileQueryParameterMatcher), HasSubstr("name: must not be empty"));
  EXPECT_THAT(FaultsOf<Message>("{name: a, string_match: {}}", CompileQueryParameterMatcher),
              HasSubstr("string_match: must have one of"));
}

TEST(CompileRegexSubstitutionTest, NamesPatternOrSubstitution) {
  using Message = envoy::type::matcher::v3::RegexMatchAndSubstitute;
  EXPECT_THAT(FaultsOf<Message>("{pattern: {regex: '('}, substitution: a}", CompileRegexSubstitution),
              HasSubstr("pattern.regex: is no RE2 expression"));
  EXPECT_THAT(FaultsOf<Message>("{pattern: {regex: 'a'}, substitution: '\\1'}", CompileRegexSubstitution),
              HasSubstr("substitution: refers to group \\1"));
}

TEST(CompileMetadataTest, KeepsEveryKindOfValue) {
  config::Faults faults;
  const Metadata metadata = CompileMetadata(
      Load<envoy::config::core::v3::Metadata>("filter_metadata: {ns: {a: [1, 'x', null, true, {b: 2.5}]}}"), faults);
  EXPECT_TRUE(faults.empty());
  std::string json;
  metadata.Find("ns", {})->AppendJson(json);
  EXPECT_EQ(json, "{\"a\":[1,\"x\",null,true,{\"b\":2.5}]}");
}

}  // namespace
}  // namespace nuncio::matcher
