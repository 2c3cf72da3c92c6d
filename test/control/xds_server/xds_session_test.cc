#include "source/control/xds_server/xds_session.h"

#include <gtest/gtest.h>

#include "source/control/metrics/counters.h"
#include "source/control/push/publisher.h"
#include "source/control/snapshot/snapshot_cache.h"
#include "source/control/store/sqlite_store.h"
#include "test/control/support/resources.h"
#include "test/control/support/temporary_directory.h"

namespace nuncio::control {
namespace {

using ::envoy::service::discovery::v3::DiscoveryRequest;
using ::envoy::service::discovery::v3::DiscoveryResponse;
using test::ApiListener;
using test::EdsCluster;
using test::Endpoints;
using test::RdsListener;
using test::Routes;
using test::RootsSecret;
using test::StaticCluster;
using test::TlsCluster;
using test::TlsListener;

const std::string kCluster(kClusterType);
const std::string kEndpoint(kEndpointType);
const std::string kListener(kListenerType);
const std::string kRoute(kRouteType);
const std::string kSecret(kSecretType);

// A client and its stream: requests go in, what comes out is told as text, "cluster[a b]".
class XdsSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *SqliteStore::Open(directory_.File("store"));
    publisher_ = std::make_unique<Publisher>(clock_, *store_, snapshots_, counters_, std::set<std::string>());
    history_ = std::make_unique<StateHistory>(*store_);
    session_ = std::make_unique<XdsSession>(*history_, "");
  }

  void Push(const std::vector<google::protobuf::Any>& resources) {
    PushCommand command;
    command.group = "g";
    command.resources = test::Pushed(resources);
    const absl::StatusOr<PushOutcome> outcome = publisher_->Push(command);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->kind, PushOutcome::Kind::kTaken)
        << (outcome->faults.empty() ? "" : outcome->faults[0].field_path + ": " + outcome->faults[0].reason);
    session_->OnSnapshot(snapshots_.Latest("g"));
  }

  // As a push, but of resources that are checked elsewhere.
  void Publish(uint64_t revision, const std::vector<google::protobuf::Any>& resources) {
    std::vector<SetEntry> entries;
    StoredRevision stored;
    stored.info.group = "g";
    stored.info.revision = revision;
    for (const google::protobuf::Any& any : resources) {
      entries.push_back({test::MakeResource(any), revision});
      stored.type_revisions.emplace_back(any.type_url(), revision);
    }
    stored.set = ResourceSet(std::move(entries));
    session_->OnSnapshot(std::make_shared<const Snapshot>(stored, nullptr));
  }

  absl::Status Request(const std::string& type, const std::vector<std::string>& names = {},
                       const std::string& nonce = "", const std::string& version = "", bool refuse = false) {
    DiscoveryRequest request;
    request.set_type_url(type);
    for (const std::string& name : names) request.add_resource_names(name);
    request.set_response_nonce(nonce);
    request.set_version_info(version);
    if (refuse) request.mutable_error_detail()->set_message("not that");
    return session_->OnRequest(request);
  }

  std::string Next() {
    const std::optional<OutgoingResponse> response = session_->Next(clock_.Monotonic());
    if (!response.has_value()) return "";
    last_ = *response;
    std::string text = ShortTypeName(response->type_url) + "[";
    for (const ResourcePtr& resource : response->selection->resources()) {
      text += (text.back() == '[' ? "" : " ") + resource->name();
    }
    return text + "]";
  }

  // Takes the last response, asking on for `names`.
  void Acknowledge(const std::vector<std::string>& names = {}) {
    ASSERT_TRUE(Request(last_.type_url, names, last_.nonce, last_.selection->version()).ok());
  }
  void Refuse(const std::vector<std::string>& names = {}) {
    ASSERT_TRUE(Request(last_.type_url, names, last_.nonce, "", true).ok());
  }

  TypeStatus StatusOf(const std::string& type) {
    for (const TypeStatus& status : session_->Status()) {
      if (status.type_url == type) return status;
    }
    return {};
  }

  // A client that has everything of `Application("a")`.
  void Converge() {
    ASSERT_TRUE(Request(kCluster).ok());
    ASSERT_EQ(Next(), "cluster[a]");
    Acknowledge();
    ASSERT_TRUE(Request(kEndpoint, {"a"}).ok());
    ASSERT_EQ(Next(), "endpoint[a]");
    Acknowledge({"a"});
    ASSERT_TRUE(Request(kListener).ok());
    ASSERT_EQ(Next(), "listener[l]");
    Acknowledge();
    ASSERT_TRUE(Request(kRoute, {"r"}).ok());
    ASSERT_EQ(Next(), "route[r]");
    Acknowledge({"r"});
    ASSERT_EQ(Next(), "");
  }
  static std::vector<google::protobuf::Any> Application(const std::string& cluster) {
    return {EdsCluster(cluster), Endpoints(cluster), RdsListener("l", 10000, "r"), Routes("r", cluster)};
  }

  SimulatedClock clock_;
  test::TemporaryDirectory directory_;
  std::unique_ptr<SqliteStore> store_;
  SnapshotCache snapshots_;
  Counters counters_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<StateHistory> history_;
  std::unique_ptr<XdsSession> session_;
  OutgoingResponse last_;
};

TEST_F(XdsSessionTest, NothingIsAnsweredBeforeTheFirstPush) {
  ASSERT_TRUE(Request(kCluster).ok());
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kWaitingForPush);
  Push({StaticCluster("a")});
  EXPECT_EQ(Next(), "cluster[a]");
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kPending);
  Acknowledge();
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kSynced);
}

TEST_F(XdsSessionTest, ResponsesCarryResourcesAsPushed) {
  const google::protobuf::Any pushed = StaticCluster("a");
  Push({pushed});
  ASSERT_TRUE(Request(kCluster).ok());
  ASSERT_EQ(Next(), "cluster[a]");
  DiscoveryResponse response;
  ASSERT_TRUE(response.ParseFromString(*last_.selection->Encoded()));
  ASSERT_EQ(response.resources_size(), 1);
  EXPECT_EQ(response.resources(0).type_url(), pushed.type_url());
  EXPECT_EQ(response.resources(0).value(), pushed.value());
}

TEST_F(XdsSessionTest, TypesThatDidNotChangeAreNotSentAgain) {
  Push(Application("a"));
  Converge();
  Push({EdsCluster("a"), Endpoints("a", 9999), RdsListener("l", 10000, "r"), Routes("r", "a")});
  EXPECT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  EXPECT_EQ(Next(), "");
}

TEST_F(XdsSessionTest, OnlyWhatIsAskedForByName) {
  Push({EdsCluster("a"), Endpoints("a"), EdsCluster("b"), Endpoints("b")});
  ASSERT_TRUE(Request(kEndpoint, {"b", "missing"}).ok());
  EXPECT_EQ(Next(), "endpoint[b]");
  Acknowledge({"b", "missing"});
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kEndpoint, {"a", "b"}, last_.nonce, last_.selection->version()).ok());
  EXPECT_EQ(Next(), "endpoint[a b]");
}

TEST_F(XdsSessionTest, AChangeOfOthersResourcesIsNotSent) {
  Push({EdsCluster("a"), Endpoints("a"), EdsCluster("b"), Endpoints("b")});
  ASSERT_TRUE(Request(kEndpoint, {"b"}).ok());
  EXPECT_EQ(Next(), "endpoint[b]");
  Acknowledge({"b"});
  Push({EdsCluster("a"), Endpoints("a", 1234), EdsCluster("b"), Endpoints("b")});
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(StatusOf(kEndpoint).state, TypeStatus::State::kSynced);
}

TEST_F(XdsSessionTest, AskingAgainForWhatWasGivenUpSendsItAgain) {
  Push({EdsCluster("a"), Endpoints("a"), EdsCluster("b"), Endpoints("b")});
  ASSERT_TRUE(Request(kEndpoint, {"a", "b"}).ok());
  EXPECT_EQ(Next(), "endpoint[a b]");
  Acknowledge({"a"});
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kEndpoint, {"a", "b"}, last_.nonce).ok());
  EXPECT_EQ(Next(), "endpoint[a b]");
}

TEST_F(XdsSessionTest, NoNamesMeansAllAtFirstAndNoneAfterNames) {
  Push({StaticCluster("a"), StaticCluster("b")});
  ASSERT_TRUE(Request(kCluster, {"a"}).ok());
  EXPECT_EQ(Next(), "cluster[a]");
  Acknowledge({});
  EXPECT_EQ(Next(), "");
  EXPECT_FALSE(StatusOf(kCluster).wildcard);
  ASSERT_TRUE(Request(kCluster, {"*"}, last_.nonce).ok());
  EXPECT_EQ(Next(), "cluster[a b]");
  EXPECT_TRUE(StatusOf(kCluster).wildcard);
  // Endpoints are never all meant.
  ASSERT_TRUE(Request(kEndpoint).ok());
  EXPECT_EQ(Next(), "");
}

TEST_F(XdsSessionTest, AMissingListenerIsToldByItsAbsence) {
  Push({StaticCluster("a")});
  ASSERT_TRUE(Request(kListener, {"one"}).ok());
  EXPECT_EQ(Next(), "listener[]");
  Acknowledge({"one"});
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kListener, {"one", "two"}, last_.nonce, last_.selection->version()).ok());
  EXPECT_EQ(Next(), "listener[]");
}

TEST_F(XdsSessionTest, StaleNoncesAreIgnored) {
  Push({StaticCluster("a")});
  ASSERT_TRUE(Request(kCluster).ok());
  EXPECT_EQ(Next(), "cluster[a]");
  ASSERT_TRUE(Request(kCluster, {"b"}, "no such nonce").ok());
  EXPECT_EQ(StatusOf(kCluster).acknowledged, 0u);
  EXPECT_TRUE(StatusOf(kCluster).wildcard);
  Acknowledge();
  EXPECT_EQ(StatusOf(kCluster).acknowledged, 1u);
}

TEST_F(XdsSessionTest, WhoGivesUpAllNamesOwesNoAnswer) {
  Push({EdsCluster("a"), Endpoints("a")});
  ASSERT_TRUE(Request(kEndpoint, {"a"}).ok());
  ASSERT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  const std::string before = last_.nonce;
  Push({StaticCluster("b")});
  ASSERT_EQ(Next(), "endpoint[]");
  // Written before the client saw that response; Envoy says nothing more.
  ASSERT_TRUE(Request(kEndpoint, {}, before).ok());
  EXPECT_EQ(StatusOf(kEndpoint).state, TypeStatus::State::kSynced);
  EXPECT_EQ(StatusOf(kEndpoint).subscribed_names, 0u);
  Push({EdsCluster("c"), Endpoints("c")});
  ASSERT_TRUE(Request(kEndpoint, {"c"}, before).ok());
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kEndpoint, {"c"}, last_.nonce).ok());
  EXPECT_EQ(Next(), "endpoint[c]");
}

TEST_F(XdsSessionTest, OneResponseUnderWayAndThenTheNewestState) {
  Push({StaticCluster("a")});
  ASSERT_TRUE(Request(kCluster).ok());
  EXPECT_EQ(Next(), "cluster[a]");
  Push({StaticCluster("a"), StaticCluster("b")});
  EXPECT_EQ(Next(), "");
  Push({StaticCluster("a"), StaticCluster("c")});
  EXPECT_EQ(Next(), "");
  Acknowledge();
  EXPECT_EQ(Next(), "cluster[a c]");
}

TEST_F(XdsSessionTest, ARefusalIsKeptAndNotSentAgainUntilItChanges) {
  Push({StaticCluster("a")});
  ASSERT_TRUE(Request(kCluster).ok());
  ASSERT_EQ(Next(), "cluster[a]");
  Acknowledge();
  const std::string good = last_.selection->version();
  Push({StaticCluster("a", 2)});
  ASSERT_EQ(Next(), "cluster[a]");
  Refuse();
  EXPECT_EQ(Next(), "");
  TypeStatus status = StatusOf(kCluster);
  EXPECT_EQ(status.state, TypeStatus::State::kRefused);
  EXPECT_EQ(status.error, "not that");
  EXPECT_EQ(status.acknowledged_version, good);
  EXPECT_EQ(status.refused_version, last_.selection->version());
  Push({StaticCluster("a", 3)});
  ASSERT_EQ(Next(), "cluster[a]");
  Acknowledge();
  status = StatusOf(kCluster);
  EXPECT_EQ(status.state, TypeStatus::State::kSynced);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(status.refused, 1u);
}

TEST_F(XdsSessionTest, NewClustersAndEndpointsArriveBeforeTheRoutesToThem) {
  Push(Application("a"));
  Converge();
  Push({EdsCluster("a"), Endpoints("a"), EdsCluster("b"), Endpoints("b"), RdsListener("l", 10000, "r"),
        RdsListener("m", 10001, "r"), Routes("r", "b")});
  EXPECT_EQ(Next(), "cluster[a b]");
  EXPECT_EQ(Next(), "") << "the clusters were not taken yet";
  Acknowledge();
  EXPECT_EQ(Next(), "") << "the endpoints of the new cluster were not asked for yet";
  ASSERT_TRUE(Request(kEndpoint, {"a", "b"}).ok());
  EXPECT_EQ(Next(), "endpoint[a b]");
  EXPECT_EQ(Next(), "");
  Acknowledge({"a", "b"});
  EXPECT_EQ(Next(), "listener[l m]");
  EXPECT_EQ(Next(), "") << "the listeners were not taken yet";
  Acknowledge();
  EXPECT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  EXPECT_EQ(Next(), "");
}

TEST_F(XdsSessionTest, RemovedClustersGoAfterTheRoutesToThem) {
  Push(Application("a"));
  Converge();
  Push(Application("b"));
  EXPECT_EQ(Next(), "cluster[a b]");
  Acknowledge();
  ASSERT_TRUE(Request(kEndpoint, {"a", "b"}).ok());
  EXPECT_EQ(Next(), "endpoint[b]");
  Acknowledge({"a", "b"});
  EXPECT_EQ(Next(), "route[r]");
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kPending);
  Acknowledge({"r"});
  EXPECT_EQ(Next(), "cluster[b]");
  Acknowledge();
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kSynced);
}

TEST_F(XdsSessionTest, WhileRoutesAreRefusedRemovedClustersStay) {
  Push(Application("a"));
  Converge();
  Push({StaticCluster("b"), RdsListener("l", 10000, "r"), Routes("r", "b")});
  EXPECT_EQ(Next(), "cluster[a b]");
  Acknowledge();
  EXPECT_EQ(Next(), "endpoint[]");
  Acknowledge({"a"});
  EXPECT_EQ(Next(), "route[r]");
  Refuse({"r"});
  clock_.Advance(10 * XdsSession::kDependencyWait);
  EXPECT_EQ(Next(), "") << "the refused routes may need cluster a";
  Push({StaticCluster("c"), RdsListener("l", 10000, "r"), Routes("r", "c")});
  EXPECT_EQ(Next(), "cluster[a b c]");
  Acknowledge();
  EXPECT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  EXPECT_EQ(Next(), "cluster[c]");
}

TEST_F(XdsSessionTest, AClientThatDoesNotAnswerHoldsTheRestUpForALimitedTime) {
  Push(Application("a"));
  Converge();
  Push({EdsCluster("a", 2), Endpoints("a", 1), RdsListener("l", 10001, "r"), Routes("r", "a")});
  EXPECT_EQ(Next(), "cluster[a]");
  EXPECT_EQ(Next(), "");
  EXPECT_TRUE(session_->waiting());
  clock_.Advance(XdsSession::kDependencyWait);
  EXPECT_EQ(Next(), "endpoint[a]");
  EXPECT_EQ(Next(), "listener[l]");
  EXPECT_FALSE(session_->waiting());
}

TEST_F(XdsSessionTest, EndpointsFollowAChangedClusterThoughTheyDidNotChange) {
  Push(Application("a"));
  Converge();
  Push({EdsCluster("a", 7), Endpoints("a"), RdsListener("l", 10000, "r"), Routes("r", "a")});
  EXPECT_EQ(Next(), "cluster[a]");
  EXPECT_EQ(Next(), "");
  Acknowledge();
  EXPECT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  EXPECT_EQ(Next(), "");
}

TEST_F(XdsSessionTest, AReturningClientIsNotSentWhatItHas) {
  Push(Application("a"));
  Converge();
  const std::string clusters = StatusOf(kCluster).acknowledged_version;
  const std::string listeners = StatusOf(kListener).acknowledged_version;
  session_ = std::make_unique<XdsSession>(*history_, "");
  session_->OnSnapshot(snapshots_.Latest("g"));
  ASSERT_TRUE(Request(kCluster, {}, "", clusters).ok());
  ASSERT_TRUE(Request(kListener, {}, "", listeners).ok());
  EXPECT_EQ(Next(), "");
  // By name it is answered: it may have dropped the resource meanwhile and asked for it anew.
  ASSERT_TRUE(Request(kEndpoint, {"a"}, "", "1.0123456789abcdef").ok());
  EXPECT_EQ(Next(), "endpoint[a]");
  EXPECT_EQ(StatusOf(kCluster).state, TypeStatus::State::kSynced);
}

TEST_F(XdsSessionTest, ClustersRemovedWhileAClientWasAwayGoAfterTheRoutesToo) {
  Push(Application("a"));
  Converge();
  const std::string clusters = StatusOf(kCluster).acknowledged_version;
  const std::string listeners = StatusOf(kListener).acknowledged_version;
  const std::string routes = StatusOf(kRoute).acknowledged_version;
  session_ = std::make_unique<XdsSession>(*history_, "");
  Push({StaticCluster("b"), RdsListener("l", 10000, "r"), Routes("r", "b")});
  ASSERT_TRUE(Request(kCluster, {}, "", clusters).ok());
  EXPECT_EQ(Next(), "cluster[a b]");
  Acknowledge();
  ASSERT_TRUE(Request(kListener, {}, "", listeners).ok());
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kRoute, {"r"}, "", routes).ok());
  EXPECT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  EXPECT_EQ(Next(), "cluster[b]");
}

TEST_F(XdsSessionTest, AStreamOfOneTypeIsNotOrdered) {
  Push({StaticCluster("a"), StaticCluster("b")});
  session_ = std::make_unique<XdsSession>(*history_, kCluster);
  session_->OnSnapshot(snapshots_.Latest("g"));
  ASSERT_TRUE(Request("").ok());
  EXPECT_EQ(Next(), "cluster[a b]");
  Acknowledge();
  Push({StaticCluster("b")});
  EXPECT_EQ(Next(), "cluster[b]");
  EXPECT_TRUE(absl::IsInvalidArgument(Request(kListener)));
}

TEST_F(XdsSessionTest, AnApplicationAsksFromTheListenerDown) {
  Push({EdsCluster("a"), Endpoints("a"), ApiListener("service", "r"), Routes("r", "a")});
  ASSERT_TRUE(Request(kListener, {"service"}).ok());
  EXPECT_EQ(Next(), "listener[service]");
  Acknowledge({"service"});
  ASSERT_TRUE(Request(kRoute, {"r"}).ok());
  EXPECT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  ASSERT_TRUE(Request(kCluster, {"a"}).ok());
  EXPECT_EQ(Next(), "cluster[a]");
  Acknowledge({"a"});
  ASSERT_TRUE(Request(kEndpoint, {"a"}).ok());
  EXPECT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  // It learns of a new cluster by the routes only, so these do not wait for it.
  Push({EdsCluster("a"), Endpoints("a"), StaticCluster("b"), ApiListener("service", "r"), Routes("r", "b")});
  EXPECT_EQ(Next(), "route[r]");
}

TEST_F(XdsSessionTest, RefusesWhatIsNoProtocol) {
  EXPECT_TRUE(absl::IsInvalidArgument(Request("")));
  for (size_t i = 0; i < XdsSession::kMaxTypes; ++i) {
    ASSERT_TRUE(Request("type.googleapis.com/x.T" + std::to_string(i)).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Request(kCluster)));
}

TEST_F(XdsSessionTest, ListenersWaitForTheSecretsOfClustersAndRoutesForAll) {
  Publish(1, {TlsCluster("a", "roots"), Endpoints("a"), RootsSecret("roots", "/roots"), RootsSecret("pair", "/pair"),
              TlsListener("l", 80, "r", "pair"), Routes("r", "a")});
  ASSERT_TRUE(Request(kCluster).ok());
  ASSERT_TRUE(Request(kListener).ok());
  ASSERT_EQ(Next(), "cluster[a]");
  Acknowledge();
  ASSERT_TRUE(Request(kEndpoint, {"a"}).ok());
  ASSERT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  EXPECT_EQ(Next(), "") << "the cluster waits for its secret";
  ASSERT_TRUE(Request(kSecret, {"roots"}).ok());
  ASSERT_EQ(Next(), "secret[roots]");
  EXPECT_EQ(Next(), "");
  Acknowledge({"roots"});
  ASSERT_EQ(Next(), "listener[l]");
  Acknowledge();
  ASSERT_TRUE(Request(kRoute, {"r"}).ok());
  ASSERT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  ASSERT_TRUE(Request(kSecret, {"pair", "roots"}, "3", last_.selection->version()).ok());
  ASSERT_EQ(Next(), "secret[pair roots]");
}

TEST_F(XdsSessionTest, ASecretReplacedGoesOutAlone) {
  Publish(1, {TlsCluster("a", "roots"), Endpoints("a"), RootsSecret("roots", "/roots")});
  ASSERT_TRUE(Request(kCluster).ok());
  ASSERT_EQ(Next(), "cluster[a]");
  Acknowledge();
  ASSERT_TRUE(Request(kEndpoint, {"a"}).ok());
  ASSERT_EQ(Next(), "endpoint[a]");
  Acknowledge({"a"});
  ASSERT_TRUE(Request(kSecret, {"roots"}).ok());
  ASSERT_EQ(Next(), "secret[roots]");
  Acknowledge({"roots"});
  ASSERT_EQ(Next(), "");
  Publish(2, {TlsCluster("a", "roots"), Endpoints("a"), RootsSecret("roots", "/newer")});
  ASSERT_EQ(Next(), "secret[roots]");
  Refuse({"roots"});
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(StatusOf(kSecret).state, TypeStatus::State::kRefused);
}

// A listener that waits for its secret does not take traffic yet: the one before does, to clusters that are to go.
TEST_F(XdsSessionTest, RemovedClustersStayUntilTheListenersSecretsArrived) {
  Publish(1, {StaticCluster("a"), RdsListener("l", 80, "r"), Routes("r", "a")});
  ASSERT_TRUE(Request(kCluster).ok());
  ASSERT_EQ(Next(), "cluster[a]");
  Acknowledge();
  ASSERT_TRUE(Request(kListener).ok());
  ASSERT_EQ(Next(), "listener[l]");
  Acknowledge();
  ASSERT_TRUE(Request(kRoute, {"r"}).ok());
  ASSERT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  Publish(2, {StaticCluster("b"), RootsSecret("pair", "/pair"), TlsListener("l", 80, "r", "pair"), Routes("r", "b")});
  ASSERT_EQ(Next(), "cluster[a b]");
  Acknowledge();
  ASSERT_EQ(Next(), "listener[l]");
  Acknowledge();
  ASSERT_EQ(Next(), "route[r]");
  Acknowledge({"r"});
  EXPECT_EQ(Next(), "");
  ASSERT_TRUE(Request(kSecret, {"pair"}).ok());
  ASSERT_EQ(Next(), "secret[pair]");
  EXPECT_EQ(Next(), "");
  Acknowledge({"pair"});
  EXPECT_EQ(Next(), "cluster[b]");
}

}  // namespace
}  // namespace nuncio::control
