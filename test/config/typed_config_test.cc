#include "source/config/typed_config.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/message_types.h"
#include "source/config/unknown_fields.h"
#include "test/config/everything.pb.h"

namespace nuncio::config {
namespace {

using nuncio::test::config::Everything;
using nuncio::test::config::NeedsOneof;
using nuncio::test::config::OlderEverything;

// What an older program reads from the bytes of a newer message.
OlderEverything ReadByOlder(const Everything& message) {
  OlderEverything older;
  EXPECT_TRUE(older.ParseFromString(message.SerializeAsString()));
  return older;
}

TEST(UnknownFieldsTest, ArePointedOutWhereverTheyAre) {
  Everything newer;
  newer.set_an_int64(1);
  newer.mutable_child()->set_a_bool(true);
  newer.add_children();
  newer.add_children()->add_numbers(1);
  newer.mutable_children(1)->add_names("x");
  newer.mutable_children(1)->add_names("y");
  (*newer.mutable_by_name())["k"].set_a_string("x");
  OlderEverything older = ReadByOlder(newer);
  Faults faults;
  CheckUnknownFields(older, faults);
  EXPECT_EQ(faults.ToString(),
            "unknown field 2 in nuncio.test.config.OlderEverything\n"
            "child: unknown field 7 in nuncio.test.config.OlderEverything\n"
            "children[1]: unknown field 12 in nuncio.test.config.OlderEverything\n"
            "children[1]: unknown field 13 in nuncio.test.config.OlderEverything\n"
            "by_name[\"k\"]: unknown field 8 in nuncio.test.config.OlderEverything");
}

TEST(UnknownFieldsTest, GoWhereThePolicySays) {
  Everything newer;
  newer.set_an_int64(1);
  OlderEverything older = ReadByOlder(newer);
  Faults warn({UnknownFieldsPolicy::Action::kWarn});
  CheckUnknownFields(older, warn);
  EXPECT_TRUE(warn.empty());
  EXPECT_EQ(warn.warning_count(), 1u);
}

TEST(UnknownFieldsTest, WithinAnyOnDemand) {
  Everything newer;
  newer.set_an_int64(1);
  OlderEverything older;
  older.mutable_any()->PackFrom(ReadByOlder(newer));
  Faults skip;
  CheckUnknownFields(older, skip);
  EXPECT_TRUE(skip.empty());
  Faults enter;
  CheckUnknownFields(older, enter, AnyHandling::kEnterKnown);
  EXPECT_EQ(enter.ToString(), "any: unknown field 2 in nuncio.test.config.OlderEverything");
}

TEST(UnknownFieldsTest, TheControlPlanesFieldsAreUnknownToAProxy) {
  Everything message;
  message.mutable_child()->set_for_control_plane("x");
  Everything copy = message;
  Faults control({UnknownFieldsPolicy::Action::kReject, true});
  CheckUnknownFields(copy, control);
  EXPECT_TRUE(control.empty());
  EXPECT_EQ(copy.child().for_control_plane(), "x");
  Faults proxy({UnknownFieldsPolicy::Action::kWarn});
  CheckUnknownFields(copy, proxy);
  ASSERT_EQ(proxy.warning_count(), 1u);
  EXPECT_EQ(proxy.warnings()[0].field_path, "child.for_control_plane");
  EXPECT_EQ(copy.child().for_control_plane(), "") << "what has no effect is not there";
}

TEST(UnpackAndCheckTest, GivesTheMessage) {
  Everything message;
  message.set_a_string("x");
  google::protobuf::Any any;
  any.PackFrom(message);
  Everything out;
  Faults faults;
  EXPECT_TRUE(UnpackAndCheck(any, &out, faults));
  EXPECT_EQ(out.a_string(), "x");
  EXPECT_TRUE(Holds<Everything>(any));
  EXPECT_FALSE(Holds<NeedsOneof>(any));
}

TEST(UnpackAndCheckTest, TellsWhatIsWrong) {
  Faults faults;
  NeedsOneof out;
  google::protobuf::Any any;
  Faults::Scope scope(faults, "typed_config");
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  any.PackFrom(Everything());
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  any.PackFrom(NeedsOneof());
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  any.set_value("\xff");
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  any.set_value(std::string("\x0a\x01x\x78\x01", 5));  // a = "x", and field 15
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  EXPECT_EQ(faults.ToString(),
            "typed_config: must hold nuncio.test.config.NeedsOneof (\"@type\" is missing)\n"
            "typed_config: must hold nuncio.test.config.NeedsOneof (holds \"nuncio.test.config.Everything\")\n"
            "typed_config: one of a, b must be set\n"
            "typed_config: is not a valid nuncio.test.config.NeedsOneof\n"
            "typed_config: unknown field 15 in nuncio.test.config.NeedsOneof");
}

TEST(UnpackAndCheckTest, RefusesEndlessNesting) {
  google::protobuf::Any any;
  any.PackFrom(Everything());
  Faults faults;
  std::vector<std::unique_ptr<Faults::Scope>> scopes;
  for (size_t i = 0; i <= Faults::kMaxDepth; ++i) scopes.push_back(std::make_unique<Faults::Scope>(faults, "x"));
  Everything out;
  EXPECT_FALSE(UnpackAndCheck(any, &out, faults));
  EXPECT_NE(faults.ToString().find("is nested deeper than 200 levels"), std::string::npos);
  while (!scopes.empty()) scopes.pop_back();
}

TEST(MessageTypesTest, NamesAndPrototypes) {
  EXPECT_EQ(TypeName("type.googleapis.com/a.B"), "a.B");
  EXPECT_EQ(TypeName("a.B"), "a.B");
  EXPECT_EQ(TypeName("x/y/a.B"), "a.B");
  EXPECT_NE(FindMessageType("type.googleapis.com/nuncio.test.config.Everything"), nullptr);
  EXPECT_EQ(FindMessageType("type.googleapis.com/no.such.Type"), nullptr);
  EXPECT_EQ(FindMessageType(""), nullptr);
}

TEST(MessageTypesTest, SerializationOfMapsIsStable) {
  Everything a;
  Everything b;
  for (int i = 0; i < 100; ++i) (*a.mutable_labels())[std::to_string(i)] = "x";
  for (int i = 99; i >= 0; --i) (*b.mutable_labels())[std::to_string(i)] = "x";
  EXPECT_EQ(SerializeDeterministically(a), SerializeDeterministically(b));
}

}  // namespace
}  // namespace nuncio::config
