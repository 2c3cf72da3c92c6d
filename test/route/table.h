#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/config/rule_checker.h"
#include "source/config/yaml_loader.h"
#include "source/route/config.h"
#include "test/route/echo_formatters.h"

namespace nuncio::route {

inline envoy::config::route::v3::RouteConfiguration LoadTable(std::string_view yaml) {
  envoy::config::route::v3::RouteConfiguration message;
  config::Faults faults;
  EXPECT_TRUE(config::LoadText(yaml, config::TextFormat::kYaml, message, faults)) << faults.ToString();
  return message;
}

inline std::shared_ptr<const RouteTable> CompileTable(
    const envoy::config::route::v3::RouteConfiguration& message, config::Faults& faults,
    const RouteTable* previous = nullptr) {
  static const EchoFormatters formatters;
  return CompileRouteTable(message, {.formatters = &formatters, .previous = previous}, faults);
}

// The table of a text without faults.
inline std::shared_ptr<const RouteTable> TableOf(std::string_view yaml) {
  const auto message = LoadTable(yaml);
  config::Faults faults;
  EXPECT_TRUE(config::CheckRules(message, faults)) << faults.ToString();
  auto table = CompileTable(message, faults);
  EXPECT_NE(table, nullptr) << faults.ToString();
  return table;
}

// What the compiler says of a text, without the rules of the .proto.
inline std::string FaultsOf(std::string_view yaml) {
  config::Faults faults;
  const auto table = CompileTable(LoadTable(yaml), faults);
  EXPECT_EQ(table == nullptr, !faults.empty());
  return faults.ToString();
}

}  // namespace nuncio::route
