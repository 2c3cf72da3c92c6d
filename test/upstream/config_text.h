#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "gtest/gtest.h"
#include "source/config/subscription.h"
#include "source/config/typed_config.h"
#include "source/config/yaml_loader.h"
#include "source/upstream/cluster_compiler.h"

// Clusters and assignments from YAML, as a proxy takes them.
namespace nuncio::upstream {

inline std::shared_ptr<const ClusterConfig> CompileText(std::string_view yaml, config::Faults& faults) {
  envoy::config::cluster::v3::Cluster message;
  if (!config::LoadText(yaml, config::TextFormat::kYaml, message, faults)) return nullptr;
  if (!config::CheckMessage(message, faults)) return nullptr;
  return CompileCluster(message, config::DataSourceAccess::kRead, faults);
}

inline std::shared_ptr<const ClusterConfig> ClusterFromText(std::string_view yaml) {
  config::Faults faults;
  auto config = CompileText(yaml, faults);
  EXPECT_EQ("", faults.ToString());
  return config;
}

inline std::shared_ptr<const ClusterAssignment> AssignmentFromText(std::string_view yaml) {
  config::Faults faults;
  envoy::config::endpoint::v3::ClusterLoadAssignment message;
  config::LoadText(yaml, config::TextFormat::kYaml, message, faults);
  config::CheckMessage(message, faults);
  auto assignment = CompileAssignment(message, /*names_allowed=*/false, faults);
  EXPECT_EQ("", faults.ToString());
  return assignment;
}

inline config::DecodedResource ClusterResourceFromText(std::string_view yaml, std::string_view version) {
  auto config = ClusterFromText(yaml);
  return {config->name, std::string(version), config, std::make_shared<const std::string>(yaml)};
}

// The faults of a text, one per line.
inline std::string FaultsOf(std::string_view yaml) {
  config::Faults faults;
  EXPECT_EQ(nullptr, CompileText(yaml, faults));
  return faults.ToString();
}

}  // namespace nuncio::upstream
