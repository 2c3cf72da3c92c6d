#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nuncio::control {

// A prepared statement. Bound positions count from 1, columns from 0, as in SQLite. Strings bound must live until the
// next Reset. Not thread-safe.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  SqliteStatement& BindInt(int position, int64_t value);
  SqliteStatement& BindText(int position, std::string_view value);
  SqliteStatement& BindBlob(int position, std::string_view value);

  // True: there is a row. False: done.
  absl::StatusOr<bool> Step();
  // Steps to the end of a statement without rows, and resets it.
  absl::Status Run();
  // Ends the statement's work and forgets what was bound.
  void Reset();

  int64_t Int(int column) const;
  bool IsNull(int column) const;
  // Valid until the next Step or Reset.
  std::string_view Bytes(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// Resets a statement when the scope is left, so that it holds no read transaction open.
class StatementScope {
 public:
  explicit StatementScope(SqliteStatement& statement) : statement_(statement) {}
  ~StatementScope() { statement_.Reset(); }
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;

 private:
  SqliteStatement& statement_;
};

// One open database file. Not thread-safe.
class SqliteConnection {
 public:
  static absl::StatusOr<SqliteConnection> Open(const std::string& path);

  absl::Status Execute(const char* sql);
  absl::StatusOr<SqliteStatement> Prepare(const char* sql);
  // The first column of the first row of a query.
  absl::StatusOr<int64_t> QueryInt(const char* sql);
  int64_t last_insert_id() const { return sqlite3_last_insert_rowid(database_.get()); }

 private:
  struct Closer {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  explicit SqliteConnection(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Closer> database_;
};

// A transaction that is rolled back unless committed. Takes the write lock at once.
class SqliteTransaction {
 public:
  static absl::StatusOr<SqliteTransaction> Begin(SqliteConnection& connection);
  SqliteTransaction(SqliteTransaction&& other) noexcept : connection_(other.connection_) {
    other.connection_ = nullptr;
  }
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  absl::Status Commit();

 private:
  explicit SqliteTransaction(SqliteConnection& connection) : connection_(&connection) {}
  SqliteConnection* connection_;
};

}  // namespace nuncio::control
