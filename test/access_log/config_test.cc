#include "source/access_log/config.h"

#include <cstdlib>
#include <string>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "gtest/gtest.h"
#include "source/access_log/value_templates.h"
#include "source/config/rule_checker.h"
#include "source/config/yaml_loader.h"
#include "test/access_log/sample_stream.h"

namespace nuncio::access_log {
namespace {

using envoy::config::accesslog::v3::AccessLog;
using envoy::extensions::access_loggers::file::v3::FileAccessLog;
using envoy::extensions::access_loggers::stream::v3::StderrAccessLog;
using envoy::extensions::access_loggers::stream::v3::StdoutAccessLog;

constexpr std::string_view kFile =
    "\"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
constexpr std::string_view kStdout =
    "\"@type\": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog";

struct Compiled {
  std::vector<std::shared_ptr<const AccessLogConfig>> logs;
  config::Faults faults;
};

Compiled Compile(std::string_view yaml) {
  // The types that an Any may hold must be linked in.
  FileAccessLog::default_instance();
  StdoutAccessLog::default_instance();
  StderrAccessLog::default_instance();
  google::protobuf::RepeatedPtrField<AccessLog> messages;
  Compiled out;
  EXPECT_TRUE(config::LoadText(yaml, config::TextFormat::kYaml, *messages.Add(), out.faults)) << out.faults.ToString();
  out.logs = CompileAccessLogs(messages, "access_log", config::DataSourceAccess::kRead, out.faults);
  EXPECT_EQ(out.logs.empty(), !out.faults.empty());
  return out;
}

std::string Entry(const Compiled& compiled, const StreamInfo& info) {
  EXPECT_TRUE(compiled.faults.empty()) << compiled.faults.ToString();
  if (compiled.logs.empty()) return "";
  std::string scratch, out;
  compiled.logs[0]->AppendEntry(info, scratch, out);
  return out;
}

// The typed_config of a file with `rest` below it.
std::string File(std::string_view rest) { return StrCat("typed_config: { ", kFile, ", path: /tmp/x", rest, " }"); }

TEST(AccessLogConfigTest, DefaultFormatIsEnvoys) {
  SampleStream stream;
  const Compiled compiled = Compile(File(""));
  EXPECT_EQ(Entry(compiled, stream.info),
            "[2026-01-02T03:04:05.678Z] \"GET /old?x=1 HTTP/1.1\" 200 - 12 3456 20 7 \"192.0.2.7\" "
            "\"curl/8.0 \"quoted\"\" \"abc-123\" \"example.com\" \"10.0.0.2:80\"\n");
  EXPECT_EQ(compiled.logs[0]->path(), "/tmp/x");
  EXPECT_EQ(Entry(compiled, StreamInfo()),
            "[1970-01-01T00:00:00.000Z] \"- - -\" 0 - 0 0 - - \"-\" \"-\" \"-\" \"-\" \"-\"\n");
}

TEST(AccessLogConfigTest, StreamsGoToTheProcessesDescriptors) {
  const Compiled out = Compile(StrCat("typed_config: { ", kStdout, " }"));
  ASSERT_EQ(out.logs.size(), 1u);
  EXPECT_EQ(out.logs[0]->path(), kStdoutPath);
}

TEST(AccessLogConfigTest, TextFormats) {
  SampleStream stream;
  EXPECT_EQ(Entry(Compile(File(", log_format: { text_format: \"%RESPONSE_CODE% %REQ(NONE)%\\n\" }")), stream.info),
            "200 -\n");
  EXPECT_EQ(Entry(Compile(File(", log_format: { text_format_source: { inline_string: \"<%REQ(NONE)%>\" }, "
                               "omit_empty_values: true }")),
                  stream.info),
            "<>");
}

TEST(AccessLogConfigTest, JsonKeepsTypesAndNesting) {
  SampleStream stream;
  const Compiled compiled = Compile(
      File(", log_format: { json_format: { status: \"%RESPONSE_CODE%\", none: \"%REQ(NONE)%\", fixed: 1.5, yes: true, "
           "nil: null, text: \"m=%REQ(:METHOD)%\", inner: { a: [\"%PROTOCOL%\", 7] , empty: {} }, list: [] } }"));
  EXPECT_EQ(Entry(compiled, stream.info),
            "{\"fixed\":1.5,\"inner\":{\"a\":[\"HTTP/1.1\",7],\"empty\":{}},\"list\":[],\"nil\":null,\"none\":null,"
            "\"status\":200,\"text\":\"m=GET\",\"yes\":true}\n");
}

TEST(AccessLogConfigTest, JsonOmitsMembersWithoutValue) {
  SampleStream stream;
  const Compiled compiled = Compile(
      File(", log_format: { omit_empty_values: true, json_format: { a: \"%REQ(NONE)%\", b: \"%RESPONSE_CODE%\", "
           "c: { d: \"%REQ(NONE)%\" }, e: \"x%REQ(NONE)%\" } }"));
  EXPECT_EQ(Entry(compiled, stream.info), "{\"b\":200,\"c\":{},\"e\":\"x\"}\n");
}

TEST(AccessLogConfigTest, OldJsonFormatOfFiles) {
  SampleStream stream;
  EXPECT_EQ(Entry(Compile(File(", json_format: { s: \"%RESPONSE_CODE%\" }")), stream.info), "{\"s\":200}\n");
}

TEST(AccessLogConfigTest, FaultsNameTheFieldAndTheOperator) {
  EXPECT_EQ(Compile(File(", log_format: { text_format: \"%NOPE%\" }")).faults.list().at(0).field_path,
            "access_log[0].typed_config.log_format.text_format");
  const Compiled json = Compile(File(", log_format: { json_format: { a: \"%NOPE%\", b: { c: [\"%REQ%\"] } } }"));
  EXPECT_EQ(json.faults.count(), 2u);
  EXPECT_NE(json.faults.ToString().find("json_format.fields[\"b\"].fields[\"c\"].values[0]: %REQ% needs"),
            std::string::npos)
      << json.faults.ToString();
  EXPECT_EQ(Compile("name: x").faults.list().at(0).field_path, "access_log[0].typed_config");
  EXPECT_NE(Compile(File("").replace(File("").find("path: /tmp/x"), 12, "path: \"\""))
                .faults.ToString()
                .find("typed_config.path"),
            std::string::npos);
  const Compiled missing = Compile(File(", log_format: { text_format_source: { filename: /nonexistent/format } }"));
  EXPECT_NE(missing.faults.ToString().find("text_format_source"), std::string::npos);
}

class AccessLogFilterTest : public testing::Test {
 protected:
  bool Wants(std::string_view filter) {
    const Compiled compiled = Compile(StrCat("filter: { ", filter, " }\n", File("")));
    EXPECT_TRUE(compiled.faults.empty()) << compiled.faults.ToString();
    return !compiled.logs.empty() && compiled.logs[0]->Wants(stream_.info);
  }
  SampleStream stream_;
};

TEST_F(AccessLogFilterTest, StatusCode) {
  stream_.info.response_code = 503;
  EXPECT_TRUE(Wants("status_code_filter: { comparison: { op: GE, value: { default_value: 500, runtime_key: a } } }"));
  EXPECT_FALSE(Wants("status_code_filter: { comparison: { op: GE, value: { default_value: 504 } } }"));
  EXPECT_TRUE(Wants("status_code_filter: { comparison: { op: EQ, value: { default_value: 503 } } }"));
  EXPECT_TRUE(Wants("status_code_filter: { comparison: { op: LE, value: { default_value: 503 } } }"));
  EXPECT_FALSE(Wants("status_code_filter: { comparison: { op: NE, value: { default_value: 503 } } }"));
}

TEST_F(AccessLogFilterTest, Duration) {
  EXPECT_TRUE(Wants("duration_filter: { comparison: { op: GE, value: { default_value: 20 } } }"));
  EXPECT_FALSE(Wants("duration_filter: { comparison: { op: GE, value: { default_value: 21 } } }"));
  stream_.info.end = StreamInfo::kNever;
  EXPECT_FALSE(Wants("duration_filter: { comparison: { op: GE, value: { default_value: 0 } } }"));
}

TEST_F(AccessLogFilterTest, Flags) {
  EXPECT_FALSE(Wants("response_flag_filter: {}"));
  stream_.info.flags.Set(ResponseFlag::kNoRouteFound);
  EXPECT_TRUE(Wants("response_flag_filter: {}"));
  EXPECT_TRUE(Wants("response_flag_filter: { flags: [UF, NR] }"));
  EXPECT_FALSE(Wants("response_flag_filter: { flags: [UF, DF] }"));
}

TEST_F(AccessLogFilterTest, GrpcStatus) {
  EXPECT_TRUE(Wants("grpc_status_filter: { statuses: [OK, NOT_FOUND] }"));
  EXPECT_FALSE(Wants("grpc_status_filter: { statuses: [OK, NOT_FOUND], exclude: true }"));
  EXPECT_FALSE(Wants("grpc_status_filter: { statuses: [OK] }"));
  EXPECT_TRUE(Wants("grpc_status_filter: { statuses: [OK], exclude: true }"));
  EXPECT_FALSE(Wants("grpc_status_filter: {}"));
  stream_.trailers.SetReference(http::HeaderId::kGrpcStatus, "32");
  EXPECT_FALSE(Wants("grpc_status_filter: { statuses: [OK] }"));
  stream_.info.response_trailers = nullptr;
  stream_.info.response = nullptr;
  stream_.info.response_code = 0;
  EXPECT_TRUE(Wants("grpc_status_filter: { statuses: [UNKNOWN] }"));
}

TEST_F(AccessLogFilterTest, HeadersAndCombinations) {
  constexpr std::string_view kCurl = "header_filter: { header: { name: user-agent, string_match: { prefix: curl } } }";
  constexpr std::string_view kFirefox =
      "header_filter: { header: { name: user-agent, string_match: { prefix: Moz } } }";
  EXPECT_TRUE(Wants(kCurl));
  EXPECT_FALSE(Wants(kFirefox));
  EXPECT_TRUE(Wants(StrCat("or_filter: { filters: [ { ", kFirefox, " }, { ", kCurl, " } ] }")));
  EXPECT_FALSE(Wants(StrCat("and_filter: { filters: [ { ", kFirefox, " }, { ", kCurl, " } ] }")));
  stream_.info.request = nullptr;
  EXPECT_FALSE(Wants(kCurl));
}

TEST_F(AccessLogFilterTest, FaultsHavePaths) {
  const Compiled compiled = Compile(
      StrCat("filter: { or_filter: { filters: [ { response_flag_filter: {} }, { header_filter: { header: { name: a, "
             "string_match: { safe_regex: { regex: \"(\" } } } } } ] } }\n", File("")));
  ASSERT_EQ(compiled.faults.count(), 1u) << compiled.faults.ToString();
  EXPECT_EQ(
      compiled.faults.list()[0].field_path.rfind("access_log[0].filter.or_filter.filters[1].header_filter.header", 0),
      0u)
      << compiled.faults.ToString();
}

TEST(ValueTemplatesTest, FormatsHeaderValuesInTheArena) {
  SampleStream stream;
  config::Faults faults;
  const auto formatter = ValueTemplates().Parse("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%/%REQ(NONE)%%%", faults);
  ASSERT_NE(formatter, nullptr) << faults.ToString();
  ArenaBlockPool pool;
  Arena arena(pool);
  const std::string_view value = formatter->Format(StreamFormatInput(stream.info), arena);
  EXPECT_EQ(value, "10.0.0.1/%");
  EXPECT_EQ(formatter->Format(StreamFormatInput(stream.info), arena), value);
  EXPECT_EQ(ValueTemplates().Parse("%NOPE%", faults), nullptr);
  EXPECT_FALSE(faults.empty());
}

}  // namespace
}  // namespace nuncio::access_log
