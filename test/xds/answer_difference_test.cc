// An answer that follows the one in force is taken by its difference to it. Whatever answers come, watchers hear the
// same and the same is in force as where every answer is taken as a whole.
#include <numeric>
#include <random>

#include "source/xds/type_subscriptions.h"
#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

class NoOwner : public TypeSubscriptions::Owner {
 public:
  void OnInterestChanged(TypeSubscriptions&) override {}
};

// What is in force, put together from what answers changed.
struct InForce {
  void Take(const InForceChange& change) {
    version = change.version;
    if (change.complete) resources.clear();
    for (const auto& each : change.in_force) resources.insert_or_assign(each.name, each);
    for (const std::string& name : change.gone) EXPECT_EQ(resources.erase(name), 1u) << name;
  }
  // "name=value@version"
  Texts List() const {
    Texts out;
    for (const auto& [name, each] : resources) {
      google::protobuf::StringValue text;
      text.ParseFromString(*each.bytes);
      out.push_back(StrCat(text.value(), "@", each.own_version.value_or(version)));
    }
    return out;
  }

  std::string version;
  std::map<std::string, InForceChange::Resource> resources;
};

// The subscriptions of one type with a compiler of their own.
struct Side {
  explicit Side(bool absence_is_removal, bool whole)
      : type("type.googleapis.com/Word", absence_is_removal),
        subscriptions(std::make_unique<TypeSubscriptions>(loop, stats, type, owner)),
        takes_whole(whole) {}
  ~Side() { handles.clear(); }

  void Subscribe(config::ResourceNames names) {
    watchers.push_back(std::make_unique<Watcher>());
    handles.push_back(subscriptions->Add({}, std::move(names), *watchers.back()));
  }
  // A list of "name=value".
  std::string Answer(const Texts& words, const std::string& version) {
    DiscoveryResponse message;
    message.set_type_url(std::string(type.type_url()));
    message.set_version_info(version);
    for (const std::string& word : words) {
      google::protobuf::StringValue text;
      text.set_value(word);
      auto* any = message.add_resources();
      any->set_type_url(std::string(type.type_url()));
      any->set_value(text.SerializeAsString());
    }
    CompiledResponse response = compiler.CompileMessage(message.SerializeAsString(), {&type});
    differed += response.difference.has_value();
    if (takes_whole) response.difference.reset();
    std::string faults = subscriptions->Apply(response, &last_change);
    in_force.Take(last_change);
    loop.RunOnce();
    return faults;
  }
  void TakeNameChanges() {
    const NameChanges changes = subscriptions->TakeNameChanges();
    if (subscriptions->wildcard()) return;
    for (const std::string& name : changes.went) in_force.resources.erase(name);
  }
  // What is in force, with versions, and what was refused.
  Texts State() const {
    Texts out = in_force.List();
    for (const ResourceStatus& each : subscriptions->Statuses()) {
      out.push_back(StrCat(each.name, " ", static_cast<int>(each.state), " ", each.version, " ", each.error));
    }
    return out;
  }

  event::EventLoop loop;
  telemetry::StatsStore stats;
  NoOwner owner;
  WordType type;
  ResponseCompiler compiler{config::UnknownFieldsPolicy{}};
  std::vector<std::unique_ptr<Watcher>> watchers;
  std::unique_ptr<TypeSubscriptions> subscriptions;
  std::vector<std::unique_ptr<config::Subscription>> handles;
  const bool takes_whole;
  int differed = 0;
  InForceChange last_change;
  InForce in_force;
};

// The statistics of a subscription.
Texts Counted(const Watcher& watcher) {
  const telemetry::SubscriptionStats& stats = watcher.stats;
  uint64_t durations[telemetry::histogram_bins::kCount] = {};
  uint64_t sum = 0;
  stats.update_duration.AddTo(durations, sum);
  return {StrCat("attempts ", stats.update_attempt.value()), StrCat("taken ", stats.update_success.value()),
          StrCat("refused ", stats.update_rejected.value()), StrCat("version ", stats.version_text.value()),
          StrCat("durations ", std::accumulate(std::begin(durations), std::end(durations), uint64_t{0}))};
}

class AnswerDifferenceTest : public testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(AnswerDifferenceTest, IsTheSameAsTheWhole) {
  const auto [absence_is_removal, wildcard] = GetParam();
  int differed = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned n) { return static_cast<int>(random() % n); };
    Side by_difference(absence_is_removal, false);
    Side whole(absence_is_removal, true);
    const auto on_both = [&](const auto& act) {
      act(by_difference);
      act(whole);
    };
    if (wildcard) on_both([](Side& side) { side.Subscribe(config::ResourceNames::All()); });
    std::map<std::string, std::string> words;
    for (int round = 0; round < 40; ++round) {
      if (below(6) == 0) {
        const std::string name(1, static_cast<char>('a' + below(8)));
        on_both([&](Side& side) { side.Subscribe(config::ResourceNames::Only({name})); });
      }
      if (below(12) == 0 && by_difference.handles.size() > 1) {
        on_both([](Side& side) {
          side.handles.pop_back();
          side.TakeNameChanges();
        });
      }
      if (below(12) == 0 && by_difference.handles.size() > 1) {
        const std::string name(1, static_cast<char>('a' + below(8)));
        on_both([&](Side& side) {
          side.handles.back()->UpdateNames({name});
          side.TakeNameChanges();
        });
      }
      for (int changes = below(3); changes > 0; --changes) {
        const std::string name(1, static_cast<char>('a' + below(8)));
        const int kind = below(8);
        if (kind == 0) {
          words.erase(name);
        } else {
          words[name] = kind == 1 ? "bad" : std::to_string(below(3));
        }
      }
      Texts answer;
      for (const auto& [name, value] : words) answer.push_back(StrCat(name, "=", value));
      if (below(10) == 0 && !answer.empty()) answer.push_back(answer.front());
      if (below(15) == 0) answer.push_back("nameless");
      const std::string refuses = below(5) == 0 ? std::string(1, static_cast<char>('a' + below(8))) : "";
      std::string faults[2];
      on_both([&](Side& side) {
        for (const auto& watcher : side.watchers) watcher->refuses = refuses;
        faults[side.takes_whole] = side.Answer(answer, std::to_string(round));
      });
      const std::string where = StrCat("seed ", seed, ", round ", round);
      ASSERT_EQ(faults[0], faults[1]) << where;
      ASSERT_EQ(by_difference.State(), whole.State()) << where;
      on_both([](Side& side) { side.subscriptions->Tell(config::SubscriptionEvent::Kind::kAsked); });
      const bool read = below(3) == 0;
      if (read) on_both([](Side& side) { side.stats.CatchUp(); });
      for (size_t i = 0; i < whole.watchers.size(); ++i) {
        Watcher& one = *by_difference.watchers[i];
        Watcher& other = *whole.watchers[i];
        ASSERT_EQ(one.Take(), other.Take()) << where << ", watcher " << i;
        if (read) {
          ASSERT_EQ(Counted(one), Counted(other)) << where << ", watcher " << i;
        }
      }
    }
    differed += by_difference.differed;
  }
  EXPECT_GT(differed, 100);
}

// With 10,000 secrets in a file one of them may change every second.
TEST(AnswerDifferenceWorkTest, WhomItSaysNothingNewIsNotCalledBeforeStatisticsAreRead) {
  Side side(/*absence_is_removal=*/false, /*whole=*/false);
  Texts words;
  for (int i = 0; i < 50; ++i) {
    side.Subscribe(config::ResourceNames::Only({StrCat("name", i)}));
    words.push_back(StrCat("name", i, "=old"));
  }
  side.Answer(words, "1");
  for (const auto& watcher : side.watchers) watcher->times_told_events = 0;
  for (int i = 0; i < 5; ++i) {
    side.subscriptions->Tell(config::SubscriptionEvent::Kind::kAsked);
    words[7] = StrCat("name7=", i);
    side.Answer(words, StrCat("2.", i));
  }
  for (const auto& watcher : side.watchers) EXPECT_EQ(watcher->times_told_events, 0);
  EXPECT_EQ(side.watchers[7]->Take().size(), 6u);
  side.stats.CatchUp();
  for (const auto& watcher : side.watchers) {
    EXPECT_EQ(watcher->times_told_events, 1);
    EXPECT_EQ(Counted(*watcher), (Texts{"attempts 5", "taken 6", "refused 0", "version 2.4", "durations 6"}));
  }
}

// Neither what is refused, nor what nobody asks for, nor names that come and go make the others be looked at.
TEST(AnswerDifferenceWorkTest, WhatIsOutOfTheOrdinaryConcernsNobodyElse) {
  Side side(/*absence_is_removal=*/false, /*whole=*/false);
  Texts words{"unnamed=0"};
  for (int i = 0; i < 50; ++i) {
    side.Subscribe(config::ResourceNames::Only({StrCat("name", i)}));
    words.push_back(StrCat("name", i, i == 3 ? "=bad" : "=old"));
  }
  words.push_back("later=1");
  EXPECT_NE(side.Answer(words, "1"), "");
  for (const auto& watcher : side.watchers) {
    watcher->times_told_events = 0;
    watcher->Take();
  }
  side.Subscribe(config::ResourceNames::Only({"later"}));
  words[0] = "unnamed=1";
  EXPECT_EQ(side.Answer(words, "2"), "Word \"name3\": value: is bad");
  EXPECT_EQ(side.watchers[50]->Take(), Texts{"+later=1@2"});
  side.handles.pop_back();
  side.TakeNameChanges();
  words.erase(words.begin() + 6);
  EXPECT_EQ(side.Answer(words, "3"), "Word \"name3\": value: is bad");
  words[4] = "name3=good";
  EXPECT_EQ(side.Answer(words, "4"), "");
  EXPECT_EQ(side.watchers[3]->Take(), Texts{"+name3=good@4"});
  for (int i = 0; i < 50; ++i) {
    if (i == 3 || i == 5) continue;
    EXPECT_EQ(side.watchers[static_cast<size_t>(i)]->times_told_events, 0) << i;
  }
  side.stats.CatchUp();
  EXPECT_EQ(Counted(*side.watchers[3]),
            (Texts{"attempts 0", "taken 1", "refused 3", "version 4", "durations 1"}));
  // In the last two answers it was not.
  EXPECT_EQ(Counted(*side.watchers[5]),
            (Texts{"attempts 0", "taken 2", "refused 0", "version 2", "durations 2"}));
  EXPECT_EQ(Counted(*side.watchers[9]),
            (Texts{"attempts 0", "taken 4", "refused 0", "version 4", "durations 4"}));
}

// What a change of one resource is told by does not grow with the others, which only the version concerns.
TEST(AnswerDifferenceWorkTest, AChangeIsToldByWhatChanged) {
  for (const int count : {10, 2000}) {
    Side side(/*absence_is_removal=*/true, /*whole=*/false);
    side.Subscribe(config::ResourceNames::All());
    Texts words;
    for (int i = 0; i < count; ++i) words.push_back(StrCat("name", i, "=old"));
    side.Answer(words, "1");
    EXPECT_EQ(side.last_change.in_force.size(), words.size());
    const auto expect = [&](std::string_view version, const Texts& in_force, const Texts& gone) {
      EXPECT_EQ(side.last_change.version, version);
      EXPECT_FALSE(side.last_change.complete);
      InForce told;
      told.Take(InForceChange{side.last_change.version, side.last_change.in_force, {}});
      EXPECT_EQ(told.List(), in_force);
      EXPECT_EQ(side.last_change.gone, gone);
    };
    side.Answer(words, "2");
    expect("2", {}, {});
    words[5] = "name5=new";
    side.Answer(words, "3");
    expect("3", {"name5=new@3"}, {});
    words[5] = "name5=bad";
    side.Answer(words, "4");
    expect("4", {"name5=new@3"}, {});
    words.erase(words.begin() + 5);
    side.Answer(words, "5");
    expect("5", {}, {"name5"});
    words.push_back("one more=1");
    side.Answer(words, "6");
    expect("6", {"one more=1@6"}, {});
  }
}

INSTANTIATE_TEST_SUITE_P(All, AnswerDifferenceTest, testing::Combine(testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace nuncio::xds
