#include "source/bootstrap/options.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::bootstrap {
namespace {

absl::StatusOr<ParsedCommandLine> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "nuncio");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

// With a configuration; what is wrong fails the test.
Options Parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"-c", "a.yaml"});
  auto parsed = Parse(std::move(arguments));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  if (!parsed.ok()) return {};
  EXPECT_FALSE(parsed->print.has_value());
  return parsed->options;
}

std::string Fault(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"-c", "a.yaml"});
  auto parsed = Parse(std::move(arguments));
  return parsed.ok() ? "" : std::string(ToStd(parsed.status().message()));
}

TEST(OptionsTest, Defaults) {
  const Options options = Parsed({});
  EXPECT_EQ("a.yaml", options.config_path);
  EXPECT_EQ(Options::Mode::kServe, options.mode);
  EXPECT_EQ(std::nullopt, options.concurrency);
  EXPECT_EQ("info", options.log_level);
  EXPECT_EQ(std::chrono::seconds(600), options.drain_time);
  EXPECT_EQ(Options::DrainStrategy::kGradual, options.drain_strategy);
  EXPECT_EQ(std::chrono::milliseconds(1000), options.file_flush_interval);
  EXPECT_EQ(64u, options.file_flush_min_size_kb);
  EXPECT_FALSE(options.allow_unknown_static_fields);
  EXPECT_TRUE(options.notes.empty());
  EXPECT_EQ("nuncio -c a.yaml", options.command_line);
}

TEST(OptionsTest, EveryValueArrives) {
  const Options o = Parsed({"--config-yaml", "node: {id: a=b}", "--mode", "validate", "--concurrency", "3",
                            "--cpuset-threads", "--service-cluster", "sc", "--service-node", "sn", "--service-zone",
                            "sz",
                            "-l", "debug", "--component-log-level", "http:trace", "--log-path", "/l", "--log-format",
                            "%v",
                            "--drain-time-s", "7", "--drain-strategy", "immediate", "--admin-address-path", "/a",
                            "--state-dir", "/s", "--allow-unknown-static-fields", "--reject-unknown-dynamic-fields",
                            "--base-id", "4", "--restart-epoch", "5", "--file-flush-interval-msec", "250",
                            "--file-flush-min-size-kb", "16", "--stats-tag", "a:b:c", "--stats-tag", "d:e"});
  EXPECT_EQ("node: {id: a=b}", o.config_yaml);
  EXPECT_EQ(Options::Mode::kValidate, o.mode);
  EXPECT_EQ(3u, o.concurrency);
  EXPECT_TRUE(o.cpuset_threads);
  EXPECT_EQ("sc", o.service_cluster);
  EXPECT_EQ("sn", o.service_node);
  EXPECT_EQ("sz", o.service_zone);
  EXPECT_EQ("debug", o.log_level);
  EXPECT_EQ("http:trace", o.component_log_levels);
  EXPECT_EQ("/l", o.log_path);
  EXPECT_EQ("%v", o.log_format);
  EXPECT_EQ(std::chrono::seconds(7), o.drain_time);
  EXPECT_EQ(Options::DrainStrategy::kImmediate, o.drain_strategy);
  EXPECT_EQ("/a", o.admin_address_path);
  EXPECT_EQ("/s", o.state_dir);
  EXPECT_TRUE(o.allow_unknown_static_fields);
  EXPECT_TRUE(o.reject_unknown_dynamic_fields);
  EXPECT_FALSE(o.ignore_unknown_dynamic_fields);
  EXPECT_EQ(4u, o.base_id);
  EXPECT_EQ(5u, o.restart_epoch);
  EXPECT_EQ(std::chrono::milliseconds(250), o.file_flush_interval);
  EXPECT_EQ(16u, o.file_flush_min_size_kb);
  EXPECT_EQ((std::vector<std::pair<std::string, std::string>>{{"a", "b:c"}, {"d", "e"}}), o.stats_tags);
  EXPECT_TRUE(Parsed({"--ignore-unknown-dynamic-fields"}).ignore_unknown_dynamic_fields);
}

TEST(OptionsTest, AValueStandsBesideItsFlagOrAfterAnEqualsSign) {
  EXPECT_EQ("debug", Parsed({"-l", "debug"}).log_level);
  EXPECT_EQ("debug", Parsed({"--log-level", "debug"}).log_level);
  EXPECT_EQ("debug", Parsed({"--log-level=DEBUG"}).log_level);
  EXPECT_EQ("warning", Parsed({"-l", "warn"}).log_level);
  EXPECT_EQ("{a: b=c}", Parsed({"--config-yaml={a: b=c}"}).config_yaml);
  EXPECT_EQ("", Parsed({"--service-zone="}).service_zone);
  EXPECT_EQ("b.yaml", Parsed({"--config-path", "b.yaml"}).config_path);
}

TEST(OptionsTest, NoWorkersMeansOneAsWithEnvoy) { EXPECT_EQ(1u, Parsed({"--concurrency", "0"}).concurrency); }

TEST(OptionsTest, FlagsOfEnvoyWithoutEffectSayWhy) {
  const std::vector<std::vector<const char*>> cases = {
      {"--disable-hot-restart"},       {"--use-dynamic-base-id"},    {"--skip-hot-restart-on-no-parent"},
      {"--base-id-path", "/b"},        {"--parent-shutdown-time-s", "900"}, {"--socket-path", "@s"},
      {"--socket-mode", "600"},        {"--log-format-escaped"},     {"--enable-fine-grain-logging"},
      {"--enable-mutex-tracing"},      {"--disable-extensions", "a"}, {"--local-address-ip-version", "v4"},
      {"--bootstrap-version", "3"},    {"--max-stats", "1"},         {"--max-obj-name-len", "60"},
      {"--base-id", "0"},              {"--restart-epoch", "0"},     {"--skip-deprecated-logs"},
      {"--enable-core-dump"},          {"--log-format-prefix-with-location", "0"},
  };
  for (const auto& arguments : cases) {
    const Options options = Parsed(arguments);
    ASSERT_EQ(1u, options.notes.size()) << arguments[0];
    const std::string start = StrCat(arguments[0], " has no effect here: ");
    EXPECT_EQ(0u, options.notes[0].find(start)) << options.notes[0];
    EXPECT_GT(options.notes[0].size(), start.size() + 10) << options.notes[0];
  }
}

TEST(OptionsTest, TheOldNameForUnknownFieldsIsHonoured) {
  const Options options = Parsed({"--allow-unknown-fields"});
  EXPECT_TRUE(options.allow_unknown_static_fields);
  EXPECT_EQ(1u, options.notes.size());
}

// The command line that Istio's agent builds.
TEST(OptionsTest, TakesWhatIstioPasses) {
  const Options options =
      Parsed({"--drain-time-s", "45", "--drain-strategy", "immediate", "--local-address-ip-version", "v4",
              "--file-flush-interval-msec", "1000", "--disable-hot-restart", "--allow-unknown-static-fields",
              "--log-format", "%Y-%m-%dT%T.%fZ\t%l\tenvoy %n %g:%#\t%v\tthread=%t", "-l", "warning",
              "--component-log-level", "misc:error", "--concurrency", "2"});
  EXPECT_EQ(2u, options.concurrency);
  EXPECT_EQ(2u, options.notes.size());
}

TEST(OptionsTest, FaultsNameTheFlagAndWhatWouldBeRight) {
  const struct {
    std::vector<const char*> arguments;
    std::string_view fault;
  } cases[] = {
      {{"--mode", "init_only"}, "--mode: 'init_only' is not serve or validate"},
      {{"--concurrency", "two"}, "--concurrency: 'two' is not a number from 0 to 1024"},
      {{"--concurrency", "1025"}, "--concurrency: '1025' is not a number from 0 to 1024"},
      {{"--concurrency=-1"}, "--concurrency: '-1' is not a number from 0 to 1024"},
      {{"--drain-time-s", "10s"}, "--drain-time-s: '10s' is not a number from 0 to 4294967295"},
      {{"--drain-strategy", "slow"}, "--drain-strategy: 'slow' is not gradual or immediate"},
      {{"-l", "loud"},
       "--log-level: unknown log level 'loud': one of trace, debug, info, warning, error, critical, off"},
      {{"--file-flush-interval-msec", "0"}, "--file-flush-interval-msec: '0' is not a number from 1 to 4294967295"},
      {{"--file-flush-min-size-kb", "0"}, "--file-flush-min-size-kb: '0' is not a number from 1 to 8192"},
      {{"--stats-tag", "a"}, "--stats-tag: 'a' is not of the form TAG:VALUE, the tag of letters, digits and _"},
      {{"--stats-tag", "a-b:c"}, "--stats-tag: 'a-b:c' is not of the form TAG:VALUE, the tag of letters, digits and _"},
      {{"--stats-tag", "a:"}, "--stats-tag: 'a:' is not of the form TAG:VALUE, the tag of letters, digits and _"},
      {{"--log-level"}, "--log-level needs a value: LEVEL"},
      {{"--log-path", "--mode", "serve"}, "--log-path needs a value: FILE"},
      {{"--cpuset-threads=yes"}, "--cpuset-threads takes no value"},
      {{"--reject-unknown-dynamic-fields", "--ignore-unknown-dynamic-fields"},
       "--reject-unknown-dynamic-fields and --ignore-unknown-dynamic-fields exclude each other"},
      {{"--concurency", "2"},
       "unknown argument '--concurency'; did you mean '--concurrency'? --help lists what there is"},
      {{"--log_level", "info"},
       "unknown argument '--log_level'; did you mean '--log-level'? --help lists what there is"},
      {{"-concurrency", "2"},
       "unknown argument '-concurrency'; did you mean '--concurrency'? --help lists what there is"},
      {{"-ldebug"}, "unknown argument '-ldebug'; did you mean '-l debug'? --help lists what there is"},
      {{"-l=debug"}, "unknown argument '-l=debug'; did you mean '-l debug'? --help lists what there is"},
      {{"--nothing-like-it"}, "unknown argument '--nothing-like-it'; --help lists what there is"},
      {{"b.yaml"},
       "unknown argument 'b.yaml'; flags begin with -- (a configuration is named with -c) --help lists what there is"},
      {{""}, "unknown argument ''; flags begin with -- (a configuration is named with -c) --help lists what there is"},
      {{"-"}, "unknown argument '-'; --help lists what there is"},
      {{"--"}, "unknown argument '--'; --help lists what there is"},
  };
  for (const auto& c : cases) EXPECT_EQ(c.fault, Fault(c.arguments));
}

TEST(OptionsTest, AConfigurationIsNeeded) {
  const auto parsed = Parse({"--mode", "validate"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ("a configuration is needed: -c FILE or --config-yaml YAML", ToStd(parsed.status().message()));
  EXPECT_TRUE(Parse({"--config-yaml", "{}"}).ok());
}

TEST(OptionsTest, SomeFlagsOnlyPrint) {
  EXPECT_EQ(VersionText() + "\n", Parse({"--version"})->print);
  EXPECT_EQ("disabled\n", Parse({"--hot-restart-version"})->print);
  for (const char* flag : {"-h", "--help"}) {
    const std::string help = Parse({flag})->print.value();
    for (const char* name :
         {"-c, --config-path FILE", "-l, --log-level LEVEL", "--state-dir DIR", "--disable-hot-restart", "--version"}) {
      EXPECT_NE(std::string::npos, help.find(name)) << name;
    }
    // No line of the list of flags runs away.
    for (size_t at = 0; at < help.find("Taken without effect");) {
      const size_t end = help.find('\n', at);
      EXPECT_LE(end - at, 130u) << help.substr(at, end - at);
      // What a flag does stands in a column of its own.
      if (help[at] == ' ' && end - at > 40) {
        EXPECT_EQ(help[at + 39], ' ') << help.substr(at, end - at);
      }
      at = end + 1;
    }
  }
}

}  // namespace
}  // namespace nuncio::bootstrap
