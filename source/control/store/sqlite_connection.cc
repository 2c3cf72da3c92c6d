#include "source/control/store/sqlite_connection.h"

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

absl::Status ErrorOf(sqlite3* database, std::string_view what) {
  const int code = sqlite3_extended_errcode(database);
  const std::string text = StrCat("store: ", what, ": ", sqlite3_errmsg(database), " (SQLite error ", code, ")");
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(text);
    case SQLITE_FULL:
      return ResourceExhausted(text);
    default:
      return Internal(text);
  }
}

}  // namespace

SqliteStatement& SqliteStatement::BindInt(int position, int64_t value) {
  sqlite3_bind_int64(statement_.get(), position, value);
  return *this;
}

SqliteStatement& SqliteStatement::BindText(int position, std::string_view value) {
  sqlite3_bind_text64(statement_.get(), position, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int position, std::string_view value) {
  sqlite3_bind_blob64(statement_.get(), position, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return ErrorOf(sqlite3_db_handle(statement_.get()), sqlite3_sql(statement_.get()));
  }
}

absl::Status SqliteStatement::Run() {
  const absl::StatusOr<bool> row = Step();
  Reset();
  return row.status();
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

bool SqliteStatement::IsNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::string_view SqliteStatement::Bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

absl::StatusOr<SqliteConnection> SqliteConnection::Open(const std::string& path) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteConnection connection(database);
  if (code != SQLITE_OK) {
    if (database == nullptr) return ResourceExhausted("store: out of memory");
    return ErrorOf(database, StrCat("cannot open ", path));
  }
  return connection;
}

absl::Status SqliteConnection::Execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return ErrorOf(database_.get(), sql);
  }
  return absl::OkStatus();
}

absl::StatusOr<SqliteStatement> SqliteConnection::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return ErrorOf(database_.get(), sql);
  }
  return SqliteStatement(statement);
}

absl::StatusOr<int64_t> SqliteConnection::QueryInt(const char* sql) {
  NUNCIO_ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  NUNCIO_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

absl::StatusOr<SqliteTransaction> SqliteTransaction::Begin(SqliteConnection& connection) {
  NUNCIO_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(connection);
}

SqliteTransaction::~SqliteTransaction() {
  // A failed commit may have rolled back by itself; then this fails and nothing is lost by it.
  if (connection_ != nullptr) connection_->Execute("ROLLBACK").IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  NUNCIO_RETURN_IF_ERROR(connection_->Execute("COMMIT"));
  connection_ = nullptr;
  return absl::OkStatus();
}

}  // namespace nuncio::control
