#include "source/control/model/set_checks.h"

#include <gtest/gtest.h>

#include "source/base/strings.h"
#include "test/control/support/resources.h"

namespace nuncio::control {
namespace {

using ::google::protobuf::Any;

struct Named {
  std::string name;
  Any any;
};

// "field: reason" of each fault, a line each.
std::string Check(const std::vector<Named>& resources, SetCheckOptions options = {}) {
  std::vector<SetEntry> entries;
  for (const Named& named : resources) {
    entries.push_back({std::make_shared<const Resource>(named.any.type_url(), named.name, named.any.value()), 1});
  }
  ResourceFaults faults(false);
  CheckSet(ResourceSet(std::move(entries)), options, faults);
  std::string text;
  for (const ResourceFault& fault : std::move(faults).Take()) {
    StrAppend(text, fault.field_path, ": ", fault.reason, "\n");
  }
  return text;
}

TEST(SetChecksTest, SecretsMustBeThere) {
  const Named cluster{"a", test::TlsCluster("a", "roots")};
  const Named endpoints{"a", test::Endpoints("a")};
  const Named roots{"roots", test::RootsSecret("roots", "/etc/roots.pem")};
  EXPECT_EQ(Check({cluster, endpoints, roots}), "");
  EXPECT_EQ(Check({cluster, endpoints}),
            "transport_socket.typed_config.common_tls_context.validation_context_sds_secret_config.name: there is no "
            "secret \"roots\" in the group\n");
  EXPECT_EQ(Check({cluster, endpoints}, {.static_clusters = {}, .partial = true, .index_of = {}}), "");
}

TEST(SetChecksTest, ClustersOfTheBootstrapNeedNotBeThere) {
  const Named routes{"r", test::Routes("r", "a")};
  EXPECT_EQ(Check({routes}), "virtual_hosts[0].routes[0].route.cluster: there is no cluster \"a\" in the group\n");
  EXPECT_EQ(Check({routes}, {.static_clusters = {"a"}, .partial = false, .index_of = {}}), "");
}

TEST(SetChecksTest, AnAddressIsBoundOnce) {
  EXPECT_EQ(Check({{"l", test::RdsListener("l", 80, "r")},
                   {"m", test::RdsListener("m", 80, "r")},
                   {"n", test::RdsListener("n", 81, "r")},
                   {"r", test::Routes("r", "a")},
                   {"a", test::StaticCluster("a")}}),
            "address: address tcp 127.0.0.1:80 is that of listener \"l\" too\n");
}

}  // namespace
}  // namespace nuncio::control
