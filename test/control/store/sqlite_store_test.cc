#include "source/control/store/sqlite_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "test/control/support/resources.h"
#include "test/control/support/temporary_directory.h"

namespace nuncio::control {
namespace {

constexpr char kType[] = "type.googleapis.com/example.Opaque";

ResourcePtr Opaque(const std::string& name, const std::string& body) {
  return std::make_shared<const Resource>(kType, name, body);
}

RevisionStep Step(const std::string& group, uint64_t revision, std::vector<ResourcePtr> upserts,
                  std::vector<ResourceKey> deletes = {}) {
  RevisionStep step;
  step.info.group = group;
  step.info.revision = revision;
  step.info.author = "me";
  step.info.message = "why";
  step.info.create_time = SystemTime(std::chrono::seconds(1'700'000'000));
  step.upserts = std::move(upserts);
  step.deletes = std::move(deletes);
  return step;
}

std::string Contents(const ResourceSet& set) {
  std::string text;
  for (const SetEntry& entry : set.entries()) {
    text += entry.resource->name() + "=" + entry.resource->body() + "@" + std::to_string(entry.changed_revision) + " ";
  }
  return text;
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open() {
    absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.File("store.db");
};

TEST_F(SqliteStoreTest, EveryRevisionCanBeReadAfterReopening) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->Append(Step("g", 1, {Opaque("a", "1"), Opaque("b", "1")})).ok());
    ASSERT_TRUE(store->Append(Step("g", 2, {Opaque("a", "2")})).ok());
    ASSERT_TRUE(store->Append(Step("g", 3, {Opaque("c", "1")}, {{kType, "b"}})).ok());
  }
  const auto store = Open();
  EXPECT_EQ(Contents(store->Load("g", 1)->set), "a=1@1 b=1@1 ");
  EXPECT_EQ(Contents(store->Load("g", 2)->set), "a=2@2 b=1@1 ");
  EXPECT_EQ(Contents(store->Load("g", 3)->set), "a=2@2 c=1@3 ");
  const absl::StatusOr<StoredRevision> latest = store->Load("g", std::nullopt);
  EXPECT_EQ(latest->info.revision, 3u);
  EXPECT_EQ(latest->info.author, "me");
  EXPECT_EQ(latest->info.create_time, SystemTime(std::chrono::seconds(1'700'000'000)));
}

TEST_F(SqliteStoreTest, TypeRevisionCountsRemovalsUpToTheRevisionLoaded) {
  const auto store = Open();
  ASSERT_TRUE(store->Append(Step("g", 1, {Opaque("a", "1"), Opaque("b", "1")})).ok());
  ASSERT_TRUE(store->Append(Step("g", 2, {}, {{kType, "b"}})).ok());
  ASSERT_TRUE(store->Append(Step("g", 3, {std::make_shared<const Resource>(std::string(kType) + "2", "x", "")})).ok());
  using Types = std::vector<std::pair<std::string, uint64_t>>;
  EXPECT_EQ(store->Load("g", 1)->type_revisions, (Types{{kType, 1}}));
  EXPECT_EQ(store->Load("g", 2)->type_revisions, (Types{{kType, 2}}));
  EXPECT_EQ(store->Load("g", 3)->type_revisions, (Types{{kType, 2}, {std::string(kType) + "2", 3}}));
}

TEST_F(SqliteStoreTest, GroupsAreApart) {
  const auto store = Open();
  ASSERT_TRUE(store->Append(Step("one", 1, {Opaque("a", "1")})).ok());
  ASSERT_TRUE(store->Append(Step("two", 1, {Opaque("a", "2")})).ok());
  EXPECT_EQ(*store->Groups(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(Contents(store->Load("one", 1)->set), "a=1@1 ");
  EXPECT_EQ(Contents(store->Load("two", 1)->set), "a=2@1 ");
  EXPECT_TRUE(absl::IsNotFound(store->Load("three", std::nullopt).status()));
  EXPECT_TRUE(absl::IsNotFound(store->Load("one", 2).status()));
}

TEST_F(SqliteStoreTest, RefusesARevisionThatDoesNotFollow) {
  const auto store = Open();
  ASSERT_TRUE(store->Append(Step("g", 1, {Opaque("a", "1")})).ok());
  EXPECT_TRUE(absl::IsAborted(store->Append(Step("g", 1, {Opaque("a", "2")}))));
  EXPECT_TRUE(absl::IsAborted(store->Append(Step("g", 3, {Opaque("a", "2")}))));
  EXPECT_EQ(Contents(store->Load("g", std::nullopt)->set), "a=1@1 ");
}

TEST_F(SqliteStoreTest, HistoryIsNewestFirstAndPaged) {
  const auto store = Open();
  for (uint64_t revision = 1; revision <= 5; ++revision) {
    ASSERT_TRUE(store->Append(Step("g", revision, {Opaque("a", std::to_string(revision))})).ok());
  }
  const auto numbers = [&](std::optional<uint64_t> before, size_t limit) {
    std::vector<uint64_t> found;
    const auto history = store->History("g", before, limit);
    for (const RevisionInfo& info : *history) found.push_back(info.revision);
    return found;
  };
  EXPECT_EQ(numbers(std::nullopt, 2), (std::vector<uint64_t>{5, 4}));
  EXPECT_EQ(numbers(4, 10), (std::vector<uint64_t>{3, 2, 1}));
  EXPECT_EQ(numbers(1, 10), std::vector<uint64_t>());
  EXPECT_TRUE(store->History("other", std::nullopt, 10)->empty());
}

TEST_F(SqliteStoreTest, WhatDoesNotChangeCostsARevisionNothing) {
  const auto store = Open();
  std::vector<ResourcePtr> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back(Opaque("r" + std::to_string(i), std::string(1000, 'x') + std::to_string(i)));
  ASSERT_TRUE(store->Append(Step("g", 1, many)).ok());
  const uint64_t before = *store->SizeOnDisk();
  // The same two bodies again and again, as with rollbacks to and fro.
  for (uint64_t revision = 2; revision <= 101; ++revision) {
    ASSERT_TRUE(
        store->Append(Step("g", revision, {Opaque("r0", std::string(100'000, revision % 2 ? 'a' : 'b'))})).ok());
  }
  // A hundred new copies of the changed body alone would be ten megabytes, of the set a hundred. The log may keep a few
  // megabytes before it is folded in.
  EXPECT_LT(*store->SizeOnDisk(), before + 6'000'000);
}

TEST_F(SqliteStoreTest, OneProcessAtATime) {
  const auto store = Open();
  const absl::StatusOr<std::unique_ptr<SqliteStore>> second = SqliteStore::Open(path_);
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_NE(second.status().message().find("another nuncio-control"), absl::string_view::npos);
}

TEST_F(SqliteStoreTest, RefusesForeignFiles) {
  std::ofstream(directory_.File("text")) << "this is no database, but it is long enough to look like one to a reader\n";
  EXPECT_TRUE(absl::IsFailedPrecondition(SqliteStore::Open(directory_.File("text")).status()));
  {
    absl::StatusOr<SqliteConnection> foreign = SqliteConnection::Open(directory_.File("foreign"));
    ASSERT_TRUE(foreign->Execute("CREATE TABLE t (x)").ok());
  }
  const absl::Status status = SqliteStore::Open(directory_.File("foreign")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(status.message().find("another program"), absl::string_view::npos);
  {
    Open();
    absl::StatusOr<SqliteConnection> later = SqliteConnection::Open(path_);
    ASSERT_TRUE(later->Execute("PRAGMA user_version = 99").ok());
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(SqliteStore::Open(path_).status()));
}

// A child appends revisions, telling each over a pipe once it is acknowledged, until it is killed without warning at
// some point of some append.
TEST_F(SqliteStoreTest, KilledInTheMiddleItKeepsWhatItAcknowledgedAndNoHalves) {
  constexpr int kResources = 200;
  for (int round = 0; round < 5; ++round) {
    const std::string path = directory_.File("killed" + std::to_string(round));
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path);
      if (!store.ok()) _exit(1);
      for (uint64_t revision = 1;; ++revision) {
        std::vector<ResourcePtr> resources;
        for (int i = 0; i < kResources; ++i) {
          resources.push_back(Opaque("r" + std::to_string(i), std::to_string(revision)));
        }
        if (!(*store)->Append(Step("g", revision, std::move(resources))).ok()) _exit(2);
        if (write(pipe_fds[1], &revision, sizeof(revision)) != sizeof(revision)) _exit(3);
      }
    }
    close(pipe_fds[1]);
    uint64_t acknowledged = 0;
    while (acknowledged < static_cast<uint64_t>(3 + 2 * round)) {
      ASSERT_EQ(read(pipe_fds[0], &acknowledged, sizeof(acknowledged)), static_cast<ssize_t>(sizeof(acknowledged)));
    }
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    for (uint64_t revision; read(pipe_fds[0], &revision, sizeof(revision)) == sizeof(revision);)
      acknowledged = revision;
    close(pipe_fds[0]);

    absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path);
    ASSERT_TRUE(store.ok()) << store.status();
    const absl::StatusOr<StoredRevision> latest = (*store)->Load("g", std::nullopt);
    ASSERT_TRUE(latest.ok()) << latest.status();
    // One more may have been stored whose acknowledgement never got out.
    EXPECT_GE(latest->info.revision, acknowledged);
    EXPECT_LE(latest->info.revision, acknowledged + 1);
    ASSERT_EQ(latest->set.size(), static_cast<size_t>(kResources));
    for (const SetEntry& entry : latest->set.entries()) {
      EXPECT_EQ(entry.resource->body(), std::to_string(latest->info.revision));
    }
    EXPECT_TRUE((*store)->Append(Step("g", latest->info.revision + 1, {Opaque("r0", "after")})).ok());
  }
}

}  // namespace
}  // namespace nuncio::control
