#include "source/control/model/references.h"

#include <gtest/gtest.h>

#include "source/base/strings.h"
#include "source/control/model/resource.h"
#include "source/control/model/resource_types.h"
#include "test/control/support/resources.h"

namespace nuncio::control {
namespace {

// "cluster a at field.path", those that are asked for by name with a "!" before them.
std::vector<std::string> ReferencesOf(const google::protobuf::Any& any) {
  std::vector<std::string> texts;
  const Resource resource(any.type_url(), "name", any.value());
  for (const Reference& reference : resource.facts().references) {
    texts.push_back(StrCat(reference.subscribed ? "!" : "", ShortTypeName(reference.type_url), " ", reference.name,
                           " at ", reference.field_path));
  }
  return texts;
}

TEST(ReferencesTest, ClustersNameEndpointsAndSecrets) {
  EXPECT_EQ(ReferencesOf(test::TlsCluster("a", "roots")),
            (std::vector<std::string>{"!endpoint a at name",
                                      "!secret roots at transport_socket.typed_config.common_tls_context."
                                      "validation_context_sds_secret_config.name"}));
}

TEST(ReferencesTest, ListenersNameRoutesAndSecrets) {
  EXPECT_EQ(ReferencesOf(test::TlsListener("l", 80, "r", "pair")),
            (std::vector<std::string>{"!route r at filter_chains[0].filters[0].typed_config.rds.route_config_name",
                                      "!secret pair at filter_chains[0].transport_socket.typed_config."
                                      "common_tls_context.tls_certificate_sds_secret_configs[0].name"}));
}

TEST(ReferencesTest, SecretsOfTheBootstrapAreNotOfTheGroup) {
  EXPECT_EQ(ReferencesOf(test::TlsListener("l", 80, "r", "pair", /*of_bootstrap=*/true)).size(), 1u);
}

}  // namespace
}  // namespace nuncio::control
