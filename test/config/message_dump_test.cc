#include "source/config/message_dump.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "source/config/yaml_loader.h"
#include "test/config/everything.pb.h"

namespace nuncio::config {
namespace {

using nuncio::test::config::Everything;

Everything Load(std::string_view text) {
  Everything message;
  Faults faults({UnknownFieldsPolicy::Action::kReject, true});
  EXPECT_TRUE(LoadText(text, TextFormat::kAuto, message, faults)) << faults.ToString() << "\n" << text;
  return message;
}

// A message with something in every kind of field.
Everything Full() {
  Everything m = Load(R"(
an_int32: -5
an_int64: -9223372036854775808
a_uint32: 7
a_uint64: 18446744073709551615
a_float: 0.1
a_double: 1e100
a_bool: true
a_string: "quotes \" and \\ and \t and caf\u00e9"
some_bytes: /+8=
colour: RED
child: {an_int32: 1, children: [{}, {names: [a, b]}], child: {}}
numbers: [1, 2]
names: ["", "true", "1.5", "null", "a: b", "- x", "#c", "x #c", "trailing ", "x:", "*a", "&a", "plain text", "yes",
  "~", "@x", "1.2.3"]
colours: [RED, NONE]
labels: {z: last, a: first, "with space": x, "": empty}
by_name: {k: {an_int32: 3}}
by_number: {7: seven}
by_truth: {true: "yes"}
duration: 1.5s
time: "2024-05-01T12:00:00Z"
structure: {n: 1.5, s: "1.5", t: true, nothing: null, list: [1, a, {b: c}, []], empty: {}}
value: [1, [2, [3]], {x: {w: z}}]
list: [a, 5]
mask: "anInt32,child.aString"
any: {"@type": type.googleapis.com/nuncio.test.config.Everything, a_string: in any, labels: {b: c}}
anys:
- {"@type": type.googleapis.com/google.protobuf.Duration, value: 2s}
- {"@type": type.googleapis.com/google.protobuf.StringValue, value: x}
- {}
wrapped_uint32: 0
wrapped_bool: false
wrapped_string: ""
wrapped_double: .inf
wrapped_bytes: aGk=
wrapped_int64: 5
message_choice: {}
maybe: 0
)");
  m.mutable_child()->set_a_string("-----BEGIN-----\nline two\n\n  indented\n-----END-----\n");
  m.add_names("two\nlines");
  m.add_names("\nleading newline");
  m.add_names("blank at end \nof line");
  m.add_names("ends with two\n\n");
  m.add_names("\n");
  m.add_names(std::string("nul\0byte", 8));
  return m;
}

TEST(MessageDumpTest, BothFormsReadBackToTheSameMessage) {
  const Everything full = Full();
  const std::string bytes = full.SerializeAsString();
  for (const std::string& text :
       {MessageToYaml(full), MessageToJson(full), MessageToJson(full, {.pretty = false}),
        MessageToYaml(full, {.print_defaults = true}), MessageToJson(full, {.print_defaults = true})}) {
    Everything again = Load(text);
    EXPECT_EQ(MessageToJson(again), MessageToJson(full)) << text;
    EXPECT_EQ(again.ByteSizeLong(), bytes.size()) << text;
  }
}

TEST(MessageDumpTest, YamlLooksAsPeopleWriteIt) {
  EXPECT_EQ(MessageToYaml(Load(R"(
a_string: some text
a_uint64: 5
names: [a, "true"]
children: [{a_bool: true, numbers: [1]}, {}]
duration: 1.5s
labels: {k: v}
child: {}
any: {"@type": type.googleapis.com/nuncio.test.config.Everything, text_choice: "x\ny\n"}
list: [[1, 2], []]
)")),
            R"(a_uint64: 5
a_string: some text
child: {}
names:
- a
- "true"
children:
- a_bool: true
  numbers:
  - 1
- {}
labels:
  k: v
duration: "1.500s"
list:
- - 1
  - 2
- []
any:
  "@type": type.googleapis.com/nuncio.test.config.Everything
  text_choice: |
    x
    y
)");
}

TEST(MessageDumpTest, JsonAsProtobufMapsIt) {
  const Everything m =
      Load("{a_uint64: 5, an_int32: 5, a_bool: true, duration: 1.5s, labels: {b: c, a: d}, colour: red}");
  EXPECT_EQ(
      MessageToJson(m, {.pretty = false}),
      R"({"an_int32":5,"a_uint64":"5","a_bool":true,"colour":"RED","labels":{"a":"d","b":"c"},"duration":"1.500s"})");
  EXPECT_EQ(MessageToJson(Load("{child: {numbers: [1, 2]}, names: []}")),
            "{\n \"child\": {\n  \"numbers\": [\n   1,\n   2\n  ]\n }\n}");
}

TEST(MessageDumpTest, EmptyMessages) {
  EXPECT_EQ(MessageToJson(Everything()), "{}");
  EXPECT_EQ(MessageToYaml(Everything()), "{}\n");
}

TEST(MessageDumpTest, DefaultsOnDemand) {
  const std::string json = MessageToJson(Everything(), {.pretty = false, .print_defaults = true});
  EXPECT_NE(json.find("\"an_int32\":0"), std::string::npos);
  EXPECT_NE(json.find("\"names\":[]"), std::string::npos);
  EXPECT_NE(json.find("\"labels\":{}"), std::string::npos);
  EXPECT_NE(json.find("\"colour\":\"NONE\""), std::string::npos);
  EXPECT_EQ(json.find("\"maybe\""), std::string::npos) << "unset with presence";
  EXPECT_EQ(json.find("\"child\""), std::string::npos);
}

TEST(MessageDumpTest, UnknownAnyIsShownAsBytes) {
  Everything m;
  m.mutable_any()->set_type_url("type.googleapis.com/no.such.Type");
  m.mutable_any()->set_value("\x01\x02");
  EXPECT_EQ(MessageToJson(m, {.pretty = false}),
            R"({"any":{"@type":"type.googleapis.com/no.such.Type","value":"AQI="}})");
}

TEST(MessageDumpTest, BrokenAnyIsShownAsBytes) {
  Everything m;
  m.mutable_any()->set_type_url("type.googleapis.com/nuncio.test.config.Everything");
  m.mutable_any()->set_value("\xff");
  EXPECT_EQ(MessageToJson(m, {.pretty = false}),
            R"({"any":{"@type":"type.googleapis.com/nuncio.test.config.Everything","value":"/w=="}})");
}

TEST(MessageDumpTest, DeepAnysStayBytes) {
  Everything m;
  for (int i = 0; i < 1000; ++i) {
    Everything outer;
    outer.mutable_any()->PackFrom(m);
    m = outer;
  }
  EXPECT_NE(MessageToJson(m).find("\"value\": \""), std::string::npos);
}

TEST(MessageDumpTest, UndeclaredEnumValuesAreNumbers) {
  Everything m;
  m.set_colour(static_cast<test::config::Colour>(42));
  EXPECT_EQ(MessageToJson(m, {.pretty = false}), R"({"colour":42})");
}

TEST(JsonStringTest, EscapesAndRepairs) {
  EXPECT_EQ(JsonString("a\"b\\c\n\x01\x7f"), R"("a\"b\\c\n\u0001\u007f")");
  EXPECT_EQ(JsonString("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(JsonString("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace nuncio::config
