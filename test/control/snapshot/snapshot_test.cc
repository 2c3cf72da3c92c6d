#include "source/control/snapshot/snapshot.h"

#include <gtest/gtest.h>

#include "source/control/snapshot/snapshot_cache.h"

namespace nuncio::control {
namespace {

ResourcePtr Opaque(const std::string& type, const std::string& name, const std::string& body) {
  return std::make_shared<const Resource>("type.googleapis.com/example." + type, name, body);
}
const std::string kA = "type.googleapis.com/example.A";
const std::string kB = "type.googleapis.com/example.B";

StoredRevision Revision(uint64_t number, std::vector<SetEntry> entries,
                        std::vector<std::pair<std::string, uint64_t>> type_revisions) {
  StoredRevision revision;
  revision.info.group = "g";
  revision.info.revision = number;
  revision.set = ResourceSet(std::move(entries));
  revision.type_revisions = std::move(type_revisions);
  return revision;
}

TEST(SnapshotTest, TypesThatDidNotChangeAreShared) {
  const ResourcePtr a = Opaque("A", "x", "1");
  const Snapshot first(Revision(1, {{a, 1}, {Opaque("B", "x", "1"), 1}}, {{kA, 1}, {kB, 1}}), nullptr);
  const Snapshot second(Revision(2, {{a, 1}, {Opaque("B", "x", "2"), 2}}, {{kA, 1}, {kB, 2}}), &first);
  EXPECT_EQ(first.Type(kA), second.Type(kA));
  EXPECT_NE(first.Type(kB), second.Type(kB));
  EXPECT_NE(first.Type(kB)->all()->hash(), second.Type(kB)->all()->hash());
  EXPECT_TRUE(second.Type("other")->all()->resources().empty());
}

TEST(SnapshotTest, EqualSelectionsAreOneObject) {
  const Snapshot snapshot(Revision(1, {{Opaque("A", "x", "1"), 1}, {Opaque("A", "y", "1"), 1}}, {{kA, 1}}), nullptr);
  const TypeSnapshotPtr type = snapshot.Type(kA);
  EXPECT_EQ(type->Select(false, {"x", "z"}, {}), type->Select(false, {"w", "x"}, {}));
  EXPECT_EQ(type->Select(false, {"x", "y"}, {}), type->all());
  EXPECT_NE(type->Select(false, {"y"}, {}), type->all());
}

TEST(SnapshotTest, AVersionTellsContentsApartAndNothingElse) {
  const auto version = [](const std::string& name, const std::string& body) {
    return std::string(HashPartOfVersion(Selection(kA, {Opaque("A", name, body)}, 1).version()));
  };
  EXPECT_EQ(version("x", "1"), version("x", "1"));
  EXPECT_NE(version("x", "1"), version("x", "2"));
  EXPECT_NE(version("x", "1"), version("y", "1"));
  EXPECT_EQ(HashPartOfVersion("not one of ours"), "");
}

class Watcher : public SnapshotWatcher {
 public:
  void OnSnapshot(const SnapshotPtr& snapshot) override { seen.push_back(snapshot->revision()); }
  std::vector<uint64_t> seen;
};

TEST(SnapshotCacheTest, WatchersHearOfTheirGroupForAsLongAsTheyLive) {
  SnapshotCache cache;
  auto watcher = std::make_shared<Watcher>();
  EXPECT_EQ(cache.Watch("g", watcher), nullptr);
  cache.Publish(std::make_shared<const Snapshot>(Revision(1, {}, {}), nullptr));
  cache.Publish(std::make_shared<const Snapshot>(Revision(3, {}, {}), nullptr));
  cache.Publish(std::make_shared<const Snapshot>(Revision(2, {}, {}), nullptr));
  EXPECT_EQ(watcher->seen, (std::vector<uint64_t>{1, 3}));
  EXPECT_EQ(cache.Latest("g")->revision(), 3u);
  auto other = std::make_shared<Watcher>();
  EXPECT_EQ(cache.Watch("g", other)->revision(), 3u);
  other.reset();
  cache.Unwatch("g", watcher.get());
  cache.Publish(std::make_shared<const Snapshot>(Revision(4, {}, {}), nullptr));
  EXPECT_EQ(watcher->seen.size(), 2u);
}

}  // namespace
}  // namespace nuncio::control
