#include "source/route/header_mutation.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/matcher/request.h"
#include "test/route/echo_formatters.h"

namespace nuncio::route {
namespace {

using ::testing::ElementsAre;
using Action = HeaderAddition::Action;

HeaderAddition Literal(std::string_view name, std::string_view value, Action action = Action::kAppend) {
  HeaderAddition addition((HeaderName(name)));
  addition.action = action;
  addition.literal = value;
  return addition;
}

HeaderAddition Formatted(std::string_view name, std::string_view format, Action action = Action::kAppend) {
  HeaderAddition addition = Literal(name, "", action);
  config::Faults faults;
  addition.formatter = EchoFormatters().Parse(format, faults);
  return addition;
}

template <typename... Additions>
HeaderMutations Mutations(std::vector<HeaderName> removals, Additions... additions) {
  HeaderMutations mutations;
  mutations.removals = std::move(removals);
  (mutations.additions.push_back(std::move(additions)), ...);
  return mutations;
}

std::vector<std::string> Apply(const HeaderMutations& mutations, matcher::TestRequest& request) {
  mutations.Apply(TestInput(request.head), request.head.headers);
  std::vector<std::string> fields;
  for (const http::HeaderField& field : request.head.headers) {
    EXPECT_EQ(field.id, http::FindHeaderId(field.name));
    fields.push_back(StrCat(field.name, "=", field.value));
  }
  return fields;
}

TEST(HeaderMutationsTest, Actions) {
  const auto result = [](Action action, bool present) {
    matcher::TestRequest request("a", "/");
    if (present) {
      request.head.headers.Add("x-a", "1");
      request.head.headers.Add("X-A", "2");
    }
    return Apply(Mutations({}, Literal("x-a", "new", action)), request);
  };
  EXPECT_THAT(result(Action::kAppend, true), ElementsAre("x-a=1", "X-A=2", "x-a=new"));
  EXPECT_THAT(result(Action::kAppend, false), ElementsAre("x-a=new"));
  EXPECT_THAT(result(Action::kAddIfAbsent, true), ElementsAre("x-a=1", "X-A=2"));
  EXPECT_THAT(result(Action::kAddIfAbsent, false), ElementsAre("x-a=new"));
  EXPECT_THAT(result(Action::kOverwrite, true), ElementsAre("x-a=new"));
  EXPECT_THAT(result(Action::kOverwrite, false), ElementsAre("x-a=new"));
  EXPECT_THAT(result(Action::kOverwriteIfExists, true), ElementsAre("x-a=new"));
  EXPECT_THAT(result(Action::kOverwriteIfExists, false), ElementsAre());
}

TEST(HeaderMutationsTest, WellKnownNamesToo) {
  matcher::TestRequest request("a", "/", {{"Cookie", "1"}, {"accept", "x"}});
  EXPECT_THAT(Apply(Mutations({HeaderName("Accept")}, Literal("cookie", "2", Action::kOverwrite),
                              Literal("Via", "me", Action::kAddIfAbsent)),
                    request),
              ElementsAre("Cookie=2", "Via=me"));
}

TEST(HeaderMutationsTest, RemovesBeforeItAdds) {
  matcher::TestRequest request("a", "/", {{"x-a", "1"}, {"x-b", "2"}});
  EXPECT_THAT(Apply(Mutations({HeaderName("X-A")}, Literal("x-a", "new", Action::kAddIfAbsent)), request),
              ElementsAre("x-b=2", "x-a=new"));
}

TEST(HeaderMutationsTest, ReplacesBeforeItAdds) {
  matcher::TestRequest request("a", "/", {{"x-a", "1"}});
  EXPECT_THAT(Apply(Mutations({}, Literal("x-a", "added"), Literal("x-a", "set", Action::kOverwrite)), request),
              ElementsAre("x-a=set", "x-a=added"));
}

TEST(HeaderMutationsTest, ValuesAreWorkedOutFromTheMapBeforeAdditions) {
  matcher::TestRequest request("a", "/", {{"x-a", "1"}});
  EXPECT_THAT(Apply(Mutations({}, Literal("x-a", "2", Action::kOverwrite), Formatted("x-b", "%x-a%")), request),
              ElementsAre("x-a=2", "x-b=1"));
}

TEST(HeaderMutationsTest, EmptyValuesAreLeftOutUnlessKept) {
  matcher::TestRequest request("a", "/", {{"x-old", "1"}});
  HeaderAddition kept = Literal("x-kept", "");
  kept.keep_empty_value = true;
  EXPECT_THAT(Apply(Mutations({}, Literal("x-a", ""), Formatted("x-b", "%x-missing%"),
                              Literal("x-old", "", Action::kOverwrite), std::move(kept)),
                    request),
              ElementsAre("x-old=1", "x-kept="));
}

TEST(HeaderMutationsTest, NoFormatterSmugglesALine) {
  matcher::TestRequest request("a", "/");
  EXPECT_THAT(Apply(Mutations({}, Formatted("x-a", "%%")), request), ElementsAre("x-a=a  b"));
}

}  // namespace
}  // namespace nuncio::route
