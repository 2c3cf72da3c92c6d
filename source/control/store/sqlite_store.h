#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "source/control/store/sqlite_connection.h"
#include "source/control/store/store.h"

namespace nuncio::control {

// All revisions in one SQLite file, in write-ahead-log mode with full synchronisation: what Append returned OK for
// survives kill -9 and loss of power, and what it did not return for is there whole or not at all.
//
// A body is stored once however many revisions and groups hold it, and a resource that does not change costs a revision
// nothing: a row says from which revision to which a group had a resource.
class SqliteStore : public Store {
 public:
  // Makes the file where there is none. Unavailable where another process has it open as a store, FailedPrecondition
  // where it is no store or of a later schema than this program knows.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path);
  ~SqliteStore() override;

  absl::StatusOr<std::vector<std::string>> Groups() override;
  absl::Status Append(const RevisionStep& step) override;
  absl::StatusOr<StoredRevision> Load(const std::string& group, std::optional<uint64_t> revision) override;
  absl::StatusOr<std::vector<RevisionInfo>> History(const std::string& group, std::optional<uint64_t> before,
                                                    size_t limit) override;
  absl::StatusOr<uint64_t> SizeOnDisk() override;

 private:
  SqliteStore(std::string path, int lock_fd, SqliteConnection connection)
      : path_(std::move(path)), lock_fd_(lock_fd), connection_(std::move(connection)) {}

  absl::Status PrepareSchema();
  absl::Status PrepareStatements();
  // The caller of these holds mutex_.
  absl::StatusOr<int64_t> GroupId(const std::string& group);
  absl::StatusOr<int64_t> GroupIdForAppend(const RevisionStep& step);
  absl::StatusOr<int64_t> BodyId(const Resource& resource);
  absl::Status WriteEntries(int64_t group_id, const RevisionStep& step);
  absl::Status WriteRevision(int64_t group_id, const RevisionInfo& info);
  absl::StatusOr<std::vector<RevisionInfo>> ReadRevisions(int64_t group_id, const std::string& group, uint64_t at_most,
                                                          size_t limit);

  const std::string path_;
  const int lock_fd_;

  std::mutex mutex_;
  SqliteConnection connection_;  // guarded by mutex_, as are its statements
  SqliteStatement select_groups_;
  SqliteStatement select_group_;
  SqliteStatement insert_group_;
  SqliteStatement update_group_;
  SqliteStatement select_bodies_;
  SqliteStatement insert_body_;
  SqliteStatement end_entry_;
  SqliteStatement insert_entry_;
  SqliteStatement select_entries_;
  SqliteStatement select_type_revisions_;
  SqliteStatement insert_revision_;
  SqliteStatement select_revisions_;
};

}  // namespace nuncio::control
