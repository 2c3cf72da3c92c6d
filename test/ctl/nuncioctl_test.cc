// The real nuncioctl against the real nuncio-control, as an operator uses them.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "source/base/strings.h"
#include "test/control/support/certificates.h"
#include "test/control/support/temporary_directory.h"
#include "test/ctl/process.h"

namespace nuncio::ctl {
namespace {

using test::Background;
using test::Finished;
using ::testing::Test;

constexpr char kServer[] = "source/control/nuncio-control";
constexpr char kCtl[] = "source/ctl/nuncioctl";

constexpr char kClusters[] = R"(
resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: blue
  type: EDS
  connect_timeout: 1s
  eds_cluster_config: {eds_config: {ads: {}}}
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: blue
  endpoints:
  - lb_endpoints:
    - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9001}}}
)";
constexpr char kRoutes[] = R"(
"@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
name: main
virtual_hosts:
- name: all
  domains: ["*"]
  routes:
  - match: {prefix: /}
    route: {cluster: blue}
)";

class NuncioctlTest : public Test {
 protected:
  void SetUp() override {
    StartServer();
    std::filesystem::create_directories(directory_.File("conf/more"));
    Write("conf/clusters.yaml", kClusters);
    Write("conf/more/routes.yml", kRoutes);
  }

  void StartServer(const std::vector<std::string>& more = {}) {
    const std::string addresses = directory_.File("addresses");
    std::filesystem::remove(addresses);
    std::vector<std::string> command{
        kServer, "--store", directory_.File("store.db"), "--listen=127.0.0.1:0", "--http-listen=127.0.0.1:0",
        "--address-path", addresses, "--log-path", directory_.File("log")};
    command.insert(command.end(), more.begin(), more.end());
    server_ = std::make_unique<Background>(command);
    // The file comes whole when all sockets are open. Nothing else tells that from outside.
    while (!std::filesystem::exists(addresses)) {
      ASSERT_TRUE(server_->running()) << Read("log");
      std::this_thread::yield();
    }
    std::ifstream file(addresses);
    for (std::string name, address; file >> name >> address;) {
      if (name == "listen") address_ = address;
      if (name == "http") http_address_ = address;
    }
  }

  void Write(const std::string& file, const std::string& text) { std::ofstream(directory_.File(file)) << text; }
  std::string Read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(directory_.File(file)).rdbuf();
    return text.str();
  }
  static std::string Replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }

  // As a YAML string.
  static std::string Quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) out += c == '\n' ? "\\n" : std::string(1, c);
    return out + "\"";
  }

  Finished Ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kCtl);
    return test::RunProgram(arguments, {"NUNCIO_CONTROL=" + address_, "NUNCIO_GROUP=web", "NUNCIO_AUTHOR=ann"});
  }
  std::string Conf() { return directory_.File("conf"); }

  control::test::TemporaryDirectory directory_;
  std::unique_ptr<Background> server_;
  std::string address_;
  std::string http_address_;
};

TEST_F(NuncioctlTest, PushTellsWhatChanged) {
  Finished push = Ctl({"push", Conf(), "-m", "first"});
  EXPECT_EQ(push.status, 0) << push.errors;
  EXPECT_EQ(push.output,
            "revision 1 of group web: 3 added, 0 changed, 0 removed\n"
            "  + cluster blue\n  + endpoint blue\n  + route main\n");
  EXPECT_EQ(Ctl({"push", Conf()}).output, "unchanged: group web is at revision 1\n");
  const Finished history = Ctl({"history"});
  EXPECT_NE(history.output.find("ann"), std::string::npos) << history.output;
  EXPECT_NE(history.output.find("first"), std::string::npos) << history.output;
}

TEST_F(NuncioctlTest, WhatIsWrongIsToldByFileResourceAndField) {
  Write("conf/more/routes.yml",
        Replaced(Replaced(kRoutes, "cluster: blue", "cluster: green"), "prefix: /", "safe_regex: {regex: \"a(b\"}"));
  const Finished push = Ctl({"push", Conf()});
  EXPECT_EQ(push.status, 1);
  EXPECT_EQ(push.output, "");
  const std::string prefix = Conf() + "/more/routes.yml: route main: virtual_hosts[0].routes[0].";
  EXPECT_NE(push.errors.find(prefix + "match.safe_regex.regex: "), std::string::npos) << push.errors;
  EXPECT_NE(push.errors.find(prefix + "route.cluster: there is no cluster \"green\" in the group\n"), std::string::npos)
      << push.errors;
  EXPECT_NE(Ctl({"list"}).output.find("GROUP"), std::string::npos);
  EXPECT_EQ(Ctl({"list"}).output.find("web"), std::string::npos) << "a refused push makes no group";
}

TEST_F(NuncioctlTest, FilesThatCannotBeReadAreToldByPlace) {
  Write("conf/clusters.yaml", Replaced(kClusters, "connect_timeout: 1s", "conect_timeout: 1s"));
  Write("conf/more/routes.yml", "not: a resource\n");
  const Finished push = Ctl({"push", Conf(), directory_.File("nowhere")});
  EXPECT_EQ(push.status, 2);
  EXPECT_NE(push.errors.find("conf/clusters.yaml:6: cluster blue: conect_timeout: "), std::string::npos) << push.errors;
  EXPECT_NE(push.errors.find("conf/more/routes.yml:1: must be a mapping with a list `resources`"), std::string::npos)
      << push.errors;
  EXPECT_NE(push.errors.find("nowhere: "), std::string::npos) << push.errors;
}

TEST_F(NuncioctlTest, DryRunAndDiffChangeNothing) {
  ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
  Write("conf/clusters.yaml", Replaced(kClusters, "9001", "9002"));
  const Finished dry = Ctl({"push", Conf(), "--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.errors;
  EXPECT_NE(dry.output.find("  ~ endpoint blue\n"), std::string::npos) << dry.output;
  const Finished diff = Ctl({"diff", Conf()});
  EXPECT_NE(diff.output.find("-          port_value: 9001\n+          port_value: 9002\n"), std::string::npos)
      << diff.output;
  EXPECT_EQ(diff.output.find("cluster blue"), std::string::npos) << diff.output;
  EXPECT_EQ(Ctl({"push", Conf()}).output.substr(0, 10), "revision 2");
}

TEST_F(NuncioctlTest, WhatGetPrintsCanBePushed) {
  ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
  const Finished get = Ctl({"get"});
  EXPECT_EQ(get.status, 0);
  Write("all.yaml", get.output);
  EXPECT_EQ(Ctl({"push", directory_.File("all.yaml")}).output, "unchanged: group web is at revision 1\n");
  EXPECT_EQ(Ctl({"validate", directory_.File("all.yaml")}).output, "valid: 3 resources\n");
  EXPECT_EQ(Ctl({"get", "cluster/green"}).status, 1);
  const Finished one = Ctl({"get", "endpoint/blue", "-o", "json"});
  EXPECT_NE(one.output.find("9001"), std::string::npos);
  EXPECT_EQ(one.output.find("RouteConfiguration"), std::string::npos);
}

TEST_F(NuncioctlTest, PartialPushesAndRollback) {
  ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
  EXPECT_EQ(Ctl({"push", "--partial", "--delete", "cluster/blue"}).status, 1) << "a route refers to it";
  ASSERT_EQ(Ctl({"push", "--partial", "--delete", "route/main"}).status, 0);
  EXPECT_EQ(Ctl({"get", "route"}).status, 1);
  const Finished rollback = Ctl({"rollback"});
  EXPECT_EQ(rollback.output, "revision 3 of group web: 1 added, 0 changed, 0 removed\n  + route main\n");
  EXPECT_EQ(Ctl({"get", "route"}).status, 0);
}

TEST_F(NuncioctlTest, ExitStatusTellsWhoIsToBlame) {
  ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
  const Finished conflict = Ctl({"push", Conf(), "--expect", "7"});
  EXPECT_EQ(conflict.status, 1);
  EXPECT_NE(conflict.errors.find("is at revision 1 by \"ann\", not at the expected revision 7"), std::string::npos)
      << conflict.errors;
  EXPECT_EQ(Ctl({"history", "-g", "other"}).status, 1);
  EXPECT_EQ(Ctl({"nonsense"}).status, 2);
  EXPECT_EQ(Ctl({"get", "--watch"}).status, 2);
  EXPECT_EQ(Ctl({"push"}).status, 2);
  EXPECT_EQ(server_->End(SIGTERM), 0);
  const Finished away = Ctl({"list"});
  EXPECT_EQ(away.status, 3);
  EXPECT_NE(away.errors.find("cannot reach the control plane at " + address_), std::string::npos) << away.errors;
}

TEST_F(NuncioctlTest, MetricsAndReadiness) {
  ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
  EXPECT_EQ(test::RunProgram({"/usr/bin/curl", "-s", http_address_ + "/ready"}).output, "LIVE\n");
  const std::string metrics = test::RunProgram({"/usr/bin/curl", "-s", http_address_ + "/metrics"}).output;
  EXPECT_NE(metrics.find("nuncio_control_group_revision{group=\"web\"} 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("nuncio_control_pushes_total{result=\"taken\"} 1\n"), std::string::npos) << metrics;
}

TEST_F(NuncioctlTest, KilledBetweenPushesTheServerComesBackWithWhatItAcknowledged) {
  int acknowledged = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) {
      Write("conf/clusters.yaml", Replaced(kClusters, "9001", StrCat(10'000 + acknowledged)));
      ASSERT_EQ(Ctl({"push", Conf()}).status, 0);
      ++acknowledged;
    }
    server_->End(SIGKILL);
    StartServer();
    EXPECT_EQ(Ctl({"push", Conf()}).output, StrCat("unchanged: group web is at revision ", acknowledged, "\n"));
  }
}

TEST_F(NuncioctlTest, ASecondServerDoesNotTakeTheStore) {
  const Finished second = test::RunProgram({kServer, "--store", directory_.File("store.db"), "--listen=127.0.0.1:0"});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.errors.find("another nuncio-control uses this store"), std::string::npos) << second.errors;
  const Finished port =
      test::RunProgram({kServer, "--store", directory_.File("other.db"), "--listen", address_, "--http-listen=none"});
  EXPECT_EQ(port.status, 1);
  EXPECT_NE(port.errors.find("cannot listen there"), std::string::npos) << port.errors;
}

TEST_F(NuncioctlTest, KeysAreServedAndNeverPrinted) {
  control::test::Certificates files;
  files.MakeAuthority("one");
  files.MakeAuthority("two");
  const auto write_secret = [&](const std::string& file) {
    Write("conf/pair.yaml",
          StrCat("\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n"
                 "name: pair\ntls_certificate:\n  certificate_chain: {inline_string: ",
                 Quoted(control::test::ReadFile(files.Pem(file))),
                 "}\n  private_key: {inline_string: ", Quoted(control::test::ReadFile(files.Key(file))), "}\n"));
  };
  // A line of each key that tells it from every other.
  const auto line_of = [&](const std::string& file) {
    const std::string key = control::test::ReadFile(files.Key(file));
    return key.substr(key.find('\n', 40) + 1, 40);
  };
  write_secret("one");
  const Finished push = Ctl({"push", Conf()});
  ASSERT_EQ(push.status, 0) << push.errors;
  EXPECT_EQ(Ctl({"diff", Conf()}).output, "");
  write_secret("two");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"get"}, {"get", "-o", "json"}, {"diff", Conf()}, {"push", Conf(), "-o", "json"},
        {"diff"}, {"diff", "-o", "yaml"}, {"history", "-o", "json"}}) {
    const Finished finished = Ctl(command);
    EXPECT_EQ(finished.status, 0) << finished.errors;
    EXPECT_NE(finished.output, "");
    for (const char* file : {"one", "two"}) {
      EXPECT_EQ(finished.output.find(line_of(file)), std::string::npos) << command[0] << "\n" << finished.output;
    }
  }
  Write("conf/pair.yaml", Ctl({"get", "secret/pair"}).output);
  EXPECT_EQ(Ctl({"push", Conf()}).status, 1) << "what is redacted is no key";
  EXPECT_EQ(Read("log").find(line_of("one")), std::string::npos);
}

// The whole way with real files: both programs over mutual TLS, and everything replaced while they run.
TEST_F(NuncioctlTest, OverMutualTlsThatIsReplaced) {
  control::test::Certificates files;
  const auto make = [&](const std::string& suffix) {
    files.MakeAuthority("ca" + suffix);
    files.MakeLeaf("server" + suffix, "localhost", "ca" + suffix);
    files.MakeLeaf("ann" + suffix, "ann", "ca" + suffix);
  };
  const auto use = [&](const std::string& suffix) {
    files.Replace(files.Pem("server" + suffix), files.File("used.pem"));
    files.Replace(files.Key("server" + suffix), files.File("used.key"));
    files.Replace(files.Pem("ca" + suffix), files.File("used.ca"));
  };
  const auto list_as = [&](const std::string& suffix) {
    return Ctl({"list", "--tls-ca", files.Pem("ca" + suffix), "--tls-cert", files.Pem("ann" + suffix), "--tls-key",
                files.Key("ann" + suffix), "--tls-server-name", "localhost"});
  };
  make("1");
  make("2");
  use("1");
  server_.reset();
  StartServer({"--tls-cert", files.File("used.pem"), "--tls-key", files.File("used.key"), "--client-ca",
               files.File("used.ca"), "--operators=ann"});
  const Finished first = list_as("1");
  EXPECT_EQ(first.status, 0) << first.errors;
  EXPECT_EQ(list_as("2").status, 3);
  EXPECT_EQ(Ctl({"list"}).status, 3) << "plain text";
  use("2");
  // The server looks at its files about once a second, and nothing else tells that from outside.
  Finished second;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
       second.status != 0 && std::chrono::steady_clock::now() < end;) {
    second = list_as("2");
  }
  EXPECT_EQ(second.status, 0) << second.errors;
  EXPECT_EQ(list_as("1").status, 3);
  const std::string metrics = test::RunProgram({"/usr/bin/curl", "-s", http_address_ + "/metrics"}).output;
  EXPECT_NE(metrics.find("nuncio_control_tls_reloads_total{result=\"taken\"} 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("nuncio_control_tls_expiration_timestamp_seconds{file=\"" + files.File("used.ca") + "\"} "),
            std::string::npos);
}

}  // namespace
}  // namespace nuncio::ctl
