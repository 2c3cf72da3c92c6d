#include "source/control/fleet/fleet.h"

#include <gtest/gtest.h>

namespace nuncio::control {
namespace {

using State = TypeStatus::State;

TypeStatus Type(const std::string& url, State state) {
  TypeStatus status;
  status.type_url = url;
  status.state = state;
  return status;
}

class FleetTest : public ::testing::Test {
 protected:
  static ProxyIdentity Identity(const std::string& node_id, const std::string& group = "g") {
    return {.node_id = node_id, .group = group, .node_cluster = "c", .address = "a", .user_agent = "u"};
  }
  // "g/n1" of what comes next, "-g/n1" where it is forgotten, "" where nothing is left.
  std::string Next(Fleet::Cursor& cursor) {
    const std::optional<FleetEvent> event = fleet_.NextEvent(cursor);
    if (!event.has_value()) return "";
    return (event->state.has_value() ? "" : "-") + event->group + "/" + event->node_id;
  }

  SimulatedClock clock_;
  Fleet fleet_{clock_, {.forget_after = std::chrono::minutes(10), .max_gone = 3}};
};

TEST_F(FleetTest, AProxyIsSyncedWhenEveryTypeIs) {
  const Fleet::StreamId stream = fleet_.OnStreamOpened(Identity("n1"), true);
  fleet_.OnStatus(stream, 4, {Type("a", State::kSynced), Type("b", State::kPending)});
  EXPECT_FALSE(fleet_.List("", "")[0].synced());
  fleet_.OnStatus(stream, 4, {Type("a", State::kSynced), Type("b", State::kSynced)});
  const ProxyState state = fleet_.List("", "")[0];
  EXPECT_TRUE(state.synced());
  EXPECT_EQ(state.target_revision, 4u);
  fleet_.OnStreamClosed(stream);
  EXPECT_FALSE(fleet_.List("", "")[0].synced());
  EXPECT_EQ(fleet_.List("", "")[0].types.size(), 2u) << "what it ran last is still to be seen";
}

TEST_F(FleetTest, StreamsOfOneNodeAreOneProxy) {
  const Fleet::StreamId clusters = fleet_.OnStreamOpened(Identity("n1"), false);
  clock_.Advance(std::chrono::seconds(5));
  const Fleet::StreamId routes = fleet_.OnStreamOpened(Identity("n1"), false);
  fleet_.OnStatus(clusters, 1, {Type("clusters", State::kSynced)});
  fleet_.OnStatus(routes, 1, {Type("routes", State::kSynced)});
  ASSERT_EQ(fleet_.List("", "").size(), 1u);
  EXPECT_EQ(fleet_.List("", "")[0].types.size(), 2u);
  EXPECT_EQ(fleet_.List("", "")[0].open_streams, 2u);
  EXPECT_FALSE(fleet_.List("", "")[0].duplicate_node_id);
  fleet_.OnStreamClosed(clusters);
  EXPECT_TRUE(fleet_.List("", "")[0].connected);
  fleet_.OnStreamClosed(routes);
  EXPECT_FALSE(fleet_.List("", "")[0].connected);
  EXPECT_EQ(fleet_.List("", "")[0].disconnect_time, clock_.System());
}

TEST_F(FleetTest, TwoAggregatedStreamsOfOneNodeIdAreADuplicate) {
  const Fleet::StreamId first = fleet_.OnStreamOpened(Identity("n1"), true);
  fleet_.OnStreamOpened(Identity("n1"), true);
  EXPECT_TRUE(fleet_.List("", "")[0].duplicate_node_id);
  fleet_.OnStreamClosed(first);
  EXPECT_FALSE(fleet_.List("", "")[0].duplicate_node_id);
}

TEST_F(FleetTest, ListsByGroupAndNode) {
  fleet_.OnStreamOpened(Identity("n1", "g"), true);
  fleet_.OnStreamOpened(Identity("n2", "g"), true);
  fleet_.OnStreamOpened(Identity("n1", "h"), true);
  EXPECT_EQ(fleet_.List("", "").size(), 3u);
  EXPECT_EQ(fleet_.List("g", "").size(), 2u);
  EXPECT_EQ(fleet_.List("g", "n2").size(), 1u);
  EXPECT_EQ(fleet_.ConnectedByGroup().at("g"), 2u);
}

TEST_F(FleetTest, AWatcherSeesThePresentAndThenTheLastOfSeveralChanges) {
  const Fleet::StreamId one = fleet_.OnStreamOpened(Identity("n1"), true);
  fleet_.OnStreamOpened(Identity("n2"), true);
  Fleet::Cursor cursor = fleet_.Begin();
  EXPECT_EQ(Next(cursor), "g/n1");
  EXPECT_FALSE(cursor.through_initial_state());
  EXPECT_EQ(Next(cursor), "g/n2");
  EXPECT_TRUE(cursor.through_initial_state());
  EXPECT_EQ(Next(cursor), "");
  fleet_.OnStatus(one, 1, {Type("a", State::kPending)});
  fleet_.OnStatus(one, 1, {Type("a", State::kSynced)});
  const std::optional<FleetEvent> event = fleet_.NextEvent(cursor);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->state->types[0].state, State::kSynced);
  EXPECT_EQ(Next(cursor), "");
  // That something was heard of it is no change.
  fleet_.OnActivity(one);
  EXPECT_EQ(Next(cursor), "");
}

TEST_F(FleetTest, WhoIsGoneIsForgottenAfterAWhile) {
  fleet_.OnStreamClosed(fleet_.OnStreamOpened(Identity("n1"), true));
  Fleet::Cursor cursor = fleet_.Begin();
  EXPECT_EQ(Next(cursor), "g/n1");
  clock_.Advance(std::chrono::minutes(10) - std::chrono::seconds(1));
  fleet_.Prune();
  EXPECT_EQ(fleet_.List("", "").size(), 1u);
  clock_.Advance(std::chrono::seconds(1));
  fleet_.Prune();
  EXPECT_EQ(fleet_.List("", "").size(), 0u);
  EXPECT_EQ(Next(cursor), "-g/n1");
  Fleet::Cursor later = fleet_.Begin();
  EXPECT_EQ(Next(later), "") << "who begins now never knew it";
  EXPECT_TRUE(later.through_initial_state());
  fleet_.OnStreamOpened(Identity("n1"), true);
  EXPECT_EQ(Next(cursor), "g/n1");
}

TEST_F(FleetTest, ACrowdOfNamesIsBounded) {
  for (int i = 0; i < 100; ++i) {
    fleet_.OnStreamClosed(fleet_.OnStreamOpened(Identity("n" + std::to_string(i)), true));
  }
  const std::vector<ProxyState> kept = fleet_.List("", "");
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].identity.node_id, "n97");
}

}  // namespace
}  // namespace nuncio::control
