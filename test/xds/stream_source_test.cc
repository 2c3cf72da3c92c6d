#include "source/xds/stream_source.h"

#include "test/xds/xds_fixture.h"

namespace nuncio::xds {
namespace {

using config::ResourceNames;
using std::chrono::milliseconds;
using std::chrono::seconds;

class StreamSourceTest : public XdsTest {
 protected:
  StreamSourceTest() { Start(); }
  Watcher cds_, eds_, other_;
};

TEST_F(StreamSourceTest, AsksForClustersBeforeListenersAndSaysWhoItIs) {
  const auto lds = Subscribe(listeners_, ResourceNames::All(), other_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  EXPECT_EQ("control_plane", transport_->cluster);
  EXPECT_EQ("/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources", transport_->last_path);
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(3u, sent.size());
  EXPECT_EQ(clusters_.type_url(), sent[0].type_url());
  EXPECT_EQ("the-node", sent[0].node().id());
  EXPECT_EQ(Texts{}, NamesOf(sent[0]));
  EXPECT_EQ(endpoints_.type_url(), sent[1].type_url());
  EXPECT_EQ(Texts{"e"}, NamesOf(sent[1]));
  EXPECT_EQ(listeners_.type_url(), sent[2].type_url());
  EXPECT_EQ(1u, cds_.stats.update_attempt.value());
}

TEST_F(StreamSourceTest, AnAnswerIsTakenAndAcknowledged) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  transport_->TakeSent();
  Answer(clusters_, "1", {"a=x", "b=y"});
  EXPECT_EQ((Texts{"+a=x@1", "+b=y@1"}), cds_.Take());
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("1", sent[0].version_info());
  EXPECT_EQ("n1", sent[0].response_nonce());
  EXPECT_FALSE(sent[0].has_error_detail());
  EXPECT_EQ("1", cds_.stats.version_text.value());
  EXPECT_EQ(1u, cds_.stats.update_success.value());
}

TEST_F(StreamSourceTest, OnlyWhatChangedIsToldAndCompiled) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x", "b=y", "c=z"});
  cds_.Take();
  const int compiled = clusters_.compiled;
  Answer(clusters_, "2", {"a=x", "b=new"});
  EXPECT_EQ((Texts{"+b=new@2", "-c"}), cds_.Take());
  EXPECT_EQ(compiled + 1, clusters_.compiled);
}

TEST_F(StreamSourceTest, TheGoodOfAnAnswerTakesEffectAndTheRestIsRefusedByName) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x", "b=y"});
  cds_.Take();
  transport_->TakeSent();
  Answer(clusters_, "2", {"a=bad", "b=new", "c=1", "c=2"});
  // `a` keeps its last good version.
  EXPECT_EQ(Texts{"+b=new@2"}, cds_.Take());
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("1", sent[0].version_info());
  EXPECT_EQ("n2", sent[0].response_nonce());
  EXPECT_EQ(3, sent[0].error_detail().code());
  EXPECT_EQ("Cluster \"a\": value: is bad\nCluster \"c\": name: is that of 2 resources of this answer",
            sent[0].error_detail().message());
  EXPECT_EQ(1u, cds_.stats.update_rejected.value());

  const auto statuses = client_->Statuses(clusters_.type_url());
  ASSERT_EQ(3u, statuses.size());
  EXPECT_EQ(ResourceStatus::State::kNacked, statuses[0].state);
  EXPECT_EQ("1", statuses[0].version);
  EXPECT_EQ("2", statuses[0].rejected_version);
  EXPECT_EQ(ResourceStatus::State::kAcked, statuses[1].state);
  EXPECT_EQ("2", statuses[1].version);
}

TEST_F(StreamSourceTest, WhatTheWatcherRefusesIsRefusedAndOfferedAgain) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  transport_->TakeSent();
  cds_.refuses = "a";
  Answer(clusters_, "1", {"a=x"});
  EXPECT_EQ("Cluster \"a\": name: not wanted", transport_->TakeSent().at(0).error_detail().message());
  cds_.refuses.clear();
  Answer(clusters_, "2", {"a=x"});
  EXPECT_EQ(Texts{"+a=x@2"}, cds_.Take());
  EXPECT_FALSE(transport_->TakeSent().at(0).has_error_detail());
}

TEST_F(StreamSourceTest, WithoutAnAnswerTheFirstFetchEndsByItsTimeout) {
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  EXPECT_EQ(ResourceStatus::State::kRequested, client_->Statuses(endpoints_.type_url()).at(0).state);
  Advance(seconds(14));
  EXPECT_EQ(Texts{}, eds_.Take());
  Advance(seconds(1));
  EXPECT_EQ(Texts{"failed: no answer within initial_fetch_timeout"}, eds_.Take());
  EXPECT_EQ(1u, eds_.stats.init_fetch_timeout.value());
  EXPECT_EQ(ResourceStatus::State::kDoesNotExist, client_->Statuses(endpoints_.type_url()).at(0).state);
  Answer(endpoints_, "1", {"e=x"});
  EXPECT_EQ(Texts{"+e=x@1"}, eds_.Take());
}

TEST_F(StreamSourceTest, AFirstAnswerThatIsFaultyEndsTheWaiting) {
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  Answer(endpoints_, "1", {"e=bad"});
  EXPECT_EQ(Texts{"failed: what the control plane sent was refused"}, eds_.Take());
  Advance(seconds(60));
  EXPECT_EQ(Texts{}, eds_.Take());
}

TEST_F(StreamSourceTest, AnEmptyAnswerIsAnAnswerOfAllAndNoneOfNames) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"e"}), eds_);
  Settle();
  Answer(clusters_, "1", {});
  Answer(endpoints_, "1", {"another=x"});
  EXPECT_EQ(Texts{"first"}, cds_.Take());
  EXPECT_EQ(Texts{}, eds_.Take());
}

TEST_F(StreamSourceTest, NamesOfOneTurnAreOneRequest) {
  const auto one = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
  const auto two = Subscribe(endpoints_, ResourceNames::Only({"b"}), other_);
  Settle();
  EXPECT_EQ((Texts{"a", "b"}), NamesOf(transport_->TakeSent().at(0)));
  one->UpdateNames({"a", "c"});
  one->UpdateNames({"d"});
  two->UpdateNames({"b", "e"});
  Settle();
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ((Texts{"b", "d", "e"}), NamesOf(sent[0]));
}

TEST_F(StreamSourceTest, ANameThatIsThereAlreadyIsAnsweredWithoutARequest) {
  const auto one = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
  Settle();
  Answer(endpoints_, "1", {"a=x"});
  transport_->TakeSent();
  const auto two = Subscribe(endpoints_, ResourceNames::Only({"a"}), other_);
  EXPECT_EQ(Texts{}, other_.told);
  Settle();
  EXPECT_EQ(Texts{"+a=x@1"}, other_.Take());
  EXPECT_EQ(Texts{"+a=x@1"}, eds_.Take());
  EXPECT_EQ(0u, transport_->TakeSent().size());
}

TEST_F(StreamSourceTest, ALostStreamChangesNothingAndIsMadeAnewWithWhatIsKnown) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x"});
  cds_.Take();
  transport_->TakeSent();
  Lose();
  EXPECT_EQ(Texts{}, cds_.Take());
  EXPECT_EQ(1u, cds_.stats.update_failure.value());
  Advance(milliseconds(249));
  EXPECT_EQ(1, transport_->opened);
  Advance(milliseconds(251));
  EXPECT_EQ(2, transport_->opened);
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("1", sent[0].version_info());
  EXPECT_EQ("", sent[0].response_nonce());
  EXPECT_EQ("the-node", sent[0].node().id());
  Answer(clusters_, "1", {"a=x"});
  EXPECT_EQ(Texts{}, cds_.Take());
}

TEST_F(StreamSourceTest, AttemptsAreFurtherAndFurtherApart) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  std::vector<Duration> waits;
  for (int i = 0; i < 10; ++i) {
    Lose();
    const MonotonicTime lost = clock_.Monotonic();
    const int opened = transport_->opened;
    while (transport_->opened == opened && clock_.Monotonic() - lost < seconds(31)) Advance(milliseconds(50));
    waits.push_back(clock_.Monotonic() - lost);
  }
  Duration longest = milliseconds(500);
  for (const Duration wait : waits) {
    EXPECT_GE(wait, longest / 2);
    EXPECT_LE(wait, longest + milliseconds(50));
    longest = std::min<Duration>(longest * 2, seconds(30));
  }
}

TEST_F(StreamSourceTest, BytesThatAreNoAnswerEndTheStream) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  transport_->link->events.OnMessage("\xff\xff\xff");
  Settle();
  EXPECT_EQ(nullptr, transport_->link);
  Advance(milliseconds(500));
  EXPECT_EQ(2, transport_->opened);
}

TEST_F(StreamSourceTest, AServerThatSendsManyAnswersIsHeldBack) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  DiscoveryResponse response;
  response.set_type_url(std::string(clusters_.type_url()));
  for (int i = 0; i < 3; ++i) {
    response.set_version_info(std::to_string(i));
    transport_->link->events.OnMessage(response.SerializeAsString());
  }
  EXPECT_TRUE(transport_->link->paused);
  Settle();
  EXPECT_FALSE(transport_->link->paused);
  EXPECT_EQ("2", cds_.stats.version_text.value());
}

TEST_F(StreamSourceTest, WithoutSubscriptionsThereIsNoStream) {
  auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  cds.reset();
  Settle();
  EXPECT_EQ(nullptr, transport_->link);
  Advance(seconds(60));
  EXPECT_EQ(1, transport_->opened);
}

TEST_F(StreamSourceTest, AnAnswerThatNobodyWantsAnyLongerIsAcknowledgedWithoutNames) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  for (const Texts& overtaken : {Texts{}, Texts{"a=y"}}) {
    auto eds = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
    Settle();
    Answer(endpoints_, "1", {"a=x"});
    eds.reset();
    Settle();
    transport_->TakeSent();
    // On its way when the last name was given up.
    Answer(endpoints_, "2", overtaken);
    const auto sent = transport_->TakeSent();
    ASSERT_EQ(1u, sent.size());
    EXPECT_EQ(endpoints_.type_url(), sent[0].type_url());
    EXPECT_EQ("n2", sent[0].response_nonce());
    EXPECT_EQ("2", sent[0].version_info());
    EXPECT_EQ(Texts{}, NamesOf(sent[0]));
    EXPECT_FALSE(sent[0].has_error_detail());
  }
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"b"}), eds_);
  Settle();
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("n2", sent[0].response_nonce());
  EXPECT_EQ(Texts{"b"}, NamesOf(sent[0]));
}

TEST_F(StreamSourceTest, WhoHoldsNothingAsksWithoutAVersion) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
  Settle();
  Answer(endpoints_, "1", {"a=x"});
  transport_->TakeSent();
  eds->UpdateNames({"a", "b"});
  Settle();
  EXPECT_EQ("1", transport_->TakeSent().at(0).version_info());
  // By its version the server could take the resource for known.
  eds->UpdateNames({"c"});
  Settle();
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("", sent[0].version_info());
  EXPECT_EQ("n1", sent[0].response_nonce());
  Answer(endpoints_, "2", {"c=x"});
  EXPECT_EQ("2", transport_->TakeSent().at(0).version_info());
}

TEST_F(StreamSourceTest, AnAnswerOfATypeThatWasNeverAskedForIsIgnored) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  transport_->TakeSent();
  Answer(endpoints_, "1", {"a=x"});
  EXPECT_EQ(0u, transport_->TakeSent().size());
}

TEST_F(StreamSourceTest, HeartbeatsAloneChangeNothingAndAreAcknowledged) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x", "b=y"});
  cds_.Take();
  transport_->TakeSent();
  // Those that live for ever are not in it.
  AnswerHeartbeats(clusters_, "1", {"a", "unknown"});
  EXPECT_EQ(Texts{}, cds_.Take());
  EXPECT_EQ(2u, client_->Statuses(clusters_.type_url()).size());
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("h1", sent[0].response_nonce());
  EXPECT_EQ("1", sent[0].version_info());
  EXPECT_FALSE(sent[0].has_error_detail());
  const int compiled = clusters_.compiled;
  Answer(clusters_, "2", {"a=x"});
  EXPECT_EQ(Texts{"-b"}, cds_.Take());
  EXPECT_EQ(compiled, clusters_.compiled);
}

TEST_F(StreamSourceTest, AHeartbeatBesideResourcesKeepsItsOwn) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  // To the second of these there is no difference: two have one name.
  for (const Texts& before : {Texts{"a=x", "b=y"}, Texts{"a=x", "b=y", "d=1", "d=2"}}) {
    Answer(clusters_, "1", before);
    cds_.Take();
    transport_->TakeSent();
    AnswerHeartbeats(clusters_, "2", {"a", "unknown"}, {"c=z"});
    EXPECT_EQ((Texts{"+c=z@2", "-b"}), cds_.Take());
    EXPECT_FALSE(transport_->TakeSent().at(0).has_error_detail());
    const auto statuses = client_->Statuses(clusters_.type_url());
    ASSERT_EQ(2u, statuses.size());
    EXPECT_EQ("a", statuses[0].name);
    EXPECT_EQ("1", statuses[0].version);
  }
}

TEST_F(StreamSourceTest, AHeartbeatWithoutANameIsRefused) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  Answer(clusters_, "1", {"a=x"});
  transport_->TakeSent();
  AnswerHeartbeats(clusters_, "1", {""});
  EXPECT_EQ("Cluster resources[0]: has neither a resource nor the name of one",
            transport_->TakeSent().at(0).error_detail().message());
}

// By Settle no time passes, so that the server would have its way as often as it likes.
TEST_F(StreamSourceTest, AServerThatAnswersEveryRefusalWithTheSameIsRefusedOnceASecond) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  Settle();
  transport_->TakeSent();
  Answer(clusters_, "1", {"a=bad"});
  EXPECT_EQ(1u, transport_->TakeSent().size());
  for (int i = 0; i < 3; ++i) {
    Answer(clusters_, "1", {"a=bad"});
    EXPECT_EQ(0u, transport_->TakeSent().size());
    Advance(milliseconds(999));
    EXPECT_EQ(0u, transport_->TakeSent().size());
    Advance(milliseconds(1));
    const auto sent = transport_->TakeSent();
    ASSERT_EQ(1u, sent.size());
    EXPECT_EQ("n1", sent[0].response_nonce());
    EXPECT_EQ("Cluster \"a\": value: is bad", sent[0].error_detail().message());
  }
  Answer(clusters_, "2", {"a=bad"});
  EXPECT_EQ(0u, transport_->TakeSent().size());
  // Good news is told at once, and makes up for it.
  Answer(clusters_, "3", {"a=good"});
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("n3", sent[0].response_nonce());
  EXPECT_FALSE(sent[0].has_error_detail());
  Advance(seconds(2));
  EXPECT_EQ(0u, transport_->TakeSent().size());
}

TEST_F(StreamSourceTest, ARefusalThatWaitsHoldsUpNothingElse) {
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
  Settle();
  Answer(endpoints_, "1", {"a=bad"});
  Answer(endpoints_, "1", {"a=bad"});
  transport_->TakeSent();
  Answer(clusters_, "1", {"c=bad"});
  auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ(clusters_.type_url(), sent[0].type_url());
  // Other names are asked for at once, with the refusal.
  eds->UpdateNames({"a", "b"});
  Settle();
  sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ((Texts{"a", "b"}), NamesOf(sent[0]));
  EXPECT_TRUE(sent[0].has_error_detail());
  Answer(endpoints_, "1", {"a=bad"});
  Lose();
  Advance(seconds(1));
  // Anew, without the refusal of an answer of another stream.
  for (const DiscoveryRequest& request : transport_->TakeSent()) EXPECT_FALSE(request.has_error_detail());
  Advance(seconds(2));
  EXPECT_EQ(0u, transport_->TakeSent().size());
}

TEST_F(StreamSourceTest, ASubscriptionMayEndWithinItsCallback) {
  struct Ending : Watcher {
    void OnUpdate(const config::ResourceUpdate&, config::UpdateResult&) override { mine.reset(); }
    std::unique_ptr<config::Subscription> mine;
  } ending;
  ending.mine = Subscribe(endpoints_, ResourceNames::Only({"a"}), ending);
  const auto other = Subscribe(endpoints_, ResourceNames::Only({"a"}), other_);
  Settle();
  Answer(endpoints_, "1", {"a=x"});
  EXPECT_EQ(nullptr, ending.mine);
  EXPECT_EQ(Texts{"+a=x@1"}, other_.Take());
}

TEST_F(StreamSourceTest, RequestsAreLimitedAndTheNewestCounts) {
  grpc_.limited = true;
  grpc_.rate_limit = {2, 1};
  Start();
  const auto one = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_);
  Settle();
  for (const char* name : {"b", "c", "d"}) {
    one->UpdateNames({name});
    Settle();
  }
  EXPECT_EQ(2u, transport_->TakeSent().size());
  Advance(milliseconds(1100));
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ(Texts{"d"}, NamesOf(sent[0]));
}

TEST_F(StreamSourceTest, ATypeOfItsOwnHasItsOwnService) {
  const auto lds = Subscribe(listeners_, ResourceNames::All(), other_, {grpc_});
  Settle();
  EXPECT_EQ("/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners", transport_->last_path);
}

TEST_F(StreamSourceTest, OnAStreamOfOneTypeNewNamesAreAskedForWithoutAVersion) {
  const auto eds = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_, {grpc_});
  Settle();
  Answer(endpoints_, "7", {"a=x"});
  EXPECT_EQ("7", transport_->TakeSent().back().version_info());
  // What "b" is may be older than version 7.
  eds->UpdateNames({"a", "b"});
  Settle();
  auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("", sent[0].version_info());
  EXPECT_EQ("n7", sent[0].response_nonce());
  EXPECT_EQ((Texts{"a", "b"}), NamesOf(sent[0]));
  EXPECT_FALSE(sent[0].has_error_detail());
  eds_.Take();
  Answer(endpoints_, "7", {"a=x", "b=y"});
  EXPECT_EQ(Texts{"+b=y@7"}, eds_.Take());
  EXPECT_EQ("7", transport_->TakeSent().at(0).version_info());
  eds->UpdateNames({"b"});
  Settle();
  EXPECT_EQ("7", transport_->TakeSent().at(0).version_info());
}

TEST_F(StreamSourceTest, AStreamThatBeginsAnewWithOtherNamesHasNoVersion) {
  auto eds = Subscribe(endpoints_, ResourceNames::Only({"a"}), eds_, {grpc_});
  Settle();
  Answer(endpoints_, "7", {"a=x"});
  eds.reset();
  Settle();
  EXPECT_EQ(nullptr, transport_->link);
  transport_->TakeSent();
  eds = Subscribe(endpoints_, ResourceNames::Only({"b"}), eds_, {grpc_});
  Settle();
  const auto sent = transport_->TakeSent();
  ASSERT_EQ(1u, sent.size());
  EXPECT_EQ("", sent[0].version_info());
}

TEST_F(StreamSourceTest, AdsWithoutAdsConfigFailsSoon) {
  Start(/*ads=*/false);
  const auto cds = Subscribe(clusters_, ResourceNames::All(), cds_);
  EXPECT_EQ(Texts{}, cds_.told);
  Settle();
  EXPECT_EQ(Texts{"failed: its source is `ads`, and the bootstrap has no ads_config"}, cds_.Take());
}

}  // namespace
}  // namespace nuncio::xds
