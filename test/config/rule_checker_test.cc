#include "source/config/rule_checker.h"

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "google/protobuf/empty.pb.h"
#include "gtest/gtest.h"
#include "test/config/everything.pb.h"

namespace nuncio::config {
namespace {

using nuncio::test::config::NeedsDuration;
using nuncio::test::config::NeedsItems;
using nuncio::test::config::NeedsOneof;
using nuncio::test::config::Ruled;
using nuncio::test::config::Unruled;

// A message that violates nothing.
Ruled Good() {
  Ruled m;
  m.set_not_empty("x");
  m.mutable_needed()->set_not_empty("x");
  // `needed` needs one itself, and so on: the innermost is where the chain is cut, by a field that is not required.
  return m;
}

std::string FaultsOf(const google::protobuf::Message& message, AnyHandling any = AnyHandling::kSkip) {
  Faults faults;
  const bool ok = CheckRules(message, faults, any);
  EXPECT_EQ(ok, faults.empty());
  return faults.ToString();
}

// Faults of a Ruled changed by `change`, beside the ones it has anyway.
std::string FaultsWith(const std::function<void(Ruled&)>& change) {
  Ruled m = Good();
  Faults before;
  CheckRules(m, before);
  change(m);
  Faults after;
  CheckRules(m, after);
  std::string out;
  for (const Fault& fault : after.list()) {
    bool old = false;
    for (const Fault& other : before.list()) old |= other.ToString() == fault.ToString();
    if (!old) out += (out.empty() ? "" : "\n") + fault.ToString();
  }
  return out;
}

TEST(RuleCheckerTest, RequiredMessages) {
  Ruled m;
  m.set_not_empty("x");
  EXPECT_EQ(FaultsOf(m), "needed: must be set");
  m.mutable_needed()->set_not_empty("y");
  EXPECT_EQ(FaultsOf(m), "needed.needed: must be set");
}

TEST(RuleCheckerTest, Values) {
  struct Case {
    std::function<void(Ruled&)> change;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {[](Ruled& m) { m.clear_not_empty(); }, "not_empty: must not be empty"},
      {[](Ruled& m) { m.set_short_text("\xc3\xa9\xc3\xa9\xc3\xa9"); }, ""},
      {[](Ruled& m) { m.set_short_text("abcd"); }, "short_text: must have at most 3 characters (has 4)"},
      {[](Ruled& m) { m.set_few_bytes("\xc3\xa9\xc3\xa9"); }, "few_bytes: must have at most 3 bytes (has 4)"},
      {[](Ruled& m) { m.set_patterned("abc"); }, ""},
      {[](Ruled& m) { m.set_patterned("aBc"); }, "patterned: must match ^[a-z]+$ (is \"aBc\")"},
      {[](Ruled& m) { m.set_affixed("amz"); }, ""},
      {[](Ruled& m) { m.set_affixed("q"); },
       "affixed: must begin with \"a\" (is \"q\")\naffixed: must end with \"z\" (is \"q\")\n"
       "affixed: must contain \"m\" (is \"q\")"},
      {[](Ruled& m) { m.set_without("axb"); }, "without: must not contain \"x\" (is \"axb\")"},
      {[](Ruled& m) { m.set_listed("https"); }, ""},
      {[](Ruled& m) { m.set_listed("ftp"); }, "listed: must be one of \"\", \"http\", \"https\" (is \"ftp\")"},
      {[](Ruled& m) { m.set_unlisted("bad"); }, "unlisted: must not be \"bad\""},
      {[](Ruled& m) { m.set_header_name("x-a_b"); }, ""},
      {[](Ruled& m) { m.set_header_name(":path"); }, ""},
      {[](Ruled& m) { m.set_header_name("a b"); }, "header_name: must be the name of a header (is \"a b\")"},
      {[](Ruled& m) { m.set_header_name(":"); }, "header_name: must be the name of a header (is \":\")"},
      {[](Ruled& m) { m.set_header_value("a\tb \xc3\xa9"); }, ""},
      {[](Ruled& m) { m.set_header_value("a\x01"); },
       "header_value: must be the value of a header, without control characters (is \"a\\x01\")"},
      {[](Ruled& m) { m.set_lax_header_value("a\x01"); }, ""},
      {[](Ruled& m) { m.set_lax_header_value("a\nb"); },
       "lax_header_value: must not contain NUL, CR or LF (is \"a\\nb\")"},
      {[](Ruled& m) { m.set_exact("abc"); }, "exact: must have 2 characters (has 3)"},
      {[](Ruled& m) { m.set_at_least(9); }, "at_least: must be at least 10 (is 9)"},
      {[](Ruled& m) { m.set_at_least(10); }, ""},
      {[](Ruled& m) { m.set_above(10); }, "above: must be greater than 10 (is 10)"},
      {[](Ruled& m) { m.set_between(-5); }, ""},
      {[](Ruled& m) { m.set_between(5); }, "between: must be at least -5 and less than 5 (is 5)"},
      {[](Ruled& m) { m.set_between(-6); }, "between: must be at least -5 and less than 5 (is -6)"},
      {[](Ruled& m) { m.set_outside(-1); }, ""},
      {[](Ruled& m) { m.set_outside(11); }, ""},
      {[](Ruled& m) { m.set_outside(5); }, "outside: must be greater than 10 or less than 0 (is 5)"},
      {[](Ruled& m) { m.set_one_of(3); }, "one_of: must be one of 0, 1, 2 (is 3)"},
      {[](Ruled& m) { m.set_share(1.5); }, "share: must be at least 0 and at most 1 (is 1.5)"},
      {[](Ruled& m) { m.set_share(NAN); }, "share: must be at least 0 and at most 1 (is nan)"},
      {[](Ruled& m) { m.set_none_of(0.5f); }, "none_of: must not be 0.5"},
      {[](Ruled& m) { m.set_must_be_false(true); }, "must_be_false: must be false (is true)"},
      {[](Ruled& m) { m.set_optional_at_least(0); }, "optional_at_least: must be at least 1 (is 0)"},
      {[](Ruled& m) { m.mutable_wrapped()->set_value(0); }, "wrapped: must be at least 1 (is 0)"},
      {[](Ruled& m) { m.mutable_wrapped()->set_value(1); }, ""},
      {[](Ruled& m) { m.set_defined(static_cast<test::config::Colour>(9)); },
       "defined: must be a value of nuncio.test.config.Colour (is 9)"},
      {[](Ruled& m) { m.set_not_red(test::config::RED); }, "not_red: must not be RED"},
      {[](Ruled& m) { m.set_two_bytes("abc"); }, "two_bytes: must have at most 2 bytes (has 3)"},
      {[](Ruled& m) { m.add_items("a"), m.add_items(""); }, "items[1]: must not be empty"},
      {[](Ruled& m) {
         for (int i = 0; i < 4; ++i) m.add_items("a");
       },
       "items: must have at most 3 entries (has 4)"},
      {[](Ruled& m) { m.add_unique(1), m.add_unique(2), m.add_unique(1); },
       "unique[2]: must not be the same as unique[0]: \"1\""},
      {[](Ruled& m) { m.add_some("a"); }, "some: must have at least 2 entries (has 1)"},
      {[](Ruled& m) { (*m.mutable_map())["a"] = 0; }, "map[\"a\"]: must be at least 1 (is 0)"},
      {[](Ruled& m) { (*m.mutable_map())[""] = 1; }, "map[\"\"]: must not be empty"},
      {[](Ruled& m) { m.mutable_positive(); }, "positive: must be greater than 0s (is 0s)"},
      {[](Ruled& m) { m.mutable_positive()->set_nanos(1); }, ""},
      {[](Ruled& m) { m.mutable_positive()->set_seconds(-1); }, "positive: must be greater than 0s (is -1s)"},
      {[](Ruled& m) { m.mutable_bounded()->set_seconds(300); },
       "bounded: must be at least 0.001s and less than 300s (is 300s)"},
      {[](Ruled& m) { m.mutable_any()->PackFrom(google::protobuf::Empty()); },
       "any: must not be \"type.googleapis.com/google.protobuf.Empty\""},
      {[](Ruled& m) { m.set_a(""); }, "a: must not be empty"},
      {[](Ruled& m) { m.set_b(""); }, ""},
      {[](Ruled& m) { m.mutable_skipped()->set_without("x"); }, ""},
      {[](Ruled& m) { *m.add_ruled_items() = Good(), m.mutable_ruled_items(0)->set_without("x"); },
       "ruled_items[0].without: must not contain \"x\" (is \"x\")\nruled_items[0].needed.needed: must be set"},
      {[](Ruled& m) { (*m.mutable_ruled_map())["k.1"].mutable_needed()->set_not_empty("x"); },
       "ruled_map[\"k.1\"].not_empty: must not be empty\nruled_map[\"k.1\"].needed.needed: must be set"},
  };
  for (size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(FaultsWith(cases[i].change), cases[i].expected) << "case " << i;
}

TEST(RuleCheckerTest, RequiredOneofDurationAny) {
  EXPECT_EQ(FaultsOf(NeedsOneof()), "one of a, b must be set");
  NeedsOneof set;
  set.set_b("");
  EXPECT_EQ(FaultsOf(set), "");
  EXPECT_EQ(FaultsOf(NeedsDuration()), "duration: must be set\nany: must be set");
}

TEST(RuleCheckerTest, ItemsAreNeeded) {
  NeedsItems m;
  EXPECT_EQ(FaultsOf(m), "items: must not be empty");
  m.add_items("");
  EXPECT_EQ(FaultsOf(m), "");
}

TEST(RuleCheckerTest, DisabledMessagesAreNotLookedInto) {
  NeedsItems m;
  m.add_items("x");
  m.mutable_unruled()->mutable_below();
  EXPECT_EQ(FaultsOf(m), "");
  EXPECT_EQ(FaultsOf(Unruled()), "");
}

TEST(RuleCheckerTest, AnyIsEnteredOnDemand) {
  NeedsDuration m;
  m.mutable_duration()->set_seconds(1);
  m.mutable_any()->PackFrom(NeedsOneof());
  EXPECT_EQ(FaultsOf(m), "");
  EXPECT_EQ(FaultsOf(m, AnyHandling::kEnterKnown), "any: one of a, b must be set");
  m.mutable_any()->set_type_url("type.googleapis.com/no.such.Type");
  EXPECT_EQ(FaultsOf(m, AnyHandling::kEnterKnown), "");
}

TEST(RuleCheckerTest, AnyWithinAnyIsBounded) {
  NeedsDuration m;
  for (int i = 0; i < 2000; ++i) {
    NeedsDuration outer;
    outer.mutable_duration()->set_seconds(1);
    outer.mutable_any()->PackFrom(m);
    m = outer;
  }
  Faults faults;
  EXPECT_FALSE(CheckRules(m, faults, AnyHandling::kEnterKnown));
  EXPECT_NE(faults.ToString().find("is nested deeper than 200 levels"), std::string::npos);
}

TEST(RuleCheckerTest, DeepMessagesAreBounded) {
  Ruled m;
  Ruled* at = &m;
  for (int i = 0; i < 1000; ++i) {
    at->set_not_empty("x");
    at = at->mutable_needed();
  }
  EXPECT_NE(FaultsOf(m).find("is nested deeper than 200 levels"), std::string::npos);
}

TEST(RuleCheckerTest, FaultsStandBelowTheCurrentPath) {
  Faults faults;
  {
    Faults::Scope scope(faults, "listeners", size_t{3});
    EXPECT_FALSE(CheckRules(NeedsOneof(), faults));
  }
  EXPECT_EQ(faults.list()[0].field_path, "listeners[3]");
}

}  // namespace
}  // namespace nuncio::config
