#include "source/control/server/options.h"

#include <gtest/gtest.h>

namespace nuncio::control {
namespace {

std::string ErrorOf(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Options> options = Options::Parse(arguments);
  return options.ok() ? "" : std::string(options.status().message());
}

TEST(OptionsTest, OnlyThisMachineReachesItUnlessToldOtherwise) {
  const absl::StatusOr<Options> options = Options::Parse({"--store", "f"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen, "127.0.0.1:18000");
  EXPECT_EQ(options->http_listen, "127.0.0.1:18001");
  EXPECT_EQ(options->xds_listen, "");
}

TEST(OptionsTest, BothWaysOfGivingAValue) {
  const absl::StatusOr<Options> options =
      Options::Parse({"--store=f", "--listen", "[::1]:5", "--static-clusters=a,b", "--drain-time=7s",
                      "--http-listen=none", "--group-by={cluster}-x"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->listen, "[::1]:5");
  EXPECT_EQ(options->static_clusters, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(options->drain_time, std::chrono::seconds(7));
  EXPECT_EQ(options->http_listen, "");
  EXPECT_EQ(options->group_by, "{cluster}-x");
}

TEST(OptionsTest, MistakesAreNamed) {
  EXPECT_NE(ErrorOf({}).find("--store must be given"), std::string::npos);
  EXPECT_EQ(ErrorOf({"--stor=x"}), "there is no flag --stor; --help lists what there is");
  EXPECT_EQ(ErrorOf({"x"}), "unexpected argument x; --help lists what there is");
  EXPECT_EQ(ErrorOf({"--store"}), "--store must be followed by FILE");
  EXPECT_EQ(ErrorOf({"--store="}), "--store: FILE is empty");
  EXPECT_EQ(ErrorOf({"--version=1"}), "--version takes no value");
  EXPECT_EQ(ErrorOf({"--drain-time=soon"}), "--drain-time=soon: must be a number of seconds from 0 to 3600");
  EXPECT_NE(ErrorOf({"--group-by=x"}).find("--group-by=x: group rule"), std::string::npos);
  EXPECT_NE(ErrorOf({"--store=f", "--tls-cert=c"}).find("go together"), std::string::npos);
  EXPECT_NE(ErrorOf({"--store=f", "--client-ca=c"}).find("needs --tls-cert"), std::string::npos);
  EXPECT_NE(ErrorOf({"--store=f", "--operators=ann"}).find("needs --client-ca"), std::string::npos);
}

TEST(OptionsTest, HelpNeedsNoStoreAndNamesEveryFlag) {
  EXPECT_EQ(Options::Parse({"--help"})->action, Options::Action::kPrintHelp);
  EXPECT_EQ(Options::Parse({"--version"})->action, Options::Action::kPrintVersion);
  for (const char* flag : {"--store", "--listen", "--xds-listen", "--http-listen", "--group-by", "--static-clusters",
                           "--tls-cert", "--client-ca", "--operators", "--address-path"}) {
    EXPECT_NE(HelpText().find(flag), std::string::npos) << flag;
  }
}

}  // namespace
}  // namespace nuncio::control
