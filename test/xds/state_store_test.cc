#include "source/xds/state_store.h"

#include <fstream>

#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

using config::ResourceNames;
using std::chrono::seconds;

class StateStoreTest : public XdsTest {
 protected:
  // A run that takes two clusters and an endpoint set, and ends.
  void FirstRun() {
    Start(true, directory_);
    {
      const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
      const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
      Settle();
      Answer(clusters_, "1", {"a=x", "b=y"});
      Answer(endpoints_, "7", {"e=z"});
      client_->Stop();
    }
    cds_.Take();
    eds_.Take();
  }
  // Ends this run, whose subscriptions may still be there. What the next one has when its control plane stays away.
  Texts Kept(const WordType& type, ResourceNames names) {
    client_->Stop();
    ended_.push_back(std::move(client_));
    Watcher watcher;
    Start(true, directory_);
    const auto subscription = Subscribe(type, std::move(names), watcher);
    Settle();
    Lose();
    return watcher.Take();
  }
  std::string file() const { return directory_ + "/resources"; }

  Watcher cds_, eds_;
  std::vector<std::unique_ptr<XdsClient>> ended_;
};

TEST_F(StateStoreTest, WhatWasGoodStandsInWhenTheControlPlaneIsAway) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  EXPECT_EQ(Texts{}, cds_.Take());
  Lose();
  EXPECT_EQ((Texts{"+a=x@1", "+b=y@1"}), cds_.Take());
  EXPECT_EQ(Texts{"+e=z@7"}, eds_.Take());
  // What the control plane says then is what counts, and it is asked without a version.
  transport_->TakeSent();
  Advance(seconds(1));
  EXPECT_EQ("", transport_->TakeSent().at(0).version_info());
  Answer(clusters_, "2", {"b=y"});
  EXPECT_EQ(Texts{"-a"}, cds_.Take());
}

TEST_F(StateStoreTest, ItStandsInWhenThereIsNoAnswerForTwoSeconds) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Advance(std::chrono::milliseconds(1900));
  EXPECT_EQ(Texts{}, cds_.Take());
  Advance(std::chrono::milliseconds(100));
  EXPECT_EQ((Texts{"+a=x@1", "+b=y@1"}), cds_.Take());
  // Who comes later is served from it too.
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  EXPECT_EQ(Texts{"+e=z@7"}, eds_.Take());
}

TEST_F(StateStoreTest, AnAnswerInTimeLeavesItAlone) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "2", {"c=1"});
  Advance(seconds(5));
  EXPECT_EQ(Texts{"+c=1@2"}, cds_.Take());
}

TEST_F(StateStoreTest, AFileThatIsNotWholeIsIgnored) {
  FirstRun();
  std::string text;
  {
    std::ifstream in(file(), std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  ASSERT_GT(text.size(), 60u);
  text[text.size() / 2] ^= 1;
  std::ofstream(file(), std::ios::binary) << text;
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Lose();
  EXPECT_EQ(Texts{}, cds_.Take());
  Advance(seconds(1));
  Answer(clusters_, "1", {"a=x"});
  EXPECT_EQ(Texts{"+a=x@1"}, cds_.Take());
}

TEST_F(StateStoreTest, ADirectoryThatCannotBeCostsNothingElse) {
  Start(true, directory_ + "/not/there");
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Lose();
  Advance(seconds(1));
  Answer(clusters_, "1", {"a=x"});
  EXPECT_EQ(Texts{"+a=x@1"}, cds_.Take());
  Advance(seconds(1));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/not"));
}

TEST_F(StateStoreTest, ABurstOfAnswersIsOneSave) {
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x"});
  Advance(std::chrono::milliseconds(150));
  Answer(clusters_, "2", {"a=x", "b=y"});
  EXPECT_FALSE(std::filesystem::exists(file()));
  Advance(std::chrono::milliseconds(50));
  ASSERT_TRUE(std::filesystem::remove(file()));
  Advance(seconds(5));
  EXPECT_FALSE(std::filesystem::exists(file()));
  // What says nothing new is not written either.
  Answer(clusters_, "2", {"a=x", "b=y"});
  Advance(seconds(5));
  EXPECT_FALSE(std::filesystem::exists(file()));
  Answer(clusters_, "3", {"a=x", "b=y"});
  EXPECT_EQ((Texts{"+a=x@3", "+b=y@3"}), Kept(clusters_, ResourceNames::All()));
}

TEST_F(StateStoreTest, WhatTheFirstAnswerRepeatsIsNotWrittenAgain) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  std::filesystem::remove(file());
  Answer(clusters_, "1", {"a=x", "b=y"});
  Advance(seconds(5));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(StateStoreTest, ChangesAreKeptWithTheVersionOfEach) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "2", {"a=x", "b=y", "c=1", "d=1"});
  // Of the faulty one the good version stays; the others are in the new answer.
  Answer(clusters_, "3", {"a=x", "b=bad", "c=2", "e=1"});
  EXPECT_EQ((Texts{"+a=x@3", "+b=y@2", "+c=2@3", "+e=1@3"}), Kept(clusters_, ResourceNames::All()));
}

TEST_F(StateStoreTest, WhatIsAbsentFromTheFirstAnswerIsForgotten) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"b=y"});
  EXPECT_EQ(Texts{"+b=y@1"}, Kept(clusters_, ResourceNames::All()));
}

TEST_F(StateStoreTest, NamesThatNobodyAsksForAnyLongerAreForgotten) {
  Start(true, directory_);
  {
    const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e", "f"}), eds_);
    Settle();
    Answer(endpoints_, "7", {"e=z", "f=z"});
    eds->UpdateNames({"f"});
    Settle();
    Answer(endpoints_, "8", {"f=z"});
    client_->Stop();
  }
  EXPECT_EQ(Texts{"+f=z@8"}, Kept(endpoints_, ResourceNames::Only({"e", "f"})));
}

TEST_F(StateStoreTest, WhatNobodyAsksForIsKeptForATime) {
  FirstRun();
  for (const auto& [after, kept] : std::vector<std::pair<Duration, Texts>>{
           {StateStore::kClaimTime - seconds(1), {"+e=z@7"}}, {StateStore::kClaimTime + seconds(1), {}}}) {
    Start(true, directory_);
    const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
    Settle();
    Advance(after);
    Answer(clusters_, StrCat("after ", after.count()), {"a=x"});
    EXPECT_EQ(kept, Kept(endpoints_, ResourceNames::Only({"e"})));
  }
}

// The control plane of one source may be away for long, while others' changes are saved.
TEST_F(StateStoreTest, WhatStandsInIsKept) {
  FirstRun();
  Start(true, directory_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  Lose();
  Advance(StateStore::kClaimTime + seconds(1));
  Answer(clusters_, "2", {"c=1"});
  EXPECT_EQ(Texts{"+e=z@7"}, Kept(endpoints_, ResourceNames::Only({"e"})));
}

}  // namespace
}  // namespace nuncio::xds
