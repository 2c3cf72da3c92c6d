#include "source/route/virtual_host.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "test/matcher/request.h"

namespace nuncio::route {
namespace {

using matcher::HeaderMatcher;
using matcher::Presence;
using matcher::RequestField;

RouteEntry RandomRoute(std::mt19937& random, size_t number) {
  RouteEntry route;
  route.name = StrCat(number);
  route.path.kind = static_cast<PathPattern::Kind>(random() % 3);
  route.path.case_sensitive = random() % 4 != 0;
  std::string text = "/";
  for (uint64_t length = random() % 5; length > 0; --length) text.push_back("/abC"[random() % 4]);
  if (random() % 30 == 0) {
    route.path.kind = PathPattern::Kind::kRegex;
    route.path.regex = matcher::Regex::Compile(StrCat(text, ".*")).value();
  } else {
    route.path.text = route.path.case_sensitive ? text : AsciiToLower(text);
  }
  if (random() % 2 == 0) {
    const std::string_view name = random() % 2 == 0 ? "x-a" : "x-b";
    route.headers.emplace_back(RequestField(name), Presence{random() % 2 == 0}, HeaderMatcher::Options{});
  }
  route.grpc_only = random() % 6 == 0;
  if (random() % 5 == 0) route.query_parameters.emplace_back("q", Presence{true});
  return route;
}

// With few routes and with many, the first in order that matches is found.
TEST(VirtualHostTest, FindsTheFirstMatchInOrderHoweverManyRoutes) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    VirtualHost::Fields fields;
    fields.name = "v";
    const size_t count = random() % 60;
    for (size_t i = 0; i < count; ++i) fields.routes.push_back(RandomRoute(random, i));
    const VirtualHost host(std::move(fields));
    for (int i = 0; i < 100; ++i) {
      std::string path = "/";
      for (uint64_t length = random() % 7; length > 0; --length) path.push_back("/abC"[random() % 4]);
      matcher::TestRequest request("a", random() % 3 == 0 ? StrCat(path, "?q=1") : path);
      if (random() % 2 == 0) request.head.headers.Add("x-a", "1");
      if (random() % 2 == 0) request.head.headers.Add("x-b", "1");
      if (random() % 2 == 0) request.head.headers.Add("content-type", "application/grpc");

      const RouteEntry* expected = nullptr;
      for (const RouteEntry& route : host.routes()) {
        if (route.path.Matches(path) && route.MatchesRest(request.head, 0)) {
          expected = &route;
          break;
        }
      }
      ASSERT_EQ(host.FindRoute(path, request.head, 0), expected)
          << path << " expected " << (expected == nullptr ? "none" : expected->name);
    }
  }
}

}  // namespace
}  // namespace nuncio::route
