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
  std::string file() const { return directory_ + "/resources"; }

  Watcher cds_, eds_;
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

}  // namespace
}  // namespace nuncio::xds
