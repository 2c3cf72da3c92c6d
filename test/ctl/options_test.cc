#include "source/ctl/options.h"

#include <gtest/gtest.h>

namespace nuncio::ctl {
namespace {

std::string ErrorOf(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Options> options = Options::Parse(arguments);
  return options.ok() ? "" : std::string(options.status().message());
}

class OptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"NUNCIO_CONTROL", "NUNCIO_GROUP", "NUNCIO_AUTHOR", "USER"}) unsetenv(name);
  }
};

TEST_F(OptionsTest, FlagsMayStandAnywhere) {
  const absl::StatusOr<Options> options =
      Options::Parse({"-g", "web", "push", "a", "--message=why", "b", "--expect", "3", "--", "-c"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->command, Command::kPush);
  EXPECT_EQ(options->arguments, (std::vector<std::string>{"a", "b", "-c"}));
  EXPECT_EQ(options->message, "why");
  EXPECT_EQ(options->expect, 3u);
  EXPECT_EQ(options->server, "127.0.0.1:18000");
}

TEST_F(OptionsTest, TheEnvironmentFillsIn) {
  setenv("NUNCIO_CONTROL", "there:1", 1);
  setenv("NUNCIO_GROUP", "web", 1);
  setenv("USER", "ann", 1);
  absl::StatusOr<Options> options = Options::Parse({"history"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->server, "there:1");
  EXPECT_EQ(options->group, "web");
  EXPECT_EQ(options->author, "ann");
  // Lists take a group to narrow them down, which must be said.
  options = Options::Parse({"proxies"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->group, "");
}

TEST_F(OptionsTest, MistakesAreNamed) {
  EXPECT_EQ(ErrorOf({}), "say what to do; see --help");
  EXPECT_EQ(ErrorOf({"fly"}), "there is no command \"fly\"; see --help");
  EXPECT_EQ(ErrorOf({"list", "--fly"}), "there is no flag --fly; see --help");
  EXPECT_EQ(ErrorOf({"history"}), "history needs --group");
  EXPECT_EQ(ErrorOf({"push", "-g", "g"}), "push needs PATH...");
  EXPECT_EQ(ErrorOf({"validate"}), "validate needs PATH...");
  EXPECT_EQ(ErrorOf({"list", "--strict"}), "list takes no --strict");
  EXPECT_EQ(ErrorOf({"rollback", "1", "2", "-g", "g"}), "rollback takes [REVISION], so \"2\" is one too many");
  EXPECT_EQ(ErrorOf({"push", "x", "-g", "g", "--expect", "soon"}), "--expect soon: must be a revision number");
  EXPECT_EQ(ErrorOf({"push", "x", "-g"}), "-g must be followed by NAME");
  EXPECT_EQ(ErrorOf({"push", "-g", "g", "--delete", "cluster/a"}),
            "--delete needs --partial; without it, what is not in the files goes anyway");
  EXPECT_EQ(ErrorOf({"list", "-o", "xml"}), "-o xml: must be table, yaml or json");
  EXPECT_EQ(ErrorOf({"list", "--tls-cert", "x"}), "--tls-cert and --tls-key go together: one of them is missing");
}

}  // namespace
}  // namespace nuncio::ctl
