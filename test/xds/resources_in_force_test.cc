#include "source/xds/resources_in_force.h"

#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

class ResourcesInForceTest : public testing::Test {
 protected:
  SubscriptionRecords::Ref Ask(config::ResourceNames names) {
    auto record = std::make_shared<SubscriptionRecord>(
        loop_, watcher_, Delegate<void(SubscriptionRecord&)>::Bind<&ResourcesInForceTest::OnTimeout>(this));
    record->wildcard = names.wildcard;
    record->names.insert(names.names.begin(), names.names.end());
    asked_.Add(record);
    return record;
  }
  // An answer with a list of "name=value", that far taken.
  TakenAnswer Take(const Texts& words, const std::string& version) {
    DiscoveryResponse message;
    message.set_type_url(std::string(type_.type_url()));
    message.set_version_info(version);
    for (const std::string& word : words) AddWord(word, message);
    return in_force_.Take(compiler_.CompileMessage(message.SerializeAsString(), {&type_}), asked_.TakeUnanswered());
  }
  // All of it; whether by its difference.
  bool TakeAll(const Texts& words, const std::string& version) {
    TakenAnswer answer = Take(words, version);
    Finish(answer);
    EXPECT_EQ(answer.Faults(), "");
    return answer.follows;
  }
  void Finish(TakenAnswer& answer) {
    in_force_.TakeBack(answer);
    in_force_.Conclude(answer);
  }
  void AddWord(const std::string& word, DiscoveryResponse& message) {
    google::protobuf::StringValue text;
    text.set_value(word);
    auto* any = message.add_resources();
    any->set_type_url(std::string(type_.type_url()));
    any->set_value(text.SerializeAsString());
  }
  // "name=value@version"
  Texts InForce() const {
    Texts out;
    for (const auto& [name, known] : in_force_.all()) {
      const config::DecodedResource resource = in_force_.Get(std::string(name));
      out.push_back(StrCat(resource.name, "=", resource.As<Word>()->value, "@", resource.version));
    }
    return out;
  }
  static config::Faults NotWanted() {
    config::Faults faults;
    faults.Add("name", "not wanted");
    return faults;
  }
  void OnTimeout(SubscriptionRecord&) {}

  event::EventLoop loop_;
  telemetry::StatsStore stats_;
  const WordType type_{"type.googleapis.com/Word", /*absence_is_removal=*/true};
  Watcher watcher_;
  ResponseCompiler compiler_{config::UnknownFieldsPolicy{}};
  SubscriptionRecords asked_{stats_};
  ResourcesInForce in_force_{loop_, type_, asked_};
};

TEST_F(ResourcesInForceTest, ARemovalThatIsRefusedIsTakenBackAndOfferedAgain) {
  Ask(config::ResourceNames::All());
  TakeAll({"a=1", "b=1"}, "1");
  TakenAnswer second = Take({"b=1"}, "2");
  EXPECT_TRUE(second.follows);
  EXPECT_EQ(InForce(), Texts{"b=1@2"});
  second.Refuse("a", NotWanted());
  Finish(second);
  EXPECT_EQ(second.Faults(), "Word \"a\": name: not wanted");
  EXPECT_TRUE(second.lost.empty());
  EXPECT_EQ(InForce(), (Texts{"a=1@1", "b=1@2"}));
  EXPECT_TRUE(in_force_.ChangeBy(second).gone.empty());

  TakenAnswer third = Take({"b=1"}, "3");
  EXPECT_TRUE(third.follows);
  EXPECT_TRUE(third.removed_before.contains("a"));
  Finish(third);
  EXPECT_EQ(third.lost, Texts{"a"});
  EXPECT_EQ(InForce(), Texts{"b=1@3"});
  EXPECT_EQ(in_force_.ChangeBy(third).gone, Texts{"a"});
}

TEST_F(ResourcesInForceTest, AChangeThatIsRefusedLeavesTheVersionBeforeAndSaysWhy) {
  Ask(config::ResourceNames::All());
  TakeAll({"a=1"}, "1");
  TakenAnswer answer = Take({"a=2", "b=1"}, "2");
  EXPECT_EQ(InForce(), (Texts{"a=2@2", "b=1@2"}));
  answer.Refuse("a", NotWanted());
  answer.Refuse("b", NotWanted());
  Finish(answer);
  EXPECT_EQ(InForce(), Texts{"a=1@1"});
  EXPECT_EQ(answer.lost, Texts{"b"});
  std::map<std::string, ResourceStatus> statuses;
  in_force_.AddStatuses(statuses);
  EXPECT_EQ(statuses["a"].state, ResourceStatus::State::kNacked);
  EXPECT_EQ(statuses["a"].version, "1");
  EXPECT_EQ(statuses["a"].rejected_version, "2");
  EXPECT_EQ(statuses["a"].error, "Word \"a\": name: not wanted");
  EXPECT_EQ(statuses["b"].version, "");
}

TEST_F(ResourcesInForceTest, WithTheLastWildcardGoesWhatNobodyNames) {
  const SubscriptionRecords::Ref all = Ask(config::ResourceNames::All());
  Ask(config::ResourceNames::Only({"b"}));
  TakeAll({"a=1", "b=1"}, "1");
  NameChanges changes = asked_.TakeNameChanges();
  in_force_.LetGo(changes.went);
  EXPECT_TRUE(changes.went.empty());
  EXPECT_TRUE(in_force_.answered_all());

  asked_.Remove(*all);
  changes = asked_.TakeNameChanges();
  in_force_.LetGo(changes.went);
  EXPECT_EQ(Texts(changes.went.begin(), changes.went.end()), Texts{"a"});
  EXPECT_EQ(InForce(), Texts{"b=1@1"});
  EXPECT_FALSE(in_force_.answered_all());
  // The answer before had what is not there any longer, so the next is looked at as a whole.
  EXPECT_FALSE(TakeAll({"a=1", "b=1"}, "2"));
  EXPECT_EQ(InForce(), Texts{"b=1@2"});
}

TEST_F(ResourcesInForceTest, WhatAnEarlierRunHadKeptReplacesNothing) {
  Ask(config::ResourceNames::All());
  TakeAll({"a=1"}, "1");
  const auto bytes = [](const std::string& word) {
    google::protobuf::StringValue text;
    text.set_value(word);
    return std::make_shared<const std::string>(text.SerializeAsString());
  };
  const std::vector<SavedResource> saved{{"a", "0", bytes("a=0")}, {"b", "0", bytes("b=0")}};
  TakenAnswer answer = in_force_.TakeSaved(compiler_.CompileSaved(saved, type_));
  in_force_.TakeBack(answer);
  EXPECT_EQ(InForce(), (Texts{"a=1@1", "b=0@0"}));
}

}  // namespace
}  // namespace nuncio::xds
