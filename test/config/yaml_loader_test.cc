#include "source/config/yaml_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "gtest/gtest.h"
#include "test/config/everything.pb.h"

namespace nuncio::config {
namespace {

using nuncio::test::config::Everything;

Everything Load(std::string_view text, Faults& faults) {
  Everything message;
  LoadText(text, TextFormat::kAuto, message, faults);
  return message;
}

Everything MustLoad(std::string_view text) {
  Faults faults;
  Everything message = Load(text, faults);
  EXPECT_TRUE(faults.empty()) << text << "\n" << faults.ToString();
  return message;
}

// All faults, a line each.
std::string FaultsOf(std::string_view text) {
  Faults faults;
  Load(text, faults);
  return faults.ToString();
}

TEST(YamlLoaderTest, ValuesOfSensitiveFieldsAreNotTold) {
  for (const char* text : {"{private_key: SECRET}", "{password: {inline_string: [SECRET, SECRET]}}",
                           "{password: {inline_string: {SECRET: 1}}}", "{pkcs12: [SECRET]}",
                           "{private_key: {inline_bytes: 'SECRET!'}}"}) {
    envoy::extensions::transport_sockets::tls::v3::TlsCertificate message;
    Faults faults;
    EXPECT_FALSE(LoadText(text, TextFormat::kYaml, message, faults)) << text;
    EXPECT_EQ(std::string::npos, faults.ToString().find("SECRET")) << faults.ToString();
  }
  // Of others they are.
  envoy::extensions::transport_sockets::tls::v3::TlsCertificate message;
  Faults faults;
  LoadText("{private_key: {}, certificate_chain: shown}", TextFormat::kYaml, message, faults);
  EXPECT_NE(std::string::npos, faults.ToString().find("shown")) << faults.ToString();
}

TEST(YamlLoaderTest, ScalarsOfEveryKind) {
  const Everything m = MustLoad(R"(
an_int32: -5
an_int64: 9223372036854775807
a_uint32: 4294967295
a_uint64: 18446744073709551615
a_float: 1.5
a_double: -2e10
a_bool: true
a_string: some text
some_bytes: aGVsbG8=
colour: DARK_BLUE
)");
  EXPECT_EQ(m.an_int32(), -5);
  EXPECT_EQ(m.an_int64(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(m.a_uint32(), 4294967295u);
  EXPECT_EQ(m.a_uint64(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(m.a_float(), 1.5f);
  EXPECT_EQ(m.a_double(), -2e10);
  EXPECT_TRUE(m.a_bool());
  EXPECT_EQ(m.a_string(), "some text");
  EXPECT_EQ(m.some_bytes(), "hello");
  EXPECT_EQ(m.colour(), test::config::DARK_BLUE);
}

TEST(YamlLoaderTest, LeniencesThatGiveTheSameMessage) {
  // Each pair must load to equal messages.
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"an_int32: 5", "anInt32: 5"},
      {"http2_protocol_name: x", "http2ProtocolName: x"},
      {"colour: DARK_BLUE", "colour: dark_blue"},
      {"colour: DARK_BLUE", "colour: Dark_Blue"},
      {"colour: DARK_BLUE", "colour: 2"},
      {"colour: DARK_BLUE", "colour: '2'"},
      {"names: [a]", "names: a"},
      {"numbers: [7]", "numbers: 7"},
      {"children: [{an_int32: 1}]", "children: {an_int32: 1}"},
      {"duration: 60s", "duration: {seconds: 60}"},
      {"duration: 60s", "duration: 1m"},
      {"duration: 1.5s", "duration: {seconds: 1, nanos: 500000000}"},
      {"duration: 1.5s", "duration: 1500ms"},
      {"a_uint32: 5", "a_uint32: '5'"},
      {"a_uint32: 5", "a_uint32: 5.0"},
      {"a_uint32: 420", "a_uint32: 0644"},
      {"a_bool: true", "a_bool: 'true'"},
      {"a_bool: true", "a_bool: yes"},
      {"wrapped_uint32: 5", "wrapped_uint32: {value: 5}"},
      {"wrapped_bool: false", "wrapped_bool: 'False'"},
      {"a_string: '5'", "a_string: 5"},
      {"a_string: 'true'", "a_string: true"},
      {"{}", "child: null"},
      {"{}", "children: null"},
      {"{}", "an_int32: ~"},
      {"{}", "duration:"},
      {"a_string: x", "{\"a_string\": \"x\"}"},
      {"a_string: x", "# comment\n---\na_string: x\n...\n"},
      {"a_string: x", "a_string: x\n---\n"},
      {"a_string: x",
       "\xef\xbb\xbf"
       "a_string: x"},
      {"a_string: x", "{a_string: x, }"},
      {"a_string: x", "a_string: x\r\n"},
  };
  for (const auto& [plain, lenient] : pairs) {
    EXPECT_EQ(MustLoad(plain).SerializeAsString(), MustLoad(lenient).SerializeAsString()) << plain << " vs " << lenient;
  }
}

TEST(YamlLoaderTest, FloatingPointNames) {
  EXPECT_TRUE(std::isinf(MustLoad("a_double: .inf").a_double()));
  EXPECT_TRUE(std::isnan(MustLoad("a_float: NaN").a_float()));
  EXPECT_EQ(MustLoad("a_double: '-Infinity'").a_double(), -std::numeric_limits<double>::infinity());
}

TEST(YamlLoaderTest, ListsAndMaps) {
  const Everything m = MustLoad(R"(
numbers: [1, 2, 3]
colours: [red, NONE]
children:
- an_int32: 1
- child: {an_int32: 2}
labels: {a: b, c: "5", d: 6}
by_name:
  first: {an_int32: 1}
  second: {}
by_number: {7: seven}
by_truth: {true: "yes"}
)");
  EXPECT_EQ(m.numbers_size(), 3);
  EXPECT_EQ(m.colours(0), test::config::RED);
  EXPECT_EQ(m.children(1).child().an_int32(), 2);
  EXPECT_EQ(m.labels().at("d"), "6");
  EXPECT_EQ(m.by_name().at("first").an_int32(), 1);
  EXPECT_TRUE(m.by_name().contains("second"));
  EXPECT_EQ(m.by_number().at(7), "seven");
  EXPECT_EQ(m.by_truth().at(true), "yes");
}

TEST(YamlLoaderTest, StructsKeepTheirTypes) {
  const Everything m = MustLoad(R"(
structure:
  number: 1.5
  big: 123456789012345678
  text: "1.5"
  truth: true
  word: on
  nothing: null
  list: [1, a, {b: c}]
  version: 1.2.3
value: [a, 2]
list: [x, [z]]
)");
  const auto& fields = m.structure().fields();
  EXPECT_EQ(fields.at("number").number_value(), 1.5);
  EXPECT_EQ(fields.at("big").number_value(), 123456789012345678.0);
  EXPECT_EQ(fields.at("text").string_value(), "1.5");
  EXPECT_TRUE(fields.at("truth").bool_value());
  EXPECT_TRUE(fields.at("word").bool_value());
  EXPECT_EQ(fields.at("nothing").kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_EQ(fields.at("list").list_value().values(2).struct_value().fields().at("b").string_value(), "c");
  EXPECT_EQ(fields.at("version").string_value(), "1.2.3");
  EXPECT_EQ(m.value().list_value().values(1).number_value(), 2);
  EXPECT_EQ(m.list().values(1).list_value().values(0).string_value(), "z");
}

TEST(YamlLoaderTest, NullIsAValueOfItsOwnInValue) {
  EXPECT_EQ(MustLoad("value: null").value().kind_case(), google::protobuf::Value::kNullValue);
}

TEST(YamlLoaderTest, TimesAndMasks) {
  const Everything m = MustLoad("time: '1970-01-01T00:01:00Z'\nmask: 'anInt32,child.aString'");
  EXPECT_EQ(m.time().seconds(), 60);
  EXPECT_EQ(m.mask().paths(1), "child.a_string");
  EXPECT_EQ(FaultsOf("time: noon"), "1:7: time: must be a time such as \"2024-05-01T12:00:00Z\" (is \"noon\")");
}

TEST(YamlLoaderTest, AnyByType) {
  const Everything m = MustLoad(R"(
any:
  "@type": type.googleapis.com/nuncio.test.config.Everything
  an_int32: 5
anys:
- {"@type": type.googleapis.com/google.protobuf.Duration, value: 1.5s}
- {"@type": type.googleapis.com/google.protobuf.StringValue, value: x}
- {"@type": type.googleapis.com/google.protobuf.Struct, value: {a: b}}
- "@type": type.googleapis.com/google.protobuf.Any
  value: {"@type": type.googleapis.com/nuncio.test.config.Everything, a_string: deep}
- {}
)");
  Everything inner;
  ASSERT_TRUE(m.any().UnpackTo(&inner));
  EXPECT_EQ(inner.an_int32(), 5);
  google::protobuf::Duration duration;
  ASSERT_TRUE(m.anys(0).UnpackTo(&duration));
  EXPECT_EQ(duration.nanos(), 500'000'000);
  google::protobuf::Struct structure;
  ASSERT_TRUE(m.anys(2).UnpackTo(&structure));
  EXPECT_EQ(structure.fields().at("a").string_value(), "b");
  google::protobuf::Any any;
  ASSERT_TRUE(m.anys(3).UnpackTo(&any));
  ASSERT_TRUE(any.UnpackTo(&inner));
  EXPECT_EQ(inner.a_string(), "deep");
  EXPECT_EQ(m.anys(4).type_url(), "");
}

TEST(YamlLoaderTest, BareTypeNameGetsThePrefix) {
  EXPECT_EQ(MustLoad("any: {'@type': nuncio.test.config.Everything}").any().type_url(),
            "type.googleapis.com/nuncio.test.config.Everything");
}

TEST(YamlLoaderTest, EqualMapsInAnyGiveEqualBytes) {
  const Everything a = MustLoad("any: {'@type': nuncio.test.config.Everything, labels: {a: 1, b: 2, c: 3, d: 4}}");
  const Everything b = MustLoad("any: {'@type': nuncio.test.config.Everything, labels: {d: 4, c: 3, b: 2, a: 1}}");
  EXPECT_EQ(a.any().value(), b.any().value());
}

TEST(YamlLoaderTest, IgnoredKeysAndValuesAreSkipped) {
  const Everything m = MustLoad(R"(
!ignore templates:
- &shared {an_int32: 5}
more: !ignore &named {a_string: x}
child: *shared
by_name: {a: *named, b: !ignore {what: ever}}
children: [!ignore {no: such}, {an_int32: 2}]
)");
  EXPECT_EQ(m.child().an_int32(), 5);
  EXPECT_EQ(m.by_name().at("a").a_string(), "x");
  EXPECT_EQ(m.by_name().size(), 1u);
  ASSERT_EQ(m.children_size(), 1);
  EXPECT_EQ(m.children(0).an_int32(), 2);
}

TEST(YamlLoaderTest, MergeKeys) {
  const Everything m = MustLoad(R"(
!ignore base: &base {an_int32: 1, a_string: base, a_bool: true}
!ignore more: &more {<<: *base, a_string: more}
child:
  <<: *base
  a_string: own
children:
- <<: [*more, {a_uint32: 7, a_string: late}]
labels: {<<: {x: y}, z: w}
structure: {<<: {x: w}}
)");
  EXPECT_EQ(m.child().an_int32(), 1);
  EXPECT_EQ(m.child().a_string(), "own");
  EXPECT_EQ(m.children(0).a_string(), "more");
  EXPECT_TRUE(m.children(0).a_bool());
  EXPECT_EQ(m.children(0).a_uint32(), 7u);
  EXPECT_EQ(m.labels().size(), 2u);
  EXPECT_EQ(m.structure().fields().at("x").string_value(), "w");
  EXPECT_EQ(FaultsOf("child: {<<: 5}"), "1:13: child: must be an object, or a list of objects, to merge (is \"5\")");
  EXPECT_EQ(MustLoad("labels: {'<<': x}").labels().at("<<"), "x") << "a quoted key is an ordinary one";
}

TEST(YamlLoaderTest, FaultsSayPlacePathAndRemedy) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"an_int32: x", "1:11: an_int32: must be a whole number from -2147483648 to 2147483647 (is \"x\")"},
      {"a_uint32: -1", "1:11: a_uint32: must be a whole number from 0 to 4294967295 (is \"-1\")"},
      {"a_uint32: 1.5", "1:11: a_uint32: must be a whole number from 0 to 4294967295 (is \"1.5\")"},
      {"a_uint32: '010'", "1:11: a_uint32: must be a whole number from 0 to 4294967295 (is \"010\")"},
      {"a_uint32: [1]", "1:11: a_uint32: must be a single value (is a list)"},
      {"a_float: 1e300", "1:10: a_float: must be a number of single precision (is \"1e300\")"},
      {"a_bool: 1", "1:9: a_bool: must be true or false (is \"1\")"},
      {"a_string: {a: b}", "1:11: a_string: must be text (is an object)"},
      {"some_bytes: '*'", "1:13: some_bytes: must be bytes in base64 (is \"*\")"},
      {"colour: BLUE", "1:9: colour: must be one of NONE, RED, DARK_BLUE (is \"BLUE\")"},
      {"colour: 17", "1:9: colour: must be one of NONE, RED, DARK_BLUE (is \"17\")"},
      {"child: 5", "1:8: child: must be an object, nuncio.test.config.Everything (is \"5\")"},
      {"child: [{}]", "1:8: child: must be an object, nuncio.test.config.Everything (is a list)"},
      {"- a", "1:1: must be an object, nuncio.test.config.Everything (is a list)"},
      {"numbers: [1, null]", "1:14: numbers[1]: must not be null"},
      {"children: [{}, {an_int32: x}]",
       "1:27: children[1].an_int32: must be a whole number from -2147483648 to 2147483647 (is \"x\")"},
      {"labels: [a]", "1:9: labels: must be an object of names and values (is a list)"},
      {"labels: {a: null}", "1:13: labels[\"a\"]: must not be null"},
      {"by_name: {x: {child: {a_bool: 2}}}", "1:31: by_name[\"x\"].child.a_bool: must be true or false (is \"2\")"},
      {"by_number: {x: y}", "1:13: by_number[\"x\"]: must be a whole number from 0 to 4294967295 (is \"x\")"},
      {"duration: 5", "1:11: duration: is a duration without a unit; write \"5s\" for five seconds (\"5\")"},
      {"duration: [5s]", "1:11: duration: must be a duration such as \"1.5s\" (is a list)"},
      {"wrapped_uint32: -1", "1:17: wrapped_uint32: must be a whole number from 0 to 4294967295 (is \"-1\")"},
      {"structure: 5", "1:12: structure: must be an object (is \"5\")"},
      {"any: 5", "1:6: any: must be an object with \"@type\" (is \"5\")"},
      {"any: {name: x}", "1:6: any: \"@type\" is missing: it names the type of what follows"},
      {"any: {'@type': type.googleapis.com/no.such.Type}",
       "1:16: any: this build does not have the type \"no.such.Type\""},
      {"any: {'@type': type.googleapis.com/envoy.api.v2.Cluster}",
       "1:16: any: the type \"envoy.api.v2.Cluster\" is of the v2 API, which is gone; use its v3 successor"},
      {"any: {'@type': google.protobuf.Duration, seconds: 5}",
       "1:42: any.seconds: unknown field: what a google.protobuf.Duration holds stands under \"value\""},
      {"any: {'@type': nuncio.test.config.Everything, a_bool: 5}",
       "1:55: any.a_bool: must be true or false (is \"5\")"},
      {"any: {'@type': nuncio.test.config.Everything, name: 5}",
       "1:47: any.name: unknown field in nuncio.test.config.Everything; did you mean \"names\"?"},
      {"a_strnig: x", "1:1: a_strnig: unknown field in nuncio.test.config.Everything; did you mean \"a_string\"?"},
      {"wrapedUint32: 1",
       "1:1: wrapedUint32: unknown field in nuncio.test.config.Everything; did you mean \"wrapped_uint32\"?"},
      {"http3_protocol_name: x", "1:1: http3_protocol_name: unknown field in nuncio.test.config.Everything"},
      {"http_protocol_name: x", "1:1: http_protocol_name: unknown field in nuncio.test.config.Everything"},
      {"child:\n  zzzzzz: x", "2:3: child.zzzzzz: unknown field in nuncio.test.config.Everything"},
      {"a_bool: true\na_bool: false", "2:1: a_bool: is given twice"},
      {"an_int32: 1\nanInt32: 2", "2:1: an_int32: is given twice"},
      {"labels: {a: b, a: c}", "1:16: labels[\"a\"]: is given twice"},
      {"structure: {a: b, a: c}", "1:19: structure[\"a\"]: is given twice"},
      {"text_choice: x\nbool_choice: true",
       "2:1: bool_choice: cannot be set beside \"text_choice\": one of the two only"},
      {"message_choice: {}\ntext_choice: ''",
       "2:1: text_choice: cannot be set beside \"message_choice\": one of the two only"},
      {"[a]: b", "1:1: must be a name (is a list)"},
      {"for_control_plane: x",
       "1:1: for_control_plane: unknown field in nuncio.test.config.Everything, served by the control plane only"},
      {"", "is empty"},
      {"# nothing\n", "is empty"},
      {"a_bool: true\n---\na_bool: false", "2:1: a second document begins here; one file holds one document"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(FaultsOf(text), expected) << text;
}

TEST(YamlLoaderTest, NullMembersOfAOneofDoNotCount) {
  EXPECT_EQ(MustLoad("text_choice: null\nbool_choice: true").choice_case(), Everything::kBoolChoice);
}

TEST(YamlLoaderTest, AllFaultsAreTold) {
  EXPECT_EQ(FaultsOf("a_bool: 7\nchild: {a_bool: 8}\nnope: 1\n"),
            "1:9: a_bool: must be true or false (is \"7\")\n"
            "2:17: child.a_bool: must be true or false (is \"8\")\n"
            "3:1: nope: unknown field in nuncio.test.config.Everything");
}

TEST(YamlLoaderTest, SyntaxFaultsHaveTheirPlace) {
  EXPECT_TRUE(FaultsOf("a:\n  - b\n c: d").starts_with("3:2: not YAML: ")) << FaultsOf("a:\n  - b\n c: d");
  EXPECT_TRUE(FaultsOf("a: [1, 2").find("not YAML: ") != std::string::npos);
  EXPECT_EQ(FaultsOf("child:\n\ta_bool: true"),
            "2:8: not YAML: illegal map value (the line is indented with a tab; YAML wants spaces)");
  EXPECT_TRUE(FaultsOf("child: *nowhere").starts_with("1:8: not YAML: ")) << FaultsOf("child: *nowhere");
}

TEST(YamlLoaderTest, OnlyUtf8IsText) {
  EXPECT_EQ(FaultsOf("a_bool: true\na_string: a\xff"), "2:12: not UTF-8 text");
  EXPECT_EQ(FaultsOf("\xff\xfe"
                     "a"),
            "1:1: not UTF-8 text")
      << "UTF-16";
}

TEST(YamlLoaderTest, AStrayTokenEndsTheReading) {
  for (const char* text : {",a: b", "]", "}", "a: b\n---\n,", ": \n, x"}) {
    EXPECT_NE(FaultsOf(text), "") << text;
  }
  EXPECT_EQ(FaultsOf(",a: b"), "1:1: not YAML: no value can begin here");
}

TEST(YamlLoaderTest, UnknownFieldsBecomeWarningsIfThePolicySaysSo) {
  Faults faults({UnknownFieldsPolicy::Action::kWarn});
  const Everything m = Load("a_bool: true\nnew_field: {a: b}\nchild:\n  newer: 5\n", faults);
  EXPECT_TRUE(faults.empty());
  EXPECT_TRUE(m.a_bool());
  ASSERT_EQ(faults.warnings().size(), 2u);
  EXPECT_EQ(faults.warnings()[0].field_path, "new_field");
  EXPECT_EQ(faults.warnings()[1].ToString(), "4:3: child.newer: unknown field in nuncio.test.config.Everything");
}

TEST(YamlLoaderTest, TheControlPlaneKnowsItsOwnFields) {
  Faults faults({UnknownFieldsPolicy::Action::kReject, true});
  EXPECT_EQ(Load("for_control_plane: x", faults).for_control_plane(), "x");
  EXPECT_TRUE(faults.empty());
}

TEST(YamlLoaderTest, NestingIsBounded) {
  std::string deep;
  for (int i = 0; i < 90; ++i) deep += "{child: ";
  deep += "{}" + std::string(90, '}');
  MustLoad(deep);
  std::string deeper;
  for (int i = 0; i < 100'000; ++i) deeper += "{child: ";
  EXPECT_NE(FaultsOf(deeper).find("is nested deeper than 100 levels"), std::string::npos) << FaultsOf(deeper);
  EXPECT_NE(FaultsOf(std::string(100'000, '[')).find("is nested deeper than 100 levels"), std::string::npos);
}

TEST(YamlLoaderTest, AliasesThatContainThemselvesAreRefused) {
  EXPECT_NE(FaultsOf("child: &a {child: *a}").find("is nested deeper than 100 levels"), std::string::npos);
  EXPECT_NE(FaultsOf("child: &a {<<: *a}").find("is nested deeper than 100 levels"), std::string::npos);
}

TEST(YamlLoaderTest, AliasBombsAreRefused) {
  std::string bomb = "!ignore l0: &l0 {an_int32: 1}\n";
  for (int i = 1; i < 10; ++i) {
    const std::string below = "*l" + std::to_string(i - 1);
    bomb += "!ignore l" + std::to_string(i) + ": &l" + std::to_string(i) + " {children: [";
    for (int j = 0; j < 10; ++j) bomb += below + (j < 9 ? ", " : "]}\n");
  }
  EXPECT_NE(FaultsOf(bomb + "child: *l9").find("YAML aliases repeat too much"), std::string::npos);

  std::string merges = "!ignore m0: &m0 {an_int32: 1}\n";
  for (int i = 1; i < 10; ++i) {
    merges += "!ignore m" + std::to_string(i) + ": &m" + std::to_string(i) + " {<<: [";
    for (int j = 0; j < 10; ++j) merges += "*m" + std::to_string(i - 1) + (j < 9 ? ", " : "]}\n");
  }
  EXPECT_NE(FaultsOf(merges + "child: *m9").find("YAML aliases repeat too much"), std::string::npos);

  std::string large = "!ignore text: &text " + std::string(1 << 20, 'x') + "\nnames: [";
  for (int i = 0; i < 10'000; ++i) large += "*text, ";
  EXPECT_NE(FaultsOf(large + "a]").find("YAML aliases repeat too much"), std::string::npos);
}

TEST(YamlLoaderTest, JsonIsReadAsJson) {
  EXPECT_EQ(MustLoad(R"({"a_string": "\ud83d\ude00 \u00e9\n\/", "an_int32": 1e2})").a_string(),
            "\xf0\x9f\x98\x80 \xc3\xa9\n/");
  EXPECT_EQ(MustLoad("\t{\n\t\"child\":\t{\"a_bool\": true}}").child().a_bool(), true);
  Everything m;
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"{\"a\" 1}", "1:6: not JSON: expected ':'"},
      {"{a: 1}", "1:2: not JSON: expected a key in double quotes"},
      {"{\"a\": 1,}", "1:9: not JSON: expected a key in double quotes"},
      {"[1 2]", "1:4: not JSON: expected ',' or ']'"},
      {"{\n \"a\": tru}", "2:7: not JSON: expected a value, not \"tru\""},
      {"{\"a\": 01}", "1:7: not JSON: expected a value, not \"01\""},
      {"{\"a\": \"x}", "1:10: not JSON: a string that does not end"},
      {"{\"a\": \"\\x\"}", "1:9: not JSON: an unknown escape in a string"},
      {"{\"a\": \"\\ud800\"}", "1:14: not JSON: half of a surrogate pair"},
      {"{\"a\": \"\\ud800\\u0041\"}", "1:20: not JSON: half of a surrogate pair"},
      {"{\"a\": \"\\u00g0\"}", "1:12: not JSON: a \\u escape without four hexadecimal digits"},
      {"{\"a\": \"\x01\"}", "1:8: not JSON: a control character in a string; write it as an escape"},
      {"{\"a\": \"\xff\"}", "1:8: not JSON: a string that is not UTF-8"},
      {"{\"a\": \"\xed\xa0\x80\"}", "1:8: not JSON: a string that is not UTF-8"},
      {"{} {}", "1:4: not JSON: expected the end of the text"},
      {"", "is empty"},
      {"{\"a\":", "1:6: not JSON: expected a value"},
  };
  for (const auto& [text, expected] : cases) {
    Faults faults;
    EXPECT_FALSE(LoadText(text, TextFormat::kJson, m, faults));
    EXPECT_EQ(faults.ToString(), expected) << text;
  }
}

TEST(YamlLoaderTest, AFaultInJsonOfUndeclaredFormatIsToldAsJson) {
  EXPECT_EQ(FaultsOf("{\n\"a_bool\": true,\n\"a_string\": \"\\ud800\"\n}"), "3:20: not JSON: half of a surrogate pair");
}

TEST(YamlLoaderTest, MergeTextMergesAsProtobufDoes) {
  Everything m = MustLoad("a_bool: true\nnames: [a]\nchild: {an_int32: 1, a_string: x}\nlabels: {a: b}");
  Faults faults;
  ASSERT_TRUE(MergeText("names: [b]\nchild: {an_int32: 2}\nlabels: {a: c}", TextFormat::kYaml, m, faults));
  EXPECT_TRUE(m.a_bool());
  EXPECT_EQ(m.names_size(), 2);
  EXPECT_EQ(m.child().an_int32(), 2);
  EXPECT_EQ(m.child().a_string(), "x");
  EXPECT_EQ(m.labels().at("a"), "c");
  const std::string before = m.SerializeAsString();
  EXPECT_FALSE(MergeText("names: [c]\nnope: 1", TextFormat::kYaml, m, faults));
  EXPECT_EQ(m.SerializeAsString().size(), before.size()) << "nothing is merged on faults";
}

TEST(YamlLoaderTest, LoadClearsTheMessageFirst) {
  Everything m;
  m.set_a_string("old");
  Faults faults;
  ASSERT_TRUE(LoadText("a_bool: true", TextFormat::kYaml, m, faults));
  EXPECT_EQ(m.a_string(), "");
}

class LoadFileTest : public testing::Test {
 protected:
  LoadFileTest() {
    char folder[] = "/tmp/load_file_test.XXXXXX";
    folder_ = mkdtemp(folder);
  }
  ~LoadFileTest() override {
    for (const std::string& path : paths_) unlink(path.c_str());
    rmdir(folder_.c_str());
  }

  std::string Write(const std::string& name, const std::string& text) {
    paths_.push_back(folder_ + "/" + name);
    std::ofstream(paths_.back()) << text;
    return paths_.back();
  }

  std::string folder_;
  std::vector<std::string> paths_;
};

TEST_F(LoadFileTest, FormatByExtensionOrContent) {
  Everything m;
  Faults faults;
  EXPECT_TRUE(LoadFile(Write("a.yaml", "a_string: yaml"), m, faults));
  EXPECT_TRUE(LoadFile(Write("b.json", "{\"a_string\": \"json\"}"), m, faults));
  EXPECT_EQ(m.a_string(), "json");
  EXPECT_TRUE(LoadFile(Write("c.conf", "{\"a_string\": \"sniffed\"}"), m, faults));
  EXPECT_EQ(m.a_string(), "sniffed");
  EXPECT_FALSE(LoadFile(Write("d.json", "a_string: yaml"), m, faults));
}

TEST_F(LoadFileTest, WireFormByExtension) {
  Everything m;
  m.mutable_child()->set_a_string("x");
  Everything read;
  Faults faults;
  EXPECT_TRUE(LoadFile(Write("a.pb", m.SerializeAsString()), read, faults)) << faults.ToString();
  EXPECT_EQ(read.child().a_string(), "x");
  EXPECT_FALSE(LoadFile(Write("b.pb", "\xff"), read, faults));
  test::config::OlderEverything older;
  EXPECT_FALSE(LoadFile(Write("c.pb", m.SerializeAsString()), older, faults));
  EXPECT_EQ(faults.ToString(),
            "is not a nuncio.test.config.Everything in wire form\n"
            "child: unknown field 8 in nuncio.test.config.OlderEverything");
}

TEST_F(LoadFileTest, WhatIsNoFileIsAFault) {
  Everything m;
  Faults missing;
  EXPECT_FALSE(LoadFile(folder_ + "/none.yaml", m, missing));
  EXPECT_EQ(missing.ToString(), "cannot be opened: No such file or directory");
  Faults folder;
  EXPECT_FALSE(LoadFile(folder_, m, folder));
  EXPECT_EQ(folder.ToString(), "is not a file");
}

}  // namespace
}  // namespace nuncio::config
