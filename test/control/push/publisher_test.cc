#include "source/control/push/publisher.h"

#include <gtest/gtest.h>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/control/model/resource_types.h"
#include "source/control/store/sqlite_store.h"
#include "test/control/support/resources.h"
#include "test/control/support/temporary_directory.h"

namespace nuncio::control {
namespace {

using ::envoy::config::cluster::v3::Cluster;
using ::envoy::config::listener::v3::Listener;
using ::envoy::config::route::v3::RouteConfiguration;
using ::google::protobuf::Any;
using test::EdsCluster;
using test::Endpoints;
using test::RdsListener;
using test::Routes;
using test::StaticCluster;
using Kind = PushOutcome::Kind;

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    publisher_.reset();
    store_.reset();
    store_ = *SqliteStore::Open(directory_.File("store"));
    snapshots_ = std::make_unique<SnapshotCache>();
    publisher_ =
        std::make_unique<Publisher>(clock_, *store_, *snapshots_, counters_, std::set<std::string>{"control_plane"});
    ASSERT_TRUE(publisher_->Restore().ok());
  }

  PushOutcome Push(const PushCommand& command) {
    absl::StatusOr<PushOutcome> outcome = publisher_->Push(command);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *std::move(outcome);
  }
  PushOutcome Push(const std::vector<Any>& resources) { return Push(Whole(resources)); }

  static PushCommand Whole(const std::vector<Any>& resources) {
    PushCommand command;
    command.group = "g";
    command.resources = test::Pushed(resources);
    return command;
  }
  static PushCommand Partial(const std::vector<Any>& resources, std::vector<ResourceKey> deletes = {}) {
    PushCommand command = Whole(resources);
    command.partial = true;
    command.deletes = std::move(deletes);
    return command;
  }

  static RollbackCommand RollbackTo(const std::string& group, uint64_t revision) {
    RollbackCommand command;
    command.group = group;
    command.to_revision = revision;
    return command;
  }

  // "cluster a: name: reason" of each fault.
  static std::string Faults(const std::vector<ResourceFault>& faults) {
    std::string text;
    for (const ResourceFault& fault : faults) {
      text += (fault.severity == Severity::kError ? "" : "warning ") + ShortTypeName(fault.key.type_url) + " " +
              fault.key.name + ": " + fault.field_path + ": " + fault.reason +
              (fault.index.has_value() ? " #" + std::to_string(*fault.index) : "") + "\n";
    }
    return text;
  }
  std::string Names() {
    std::string text;
    const auto latest = publisher_->Latest("g");
    if (latest == nullptr) return "none";
    for (const SetEntry& entry : latest->set.entries()) {
      text += entry.resource->name() + "@" + std::to_string(entry.changed_revision) + " ";
    }
    return text;
  }

  SimulatedClock clock_;
  test::TemporaryDirectory directory_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<SnapshotCache> snapshots_;
  Counters counters_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_F(PublisherTest, AWholePushReplacesTheSet) {
  EXPECT_EQ(Push({StaticCluster("a"), StaticCluster("b")}).latest->revision, 1u);
  const PushOutcome second = Push({StaticCluster("b"), StaticCluster("c")});
  EXPECT_EQ(second.kind, Kind::kTaken);
  EXPECT_EQ(second.latest->revision, 2u);
  EXPECT_EQ(second.latest->added, 1u);
  EXPECT_EQ(second.latest->changed, 0u);
  EXPECT_EQ(second.latest->removed, 1u);
  EXPECT_EQ(Names(), "b@1 c@2 ");
  EXPECT_EQ(snapshots_->Latest("g")->revision(), 2u);
}

TEST_F(PublisherTest, APartialPushAmendsIt) {
  Push({StaticCluster("a"), StaticCluster("b"), StaticCluster("c")});
  Push(Partial({StaticCluster("b", 9), StaticCluster("d")}, {{std::string(kClusterType), "a"}}));
  EXPECT_EQ(Names(), "b@2 c@1 d@2 ");
}

TEST_F(PublisherTest, TheSameSetMakesNoRevision) {
  Push({StaticCluster("a")});
  EXPECT_EQ(Push({StaticCluster("a")}).kind, Kind::kUnchanged);
  EXPECT_EQ(Push(Partial({StaticCluster("a")})).kind, Kind::kUnchanged);
  EXPECT_EQ(publisher_->Latest("g")->info.revision, 1u);
}

TEST_F(PublisherTest, ADryRunChangesNothing) {
  PushCommand command = Whole({StaticCluster("a")});
  command.dry_run = true;
  const PushOutcome outcome = Push(command);
  EXPECT_EQ(outcome.kind, Kind::kTaken);
  EXPECT_EQ(outcome.differences.size(), 1u);
  EXPECT_EQ(Names(), "none");
  EXPECT_TRUE(store_->Groups()->empty());
}

TEST_F(PublisherTest, TwoOperatorsCannotOverwriteEachOther) {
  PushCommand first = Whole({StaticCluster("a")});
  first.expected_revision = 0;
  first.author = "ann";
  EXPECT_EQ(Push(first).kind, Kind::kTaken);
  PushCommand second = Whole({StaticCluster("b")});
  second.expected_revision = 0;
  const PushOutcome outcome = Push(second);
  EXPECT_EQ(outcome.kind, Kind::kConflict);
  EXPECT_EQ(outcome.latest->author, "ann");
  EXPECT_EQ(Names(), "a@1 ");
  second.expected_revision = 1;
  EXPECT_EQ(Push(second).kind, Kind::kTaken);
}

TEST_F(PublisherTest, EverythingWrongComesBackAtOnceAndNothingTakesEffect) {
  Push({StaticCluster("a")});
  Cluster nameless;
  nameless.mutable_connect_timeout()->set_seconds(1);
  Any bytes;
  bytes.set_type_url(std::string(kRouteType));
  bytes.set_value("\xff\xff");
  Any nothing;
  nothing.PackFrom(nameless);
  const PushOutcome outcome =
      Push({StaticCluster("new"), nothing, bytes, Routes("r", "missing"), EdsCluster("e"),
            RdsListener("l", 10000, "nowhere"), RdsListener("m", 10000, "r"), StaticCluster("new", 2)});
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(Faults(outcome.faults),
            "cluster : name: must not be empty #1\n"
            "route : : its bytes are no envoy.config.route.v3.RouteConfiguration #2\n"
            "cluster new: : there are two of this type and name: resources 0 and 7 of the push #7\n"
            "cluster e: name: there is no endpoint \"e\" in the group #4\n"
            "listener l: filter_chains[0].filters[0].typed_config.rds.route_config_name: there is no route \"nowhere\" "
            "in the group #5\n"
            "listener m: address: address tcp 127.0.0.1:10000 is that of listener \"l\" too #6\n"
            "route r: virtual_hosts[0].routes[0].route.cluster: there is no cluster \"missing\" in the group #3\n");
  EXPECT_EQ(Names(), "a@1 ");
}

TEST_F(PublisherTest, ABadExpressionIsRefusedInTheProxysWords) {
  RouteConfiguration routes;
  Routes("r", "a").UnpackTo(&routes);
  routes.mutable_virtual_hosts(0)->mutable_routes(0)->mutable_match()->mutable_safe_regex()->set_regex("a(b");
  Any any;
  any.PackFrom(routes);
  const PushOutcome outcome = Push({StaticCluster("a"), any});
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  ASSERT_EQ(outcome.faults.size(), 1u);
  EXPECT_EQ(outcome.faults[0].field_path, "virtual_hosts[0].routes[0].match.safe_regex.regex");
  EXPECT_NE(outcome.faults[0].reason.find("a(b"), std::string::npos) << outcome.faults[0].reason;
}

TEST_F(PublisherTest, ADeletionThatLeavesAReferenceBehindIsRefused) {
  Push({StaticCluster("a"), Routes("r", "a")});
  const PushOutcome outcome = Push(Partial({}, {{std::string(kClusterType), "a"}}));
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(Faults(outcome.faults),
            "route r: virtual_hosts[0].routes[0].route.cluster: there is no cluster \"a\" in the group\n");
}

TEST_F(PublisherTest, ClustersOfTheBootstrapMayBeNamed) {
  EXPECT_EQ(Push({Routes("r", "control_plane")}).kind, Kind::kTaken);
}

TEST_F(PublisherTest, PortZeroNeverClashes) {
  EXPECT_EQ(Push({RdsListener("l", 0, "r"), RdsListener("m", 0, "r"), StaticCluster("a"), Routes("r", "a")}).kind,
            Kind::kTaken);
}

TEST_F(PublisherTest, WhatIsNotKnownIsAWarningAndAnErrorWhenStrict) {
  Any unknown;
  unknown.set_type_url("type.googleapis.com/envoy.service.runtime.v3.Runtime");
  unknown.set_value("anything");
  Cluster cluster;
  StaticCluster("a").UnpackTo(&cluster);
  cluster.GetReflection()->MutableUnknownFields(&cluster)->AddVarint(999, 1);
  Any with_unknown_field;
  with_unknown_field.PackFrom(cluster);
  PushCommand command = Whole({with_unknown_field});
  command.resources.push_back({"runtime", unknown});
  command.strict = true;
  PushOutcome outcome = Push(command);
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(outcome.faults.size(), 2u) << Faults(outcome.faults);
  command.strict = false;
  outcome = Push(command);
  EXPECT_EQ(outcome.kind, Kind::kTaken);
  ASSERT_EQ(outcome.faults.size(), 2u) << Faults(outcome.faults);
  EXPECT_EQ(outcome.faults[0].severity, Severity::kWarning);
  EXPECT_NE(outcome.faults[0].reason.find("999"), std::string::npos) << outcome.faults[0].reason;
  // Bytes stay as they were.
  const SetEntry* entry = publisher_->Latest("g")->set.Find({std::string(kClusterType), "a"});
  EXPECT_EQ(entry->resource->body(), with_unknown_field.value());
  // Without a name nobody could ask for it.
  command.resources[1].name.clear();
  EXPECT_EQ(Push(command).kind, Kind::kRefused);
}

TEST_F(PublisherTest, ANameMustBeTheResourcesOwn) {
  PushCommand command = Whole({});
  command.resources.push_back({"b", StaticCluster("a")});
  const PushOutcome outcome = Push(command);
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(Faults(outcome.faults), "cluster b: name: it is named \"a\", but pushed as \"b\" #0\n");
}

TEST_F(PublisherTest, RollbackBringsAnOldSetBackAsANewRevision) {
  Push({StaticCluster("a"), StaticCluster("b")});
  Push({StaticCluster("b", 2), StaticCluster("c")});
  Push({StaticCluster("d")});
  uint64_t to = 0;
  absl::StatusOr<PushOutcome> outcome = publisher_->Rollback(RollbackTo("g", 1), to);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(to, 1u);
  EXPECT_EQ(outcome->latest->revision, 4u);
  EXPECT_EQ(outcome->latest->origin, RevisionOrigin::kRollback);
  EXPECT_EQ(outcome->latest->rolled_back_to, 1u);
  EXPECT_EQ(outcome->latest->message, "Roll back to revision 1");
  EXPECT_EQ(Names(), "a@4 b@4 ");
  // Without a number: the one before.
  outcome = publisher_->Rollback(RollbackTo("g", 0), to);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(to, 3u);
  EXPECT_EQ(Names(), "d@5 ");
  EXPECT_TRUE(absl::IsNotFound(publisher_->Rollback(RollbackTo("g", 77), to).status()));
  EXPECT_TRUE(absl::IsNotFound(publisher_->Rollback(RollbackTo("other", 0), to).status()));
}

TEST_F(PublisherTest, AfterARestartVersionsAreTheSame) {
  Push({EdsCluster("a"), Endpoints("a")});
  Push({EdsCluster("a"), Endpoints("a", 9)});
  const std::string clusters = snapshots_->Latest("g")->Type(kClusterType)->all()->version();
  const std::string endpoints = snapshots_->Latest("g")->Type(kEndpointType)->all()->version();
  EXPECT_EQ(clusters.substr(0, 2), "1.");
  EXPECT_EQ(endpoints.substr(0, 2), "2.");
  Start();
  EXPECT_EQ(Names(), "a@1 a@2 ");
  EXPECT_EQ(snapshots_->Latest("g")->Type(kClusterType)->all()->version(), clusters);
  EXPECT_EQ(snapshots_->Latest("g")->Type(kEndpointType)->all()->version(), endpoints);
}

TEST_F(PublisherTest, ValidateLooksAtTheSetAlone) {
  EXPECT_EQ(Faults(publisher_->Validate(test::Pushed({Routes("r", "x")}), false, false)),
            "route r: virtual_hosts[0].routes[0].route.cluster: there is no cluster \"x\" in the group #0\n");
  EXPECT_EQ(Faults(publisher_->Validate(test::Pushed({Routes("r", "x")}), false, true)), "");
}

}  // namespace
}  // namespace nuncio::control
