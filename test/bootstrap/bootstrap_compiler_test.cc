#include "source/bootstrap/bootstrap_compiler.h"

#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

#include "api/linked.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/config/fault.h"
#include "test/tls/test_pki.h"

namespace nuncio::bootstrap {
namespace {

constexpr std::string_view kHcm =
    R"("@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager)";
constexpr std::string_view kRouter =
    R"(http_filters: [{name: r,
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}])";

// A listener whose routes are `routes`, a field of the connection manager.
std::string Listener(std::string_view name, int port, std::string_view routes) {
  return StrCat("{name: ", name, ", address: {socket_address: {address: 127.0.0.1, port_value: ", port,
                "}}, filter_chains: [{filters: [{name: hcm, typed_config: {", kHcm, ", stat_prefix: x, ", routes, ", ",
                kRouter, "}}]}]}");
}

std::string RoutesTo(std::string_view cluster) {
  return StrCat(
      "route_config: {virtual_hosts: [{name: v, domains: \"*\", routes: [{match: {prefix: /}, route: {cluster: ",
      cluster, "}}]}]}");
}

// A cluster of type STATIC.
std::string Cluster(std::string_view name) {
  return StrCat("{name: ", name, ", type: static, load_assignment: {cluster_name: ", name, "}}");
}

constexpr std::string_view kAds =
    "dynamic_resources: {ads_config: {api_type: grpc, transport_api_version: V3, "
    "grpc_services: {envoy_grpc: {cluster_name: xds}}}, cds_config: {ads: {}}}\n";

class BootstrapCompilerTest : public testing::Test {
 protected:
  BootstrapCompilerTest() : path_(StrCat(testing::TempDir(), "/bootstrap.", getpid(), ".yaml")) {
    api::LinkAllMessages();
  }
  ~BootstrapCompilerTest() override { unlink(path_.c_str()); }

  void WriteFile(std::string_view text) {
    std::ofstream(path_) << text;
    options_.config_path = path_;
  }

  envoy::config::bootstrap::v3::Bootstrap Load() {
    auto loaded = LoadBootstrap(options_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? loaded->message : envoy::config::bootstrap::v3::Bootstrap();
  }
  std::string LoadFault() {
    auto loaded = LoadBootstrap(options_);
    EXPECT_FALSE(loaded.ok());
    return loaded.ok() ? "" : std::string(ToStd(loaded.status().message()));
  }

  std::shared_ptr<const BootstrapConfig> Compile(std::string_view yaml) {
    options_.config_yaml = yaml;
    config::Faults faults;
    auto compiled = CompileBootstrap(Load(), faults);
    EXPECT_EQ("", faults.ToString());
    return compiled;
  }
  // One line per fault.
  std::string FaultsOf(std::string_view yaml) {
    options_.config_yaml = yaml;
    config::Faults faults;
    EXPECT_EQ(nullptr, CompileBootstrap(Load(), faults));
    return faults.ToString();
  }

  const std::string path_;
  Options options_;
};

TEST_F(BootstrapCompilerTest, TextIsMergedOverTheFile) {
  WriteFile(StrCat("node: {id: of-file, cluster: c}\nstatic_resources: {clusters: [", Cluster("a"), "]}\n"));
  options_.config_yaml = StrCat("{node: {id: of-text}, static_resources: {clusters: [", Cluster("b"), "]}}");
  const auto message = Load();
  EXPECT_EQ("of-text", message.node().id());
  EXPECT_EQ("c", message.node().cluster());
  ASSERT_EQ(2, message.static_resources().clusters_size());
  EXPECT_EQ("a", message.static_resources().clusters(0).name());
  EXPECT_EQ("b", message.static_resources().clusters(1).name());
}

TEST_F(BootstrapCompilerTest, FlagsOfTheNodeWinOverTheBootstrap) {
  options_.config_yaml = "node: {id: i, cluster: c, locality: {region: r, zone: z}}";
  EXPECT_EQ("i", Load().node().id());
  options_.service_node = "flag-id";
  options_.service_zone = "flag-zone";
  const auto message = Load();
  EXPECT_EQ("flag-id", message.node().id());
  EXPECT_EQ("c", message.node().cluster());
  EXPECT_EQ("r", message.node().locality().region());
  EXPECT_EQ("flag-zone", message.node().locality().zone());
  EXPECT_EQ("nuncio", message.node().user_agent_name());
}

TEST_F(BootstrapCompilerTest, FaultsOfFileAndTextAreToldTogetherWithTheirPlaces) {
  WriteFile("node: {id: a}\nnodee: {}\nadmin: {adress: {}}\n");
  options_.config_yaml = "{foo: 1}";
  EXPECT_EQ(
      StrCat(path_, ":2:1: nodee: unknown field in envoy.config.bootstrap.v3.Bootstrap; did you mean \"node\"?\n",
             path_, ":3:9: admin.adress: unknown field in envoy.config.bootstrap.v3.Admin; did you mean \"address\"?\n",
             "--config-yaml:1:2: foo: unknown field in envoy.config.bootstrap.v3.Bootstrap"),
      LoadFault());
}

TEST_F(BootstrapCompilerTest, AFileThatIsNotThere) {
  options_.config_path = "/nonexistent/bootstrap.yaml";
  EXPECT_EQ("/nonexistent/bootstrap.yaml: cannot be opened: No such file or directory", LoadFault());
}

TEST_F(BootstrapCompilerTest, UnknownFieldsAreWarningsWhereTheyAreAllowed) {
  options_.config_yaml = "{node: {id: a}, foo: 1}";
  options_.allow_unknown_static_fields = true;
  const auto loaded = LoadBootstrap(options_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ("a", loaded->message.node().id());
  ASSERT_EQ(1u, loaded->warnings.size());
  EXPECT_EQ("--config-yaml:1:17: foo: unknown field in envoy.config.bootstrap.v3.Bootstrap", loaded->warnings[0]);
}

TEST_F(BootstrapCompilerTest, TheNameOfTheWhole) {
  options_.config_yaml = "{}";
  EXPECT_EQ("--config-yaml", BootstrapName(options_));
  options_.config_path = "a.yaml";
  EXPECT_EQ("a.yaml with --config-yaml", BootstrapName(options_));
  options_.config_yaml.clear();
  EXPECT_EQ("a.yaml", BootstrapName(options_));
}

TEST_F(BootstrapCompilerTest, TagsOfTheCommandLineAreThoseOfTheBootstrap) {
  options_.config_yaml = "stats_config: {stats_tags: [{tag_name: a, fixed_value: b}]}";
  options_.stats_tags = {{"c", "d"}};
  const auto message = Load();
  ASSERT_EQ(2, message.stats_config().stats_tags_size());
  EXPECT_EQ("c", message.stats_config().stats_tags(1).tag_name());
  EXPECT_EQ("d", message.stats_config().stats_tags(1).fixed_value());
}

TEST_F(BootstrapCompilerTest, AWholeStaticBootstrap) {
  const auto config = Compile(StrCat(
      "node: {id: i, cluster: c}\n"
      "static_resources: {listeners: [", Listener("l", 8080, RoutesTo("a")), "], clusters: [", Cluster("a"), "]}\n"
      "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}, allow_paths: [{prefix: /stats}]}\n"
      "stats_flush_interval: 2s\n"
      "stats_config: {stats_matcher: {exclusion_list: {patterns: [{prefix: listener.}]}}}\n"
      "application_log_config: {log_format: {text_format: '%v'}}\n"));
  ASSERT_NE(nullptr, config);
  EXPECT_EQ("i", config->node_id);
  EXPECT_EQ("c", config->node_cluster);
  ASSERT_EQ(1u, config->listeners.size());
  EXPECT_EQ("l", config->listeners[0].config->name);
  ASSERT_EQ(1u, config->clusters.size());
  EXPECT_EQ("a", config->clusters[0].config->name);
  ASSERT_TRUE(config->admin.has_value());
  EXPECT_EQ("127.0.0.1:9901", config->admin->address.address.ToString());
  EXPECT_TRUE(config->admin->allow_paths->Matches("/stats/prometheus"));
  EXPECT_FALSE(config->admin->allow_paths->Matches("/quitquitquit"));
  EXPECT_EQ(std::chrono::seconds(2), config->stats_flush_interval);
  EXPECT_FALSE(config->stats_filter->Shows("listener.x"));
  EXPECT_TRUE(config->stats_filter->Shows("cluster.x"));
  EXPECT_EQ("%v", config->log_format);
}

TEST_F(BootstrapCompilerTest, AnEmptyBootstrapIsAProxyThatDoesNothing) {
  const auto config = Compile("{}");
  ASSERT_NE(nullptr, config);
  EXPECT_TRUE(config->listeners.empty());
  EXPECT_FALSE(config->admin.has_value());
}

TEST_F(BootstrapCompilerTest, StatsMatchers) {
  EXPECT_FALSE(Compile("stats_config: {stats_matcher: {reject_all: true}}")->stats_filter->Shows("a"));
  const auto config = Compile("stats_config: {stats_matcher: {inclusion_list: {patterns: [{exact: a}]}}}");
  EXPECT_TRUE(config->stats_filter->Shows("a"));
  EXPECT_FALSE(config->stats_filter->Shows("b"));
}

TEST_F(BootstrapCompilerTest, AControlPlaneOnTheSharedStream) {
  const auto config =
      Compile(StrCat("node: {id: i, cluster: c}\n", kAds, "static_resources: {clusters: [", Cluster("xds"), "]}\n"));
  ASSERT_NE(nullptr, config);
  ASSERT_TRUE(config->ads.has_value());
  EXPECT_EQ("xds", config->ads->target.cluster);
  EXPECT_TRUE(config->cds.has_value());
  EXPECT_FALSE(config->lds.has_value());
}

TEST_F(BootstrapCompilerTest, AllFaultsOfStaticResourcesAreTold) {
  EXPECT_EQ("static_resources.clusters[1].name: a second cluster named \"a\"\n"
            "static_resources.listeners[1].name: a second listener named \"l\"",
            FaultsOf(StrCat("static_resources: {clusters: [", Cluster("a"), ", ", Cluster("a"), "], listeners: [",
                            Listener("l", 1, RoutesTo("a")), ", ", Listener("l", 2, RoutesTo("a")), "]}")));
}

TEST_F(BootstrapCompilerTest, RoutesNameClustersThatAreThere) {
  const std::string listener = Listener("l", 1, RoutesTo("absent"));
  const std::string faults = FaultsOf(StrCat("static_resources: {listeners: [", listener, "]}"));
  EXPECT_EQ(0u, faults.find("static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config."
                            "virtual_hosts[0].routes[0]"))
      << faults;
  EXPECT_NE(std::string::npos, faults.find("no cluster is named \"absent\"")) << faults;
  // With discovery the cluster may come later.
  EXPECT_NE(nullptr, Compile(StrCat("node: {id: i, cluster: c}\n", kAds, "static_resources: {clusters: [",
                                    Cluster("xds"), "], listeners: [", listener, "]}\n")));
}

TEST_F(BootstrapCompilerTest, TwoDoNotShareAnAddress) {
  EXPECT_EQ("static_resources.listeners[1].address: 127.0.0.1:1 is that of listener \"a\" already",
            FaultsOf(StrCat("static_resources: {clusters: [", Cluster("c"), "], listeners: [",
                            Listener("a", 1, RoutesTo("c")), ", ", Listener("b", 1, RoutesTo("c")), "]}")));
  EXPECT_EQ("static_resources.listeners[0].address: 127.0.0.1:1 is that of the admin interface already",
            FaultsOf(StrCat("admin: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}\n"
                            "static_resources: {clusters: [", Cluster("c"), "], listeners: [",
                            Listener("a", 1, RoutesTo("c")), "]}")));
  // The kernel gives each a port of its own.
  EXPECT_NE(nullptr, Compile(StrCat("static_resources: {clusters: [", Cluster("c"), "], listeners: [",
                                    Listener("a", 0, RoutesTo("c")), ", ", Listener("b", 0, RoutesTo("c")), "]}")));
}

TEST_F(BootstrapCompilerTest, SourcesOfDiscoveryAreThere) {
  const std::string node = "node: {id: i, cluster: c}\n";
  EXPECT_EQ(
      "dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: no cluster of static_resources is named "
      "\"xds\"",
      FaultsOf(StrCat(node, kAds)));
  EXPECT_EQ("dynamic_resources.lds_config.ads: needs dynamic_resources.ads_config, which is not set",
            FaultsOf(StrCat(node, "dynamic_resources: {lds_config: {ads: {}}}")));
  EXPECT_EQ(
      "dynamic_resources.lds_config.api_config_source.grpc_services[0].envoy_grpc.cluster_name: no cluster of "
      "static_resources is named \"absent\"",
      FaultsOf(StrCat(node,
                      "dynamic_resources: {lds_config: {api_config_source: {api_type: grpc, "
                      "transport_api_version: V3, grpc_services: {envoy_grpc: {cluster_name: absent}}}}}")));
  EXPECT_EQ(
      "static_resources.clusters[0].eds_cluster_config.eds_config.ads: needs dynamic_resources.ads_config, which is "
      "not "
      "set",
      FaultsOf(StrCat(node,
                      "static_resources: {clusters: [{name: e, type: eds, eds_cluster_config: {eds_config: {ads: "
                      "{}}}}]}")));
  EXPECT_EQ("static_resources.listeners[0].filter_chains[0].filters[0].typed_config.rds.config_source.ads: needs "
            "dynamic_resources.ads_config, which is not set",
            FaultsOf(StrCat(node, "static_resources: {listeners: [",
                            Listener("l", 1, "rds: {route_config_name: r, config_source: {ads: {}}}"), "]}")));
}

TEST_F(BootstrapCompilerTest, AControlPlaneIsNotFoundByAskingIt) {
  const std::string faults = FaultsOf(
      StrCat("node: {id: i, cluster: c}\n", kAds,
             "static_resources: {clusters: [{name: xds, type: eds, eds_cluster_config: {eds_config: {ads: {}}}}]}"));
  EXPECT_NE(std::string::npos,
            faults.find("dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: \"xds\" gets "
                        "its endpoints by discovery itself"))
      << faults;
}

// PEM in a YAML string.
std::string Quoted(const std::string& pem) {
  std::string out = "\"";
  for (const char c : pem) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Of the static secrets "own", a certificate, and "roots".
std::string WithSecrets(std::string_view rest) {
  static const tls::Identity identity =
      tls::Issue({.name = "own", .not_after = int64_t{3650} * 86400}, nullptr, 1767225600);
  return StrCat("static_resources: {secrets: [{name: own, tls_certificate: {certificate_chain: {inline_string: ",
                Quoted(identity.Pem()), "}, private_key: {inline_string: ", Quoted(identity.KeyPem()),
                "}}}, {name: roots, validation_context: {trusted_ca: {inline_string: ", Quoted(identity.Pem()),
                "}}}], ", rest, "}");
}

std::string TlsCluster(std::string_view name, std::string_view common, std::string_view fields = "") {
  return StrCat(
      "{name: ", name, ", type: static, load_assignment: {cluster_name: ", name,
      "}, transport_socket: {name: tls, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, common_tls_context: {",
      common, "}", fields, "}}}");
}

TEST_F(BootstrapCompilerTest, SecretsOfTheBootstrap) {
  const std::string socket = "static_resources.clusters[0].transport_socket.typed_config.";
  const std::string reference = StrCat(socket, "common_tls_context.tls_certificate_sds_secret_configs[0].name: ");
  EXPECT_NE(nullptr, Compile(WithSecrets(StrCat(
                         "clusters: [", TlsCluster("c", "tls_certificate_sds_secret_configs: {name: own}, "
                                                        "validation_context_sds_secret_config: {name: roots}"), "]"))));
  EXPECT_EQ(StrCat(reference, "no secret of static_resources is named \"absent\"; one by discovery needs sds_config"),
            FaultsOf(WithSecrets(
                StrCat("clusters: [", TlsCluster("c", "tls_certificate_sds_secret_configs: {name: absent}"), "]"))));
  EXPECT_EQ(StrCat(reference, "the secret \"roots\" is a validation_context, no tls_certificate"),
            FaultsOf(WithSecrets(
                StrCat("clusters: [", TlsCluster("c", "tls_certificate_sds_secret_configs: {name: roots}"), "]"))));
  // Each is good, and the two make no context.
  EXPECT_EQ(StrCat(socket, "auto_sni_san_validation: needs validation_context.trusted_ca to be given as well"),
            FaultsOf(WithSecrets(StrCat(
                "clusters: [",
                TlsCluster("c", "tls_certificate_sds_secret_configs: {name: own}", ", auto_sni_san_validation: true"),
                "]"))));
  EXPECT_EQ("static_resources.secrets[2].name: a second secret named \"own\"",
            FaultsOf(StrCat(
                "static_resources: {secrets: [",
                "{name: own, session_ticket_keys: {keys: {inline_string: ", Quoted(std::string(80, 'k')), "}}}, ",
                "{name: x, session_ticket_keys: {keys: {inline_string: ", Quoted(std::string(80, 'k')), "}}}, ",
                "{name: own, session_ticket_keys: {keys: {inline_string: ", Quoted(std::string(80, 'k')), "}}}]}")));
}

TEST_F(BootstrapCompilerTest, AControlPlanesOwnSecretsComeFromElsewhere) {
  const auto with_source = [&](std::string_view source) {
    return StrCat("node: {id: i, cluster: c}\n", kAds, "static_resources: {clusters: [",
                  TlsCluster("xds", StrCat("validation_context_sds_secret_config: {name: roots, sds_config: {", source,
                                           "}}")), "]}");
  };
  EXPECT_EQ(
      "dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: \"xds\" gets secrets of its TLS from a "
      "control plane, which could then never be reached; a file can hold them",
      FaultsOf(with_source("ads: {}")));
  EXPECT_NE(nullptr, Compile(with_source("path_config_source: {path: /etc/secrets.yaml}")));
}

TEST_F(BootstrapCompilerTest, AControlPlaneIsToldWhoAsks) {
  const std::string rest = StrCat(kAds, "static_resources: {clusters: [", Cluster("xds"), "]}\n");
  EXPECT_EQ(0u,
            FaultsOf(StrCat("node: {id: i}\n", rest)).find("node: id and cluster are required with a control plane"));
  options_.service_cluster = "by-flag";
  EXPECT_NE(nullptr, Compile(StrCat("node: {id: i}\n", rest)));
}

TEST_F(BootstrapCompilerTest, OtherFaults) {
  const struct {
    std::string_view yaml;
    std::string_view fault;
  } cases[] = {
      {"admin: {}", "admin.address: required: where the admin interface listens"},
      {"stats_flush_interval: 0s", "stats_flush_interval: "},
      {"stats_config: {stats_tags: [{tag_name: a, regex: '('}]}", "stats_config.stats_tags[0].regex: "},
      {"overload_manager: {resource_monitors: [{name: heap, typed_config: {\"@type\": "
       "type.googleapis.com/google.protobuf.Struct}}]}",
       "overload_manager.resource_monitors[0].typed_config: resource monitor \"heap\" of type "},
      {"application_log_config: {log_format: {json_format: {a: b}}}",
       "application_log_config.log_format.json_format: "},
  };
  for (const auto& c : cases) EXPECT_EQ(0u, FaultsOf(c.yaml).find(c.fault)) << FaultsOf(c.yaml);
}

}  // namespace
}  // namespace nuncio::bootstrap
