#include "source/control/store/sqlite_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

// "nunc". Tells our files from other SQLite databases.
constexpr int64_t kApplicationId = 0x6e756e63;
constexpr int64_t kSchemaVersion = 1;

// An entry is in revision R where first_revision <= R and (ended_revision is null or ended_revision > R).
constexpr char kSchema[] = R"sql(
CREATE TABLE groups (
  group_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  latest_revision INTEGER NOT NULL
);
CREATE TABLE revisions (
  group_id INTEGER NOT NULL REFERENCES groups,
  revision INTEGER NOT NULL,
  author TEXT NOT NULL,
  message TEXT NOT NULL,
  create_time_us INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  rolled_back_to INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  resources INTEGER NOT NULL,
  PRIMARY KEY (group_id, revision)
) WITHOUT ROWID;
CREATE TABLE bodies (
  body_id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX bodies_by_hash ON bodies (hash);
CREATE TABLE entries (
  group_id INTEGER NOT NULL REFERENCES groups,
  type_url TEXT NOT NULL,
  name TEXT NOT NULL,
  first_revision INTEGER NOT NULL,
  ended_revision INTEGER,
  body_id INTEGER NOT NULL REFERENCES bodies,
  PRIMARY KEY (group_id, type_url, name, first_revision)
) WITHOUT ROWID;
)sql";

// Held open and locked for as long as the store is: two servers on one file would each believe their own snapshots.
absl::StatusOr<int> LockFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, StrCat("store: cannot open ", path));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    if (error == EWOULDBLOCK) {
      return Unavailable(StrCat("store: ", path, " is locked: another nuncio-control uses this store"));
    }
    return ErrnoStatus(error, StrCat("store: cannot lock ", path));
  }
  return fd;
}

// Configuration may hold secrets. SQLite gives the files beside it the same permissions.
absl::Status MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, StrCat("store: cannot open ", path));
  close(fd);
  return absl::OkStatus();
}

int64_t Microseconds(SystemTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path) {
  NUNCIO_ASSIGN_OR_RETURN(const int lock_fd, LockFile(StrCat(path, ".lock")));
  const absl::Status made = MakePrivateFile(path);
  absl::StatusOr<SqliteConnection> connection = made.ok() ? SqliteConnection::Open(path) : made;
  if (!connection.ok()) {
    close(lock_fd);
    return connection.status();
  }
  std::unique_ptr<SqliteStore> store(new SqliteStore(path, lock_fd, *std::move(connection)));
  NUNCIO_RETURN_IF_ERROR(store->PrepareSchema());
  NUNCIO_RETURN_IF_ERROR(store->PrepareStatements());
  return store;
}

SqliteStore::~SqliteStore() { close(lock_fd_); }

absl::Status SqliteStore::PrepareSchema() {
  // Somebody may look into the file with the sqlite3 program; wait for that to end.
  NUNCIO_RETURN_IF_ERROR(connection_.Execute("PRAGMA busy_timeout = 5000"));
  absl::StatusOr<int64_t> tables = connection_.QueryInt("SELECT count(*) FROM sqlite_schema");
  if (!tables.ok()) {
    return FailedPrecondition(
        StrCat("store: ", path_, " cannot be read as a SQLite database: ", ToStd(tables.status().message())));
  }
  NUNCIO_ASSIGN_OR_RETURN(const int64_t application, connection_.QueryInt("PRAGMA application_id"));
  NUNCIO_ASSIGN_OR_RETURN(const int64_t version, connection_.QueryInt("PRAGMA user_version"));
  if (*tables != 0 && application != kApplicationId) {
    return FailedPrecondition(StrCat("store: ", path_, " is a SQLite database of another program"));
  }
  if (version > kSchemaVersion) {
    return FailedPrecondition(StrCat("store: ", path_, " has schema version ", version, ", this program knows ",
                                     kSchemaVersion, ": it was written by a later nuncio-control"));
  }
  NUNCIO_RETURN_IF_ERROR(connection_.Execute("PRAGMA journal_mode = WAL"));
  NUNCIO_RETURN_IF_ERROR(connection_.Execute("PRAGMA synchronous = FULL"));
  NUNCIO_RETURN_IF_ERROR(connection_.Execute("PRAGMA foreign_keys = ON"));
  if (version == kSchemaVersion) return absl::OkStatus();
  NUNCIO_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(connection_));
  NUNCIO_RETURN_IF_ERROR(connection_.Execute(kSchema));
  NUNCIO_RETURN_IF_ERROR(connection_.Execute(StrCat("PRAGMA application_id = ", kApplicationId).c_str()));
  NUNCIO_RETURN_IF_ERROR(connection_.Execute(StrCat("PRAGMA user_version = ", kSchemaVersion).c_str()));
  return transaction.Commit();
}

absl::Status SqliteStore::PrepareStatements() {
  const struct {
    SqliteStatement* statement;
    const char* sql;
  } statements[] = {
      {&select_groups_, "SELECT name FROM groups ORDER BY name"},
      {&select_group_, "SELECT group_id, latest_revision FROM groups WHERE name = ?"},
      {&insert_group_, "INSERT INTO groups (name, latest_revision) VALUES (?, 0)"},
      {&update_group_, "UPDATE groups SET latest_revision = ? WHERE group_id = ?"},
      {&select_bodies_, "SELECT body_id, body FROM bodies WHERE hash = ?"},
      {&insert_body_, "INSERT INTO bodies (hash, body) VALUES (?, ?)"},
      {&end_entry_,
       "UPDATE entries SET ended_revision = ? WHERE group_id = ? AND type_url = ? AND name = ? AND ended_revision IS "
       "NULL"},
      {&insert_entry_,
       "INSERT INTO entries (group_id, type_url, name, first_revision, body_id) VALUES (?, ?, ?, ?, ?)"},
      {&select_entries_,
       "SELECT type_url, name, first_revision, body FROM entries JOIN bodies USING (body_id) WHERE group_id = ?1 AND "
       "first_revision <= ?2 AND (ended_revision IS NULL OR ended_revision > ?2)"},
      {&select_type_revisions_,
       "SELECT type_url, max(CASE WHEN ended_revision <= ?2 THEN ended_revision ELSE first_revision END) FROM entries "
       "WHERE group_id = ?1 AND first_revision <= ?2 GROUP BY type_url"},
      {&insert_revision_,
       "INSERT INTO revisions (group_id, revision, author, message, create_time_us, origin, rolled_back_to, added, "
       "changed, removed, resources) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&select_revisions_,
       "SELECT revision, author, message, create_time_us, origin, rolled_back_to, added, changed, removed, resources "
       "FROM revisions WHERE group_id = ? AND revision <= ? ORDER BY revision DESC LIMIT ?"},
  };
  for (const auto& [statement, sql] : statements) {
    NUNCIO_ASSIGN_OR_RETURN(*statement, connection_.Prepare(sql));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> SqliteStore::Groups() {
  const std::lock_guard lock(mutex_);
  const StatementScope scope(select_groups_);
  std::vector<std::string> groups;
  while (true) {
    NUNCIO_ASSIGN_OR_RETURN(const bool row, select_groups_.Step());
    if (!row) return groups;
    groups.emplace_back(select_groups_.Bytes(0));
  }
}

absl::StatusOr<int64_t> SqliteStore::GroupId(const std::string& group) {
  const StatementScope scope(select_group_);
  NUNCIO_ASSIGN_OR_RETURN(const bool row, select_group_.BindText(1, group).Step());
  if (!row) return NotFound(StrCat("there is no group \"", group, "\": nothing was pushed to it yet"));
  return select_group_.Int(0);
}

absl::StatusOr<int64_t> SqliteStore::GroupIdForAppend(const RevisionStep& step) {
  int64_t group_id = 0;
  uint64_t latest = 0;
  {
    const StatementScope scope(select_group_);
    NUNCIO_ASSIGN_OR_RETURN(const bool row, select_group_.BindText(1, step.info.group).Step());
    if (row) {
      group_id = select_group_.Int(0);
      latest = static_cast<uint64_t>(select_group_.Int(1));
    }
  }
  if (step.info.revision != latest + 1) {
    return absl::AbortedError(ToAbsl(StrCat("group \"", step.info.group, "\" is at revision ", latest,
                                            " in the store, so revision ", step.info.revision, " cannot follow")));
  }
  if (group_id == 0) {
    NUNCIO_RETURN_IF_ERROR(insert_group_.BindText(1, step.info.group).Run());
    group_id = connection_.last_insert_id();
  }
  NUNCIO_RETURN_IF_ERROR(update_group_.BindInt(1, static_cast<int64_t>(step.info.revision)).BindInt(2, group_id).Run());
  return group_id;
}

absl::StatusOr<int64_t> SqliteStore::BodyId(const Resource& resource) {
  const std::string hash = resource.hash().Bytes();
  {
    const StatementScope scope(select_bodies_);
    select_bodies_.BindBlob(1, hash);
    while (true) {
      NUNCIO_ASSIGN_OR_RETURN(const bool row, select_bodies_.Step());
      if (!row) break;
      // The hash finds, the bytes decide.
      if (select_bodies_.Bytes(1) == resource.body()) return select_bodies_.Int(0);
    }
  }
  NUNCIO_RETURN_IF_ERROR(insert_body_.BindBlob(1, hash).BindBlob(2, resource.body()).Run());
  return connection_.last_insert_id();
}

absl::Status SqliteStore::WriteEntries(int64_t group_id, const RevisionStep& step) {
  const int64_t revision = static_cast<int64_t>(step.info.revision);
  const auto end_entry = [&](const ResourceKey& key) {
    return end_entry_.BindInt(1, revision).BindInt(2, group_id).BindText(3, key.type_url).BindText(4, key.name).Run();
  };
  for (const ResourceKey& key : step.deletes) NUNCIO_RETURN_IF_ERROR(end_entry(key));
  for (const ResourcePtr& resource : step.upserts) {
    NUNCIO_RETURN_IF_ERROR(end_entry(resource->key()));
    NUNCIO_ASSIGN_OR_RETURN(const int64_t body_id, BodyId(*resource));
    NUNCIO_RETURN_IF_ERROR(insert_entry_.BindInt(1, group_id)
                               .BindText(2, resource->type_url())
                               .BindText(3, resource->name())
                               .BindInt(4, revision)
                               .BindInt(5, body_id)
                               .Run());
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::WriteRevision(int64_t group_id, const RevisionInfo& info) {
  return insert_revision_.BindInt(1, group_id)
      .BindInt(2, static_cast<int64_t>(info.revision))
      .BindText(3, info.author)
      .BindText(4, info.message)
      .BindInt(5, Microseconds(info.create_time))
      .BindInt(6, static_cast<int>(info.origin))
      .BindInt(7, static_cast<int64_t>(info.rolled_back_to))
      .BindInt(8, info.added)
      .BindInt(9, info.changed)
      .BindInt(10, info.removed)
      .BindInt(11, info.resources)
      .Run();
}

absl::Status SqliteStore::Append(const RevisionStep& step) {
  const std::lock_guard lock(mutex_);
  NUNCIO_ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(connection_));
  NUNCIO_ASSIGN_OR_RETURN(const int64_t group_id, GroupIdForAppend(step));
  NUNCIO_RETURN_IF_ERROR(WriteEntries(group_id, step));
  NUNCIO_RETURN_IF_ERROR(WriteRevision(group_id, step.info));
  return transaction.Commit();
}

absl::StatusOr<std::vector<RevisionInfo>> SqliteStore::ReadRevisions(int64_t group_id, const std::string& group,
                                                                     uint64_t at_most, size_t limit) {
  const StatementScope scope(select_revisions_);
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  select_revisions_.BindInt(1, group_id)
      .BindInt(2, static_cast<int64_t>(std::min(at_most, kMax)))
      .BindInt(3, static_cast<int64_t>(std::min<uint64_t>(limit, kMax)));
  std::vector<RevisionInfo> revisions;
  while (true) {
    NUNCIO_ASSIGN_OR_RETURN(const bool row, select_revisions_.Step());
    if (!row) return revisions;
    RevisionInfo& info = revisions.emplace_back();
    info.group = group;
    info.revision = static_cast<uint64_t>(select_revisions_.Int(0));
    info.author = select_revisions_.Bytes(1);
    info.message = select_revisions_.Bytes(2);
    info.create_time = SystemTime(std::chrono::microseconds(select_revisions_.Int(3)));
    info.origin = static_cast<RevisionOrigin>(select_revisions_.Int(4));
    info.rolled_back_to = static_cast<uint64_t>(select_revisions_.Int(5));
    info.added = static_cast<uint32_t>(select_revisions_.Int(6));
    info.changed = static_cast<uint32_t>(select_revisions_.Int(7));
    info.removed = static_cast<uint32_t>(select_revisions_.Int(8));
    info.resources = static_cast<uint32_t>(select_revisions_.Int(9));
  }
}

absl::StatusOr<StoredRevision> SqliteStore::Load(const std::string& group, std::optional<uint64_t> revision) {
  const std::lock_guard lock(mutex_);
  NUNCIO_ASSIGN_OR_RETURN(const int64_t group_id, GroupId(group));
  constexpr uint64_t kLatest = std::numeric_limits<uint64_t>::max();
  NUNCIO_ASSIGN_OR_RETURN(std::vector<RevisionInfo> infos,
                          ReadRevisions(group_id, group, revision.value_or(kLatest), 1));
  if (infos.empty() || (revision.has_value() && infos[0].revision != *revision)) {
    return NotFound(StrCat("group \"", group, "\" has no revision ", revision.value_or(0)));
  }
  StoredRevision stored;
  stored.info = std::move(infos[0]);
  const int64_t at = static_cast<int64_t>(stored.info.revision);

  std::vector<SetEntry> entries;
  const StatementScope entries_scope(select_entries_);
  select_entries_.BindInt(1, group_id).BindInt(2, at);
  while (true) {
    NUNCIO_ASSIGN_OR_RETURN(const bool row, select_entries_.Step());
    if (!row) break;
    entries.push_back(
        {std::make_shared<const Resource>(std::string(select_entries_.Bytes(0)), std::string(select_entries_.Bytes(1)),
                                          std::string(select_entries_.Bytes(3))),
         static_cast<uint64_t>(select_entries_.Int(2))});
  }
  stored.set = ResourceSet(std::move(entries));

  const StatementScope types_scope(select_type_revisions_);
  select_type_revisions_.BindInt(1, group_id).BindInt(2, at);
  while (true) {
    NUNCIO_ASSIGN_OR_RETURN(const bool row, select_type_revisions_.Step());
    if (!row) return stored;
    stored.type_revisions.emplace_back(std::string(select_type_revisions_.Bytes(0)),
                                       static_cast<uint64_t>(select_type_revisions_.Int(1)));
  }
}

absl::StatusOr<std::vector<RevisionInfo>> SqliteStore::History(const std::string& group, std::optional<uint64_t> before,
                                                               size_t limit) {
  const std::lock_guard lock(mutex_);
  const absl::StatusOr<int64_t> group_id = GroupId(group);
  if (absl::IsNotFound(group_id.status())) return std::vector<RevisionInfo>();
  if (!group_id.ok()) return group_id.status();
  if (before == 0) return std::vector<RevisionInfo>();
  return ReadRevisions(*group_id, group, before.has_value() ? *before - 1 : std::numeric_limits<uint64_t>::max(),
                       limit);
}

absl::StatusOr<uint64_t> SqliteStore::SizeOnDisk() {
  uint64_t size = 0;
  for (const char* suffix : {"", "-wal"}) {
    struct stat status;
    if (stat(StrCat(path_, suffix).c_str(), &status) == 0) {
      size += static_cast<uint64_t>(status.st_size);
    } else if (errno != ENOENT) {
      return ErrnoStatus(errno, StrCat("store: ", path_, suffix));
    }
  }
  return size;
}

}  // namespace nuncio::control
