#include "source/config/fault.h"

#include <string>

#include "gtest/gtest.h"
#include "source/config/fraction.h"

namespace nuncio::config {
namespace {

TEST(FaultsTest, ScopesMakeThePath) {
  Faults faults;
  {
    Faults::Scope listeners(faults, "listeners", size_t{2});
    Faults::Scope metadata(faults, "filter_metadata", std::string_view("envoy.lb"));
    faults.Add("stage", "must not be empty");
  }
  Faults::Scope name(faults, "name");
  faults.Add("is given twice");
  ASSERT_EQ(faults.list().size(), 2u);
  EXPECT_EQ(faults.list()[0].field_path, "listeners[2].filter_metadata[\"envoy.lb\"].stage");
  EXPECT_EQ(faults.list()[0].reason, "must not be empty");
  EXPECT_EQ(faults.list()[1].field_path, "name");
}

TEST(FaultsTest, ToStringIsOneLinePerFault) {
  Faults faults;
  faults.Add("is empty");
  {
    Faults::Scope scope(faults, "admin");
    faults.AddAt(12, 3, "must be an object");
  }
  EXPECT_EQ(faults.ToString("envoy.yaml"), "envoy.yaml: is empty\nenvoy.yaml:12:3: admin: must be an object");
  EXPECT_EQ(faults.ToString(), "is empty\n12:3: admin: must be an object");
}

TEST(FaultsTest, StatusIsOkOnlyWithoutFaults) {
  Faults faults({UnknownFieldsPolicy::Action::kWarn});
  faults.Warn("deprecated");
  faults.AddUnknownField("unknown field 7");
  EXPECT_TRUE(faults.ToStatus().ok());
  EXPECT_EQ(faults.warning_count(), 2u);
  faults.Add("x", "must be set");
  EXPECT_EQ(faults.ToStatus("f").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(faults.ToStatus("f").message(), "f: x: must be set");
}

TEST(FaultsTest, UnknownFieldsGoWhereThePolicySays) {
  Faults reject;
  reject.AddUnknownField("unknown field", 4, 5);
  EXPECT_EQ(reject.count(), 1u);
  EXPECT_EQ(reject.list()[0].line, 4);
  Faults ignore({UnknownFieldsPolicy::Action::kIgnore});
  ignore.AddUnknownField("unknown field");
  EXPECT_EQ(ignore.count(), 0u);
  EXPECT_EQ(ignore.warning_count(), 0u);
}

TEST(FaultsTest, KeepsNoMoreThanTheLimitButCountsAll) {
  Faults faults;
  for (int i = 0; i < 100'000; ++i) faults.Add(std::string(5000, 'x'));
  EXPECT_EQ(faults.count(), 100'000u);
  EXPECT_EQ(faults.list().size(), Faults::kMaxKept);
  EXPECT_LT(faults.ToString().size(), Faults::kMaxKept * (Faults::kMaxTextLength + 10) + 100);
  EXPECT_TRUE(faults.ToString().ends_with("\nand 99936 more"));
}

TEST(FaultsTest, TextFromTheConfigurationStaysOnOneLine) {
  Faults faults;
  Faults::Scope scope(faults, "labels", std::string_view("a\nb\"c"));
  faults.Add("bad\r\n\x01\tvalue");
  EXPECT_EQ(faults.ToString(), "labels[\"a\\nb\\\"c\"]: bad\\r\\n\\x01\\tvalue");
}

TEST(FaultsTest, AppendPutsPathsBelowTheCurrentOne) {
  Faults inner({UnknownFieldsPolicy::Action::kWarn});
  inner.Add("name", "must be set");
  inner.Add("[3]", "must not be null");
  inner.AddUnknownField("unknown field");
  Faults outer;
  {
    Faults::Scope scope(outer, "resources", size_t{1});
    outer.Append(inner);
  }
  ASSERT_EQ(outer.count(), 2u);
  EXPECT_EQ(outer.list()[0].field_path, "resources[1].name");
  EXPECT_EQ(outer.list()[1].field_path, "resources[1][3]");
  EXPECT_EQ(outer.warnings()[0].field_path, "resources[1]");
}

TEST(FaultsTest, AppendKeepsTheLimitAndTheCount) {
  Faults inner;
  for (int i = 0; i < 50; ++i) inner.Add("x");
  Faults outer;
  outer.Append(inner);
  outer.Append(inner);
  EXPECT_EQ(outer.count(), 100u);
  EXPECT_EQ(outer.list().size(), Faults::kMaxKept);
  EXPECT_TRUE(outer.ToString().ends_with("and 36 more"));
}

TEST(FaultsTest, DepthFollowsTheScopes) {
  Faults faults;
  EXPECT_EQ(faults.depth(), 0u);
  {
    Faults::Scope a(faults, "a");
    Faults::Scope b(faults, "b", size_t{0});
    EXPECT_EQ(faults.depth(), 2u);
    EXPECT_EQ(faults.path(), "a.b[0]");
  }
  EXPECT_EQ(faults.depth(), 0u);
  EXPECT_EQ(faults.path(), "");
}

TEST(FaultsTest, PrivateKeysAreCut) {
  Faults faults;
  const std::string key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";
  faults.Add(key, "unknown");
  faults.Add("filename", "cannot open " + Quote(key));
  EXPECT_EQ(faults.ToString(),
            "-----BEGIN EC PRIVATE KEY-----[redacted]: unknown\n"
            "filename: cannot open \"-----BEGIN EC PRIVATE KEY-----[redacted]");
}

TEST(QuoteTest, CutsBetweenCharacters) {
  const std::string text = std::string(79, 'a') + "\xc3\xa9";
  EXPECT_EQ(Quote(text), "\"" + std::string(79, 'a') + "...\"");
  EXPECT_EQ(Quote(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
}

TEST(FractionTest, IncludesItsShareOfAllNumbers) {
  const Fraction quarter{25, 100};
  int included = 0;
  for (uint64_t i = 0; i < 1000; ++i) included += quarter.Includes(i) ? 1 : 0;
  EXPECT_EQ(included, 250);
  EXPECT_TRUE((Fraction{200, 100}).always());
  EXPECT_TRUE((Fraction{0, 100}).never());
  EXPECT_FALSE((Fraction{0, 100}).Includes(0));
}

}  // namespace
}  // namespace nuncio::config
