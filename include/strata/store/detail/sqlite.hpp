// SPDX-License-Identifier: MIT
// The few calls of SQLite that the store needs, with its errors turned into `store_error`.
// A statement is prepared once and used many times; a connection is used by one thread at a time.
#pragma once

#include "strata/store/store_error.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::store::detail {

/// An error of SQLite as one line that says what to do.
[[nodiscard]] inline store_error sqlite_error(int code, int system_code, const std::string& text,
                                              const std::filesystem::path& path) {
  switch (code & 0xff) {
  case SQLITE_FULL:
    return {store_problem::full, path,
            "no space left for it. Free some space and resume the run; what is stored is intact"};
  case SQLITE_IOERR:
    if (system_code == ENOSPC || system_code == EDQUOT || system_code == EFBIG)
      return {store_problem::full, path,
              std::string("no space left for it (") + std::strerror(system_code) +
                  "). Free some space and resume the run; what is stored is intact"};
    return {store_problem::failed, path,
            "reading or writing failed (" + (system_code != 0 ? std::strerror(system_code) : text) +
                "). Check the disk and resume the run"};
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return {store_problem::read_only, path,
            "the file or its directory may not be written. Change the permissions or copy the run elsewhere"};
  case SQLITE_CANTOPEN:
    return {store_problem::read_only, path,
            std::string("cannot be opened") +
                (system_code != 0 ? std::string(" (") + std::strerror(system_code) + ")" : "") +
                ". Check that the directory exists and may be read and written, or copy the run elsewhere"};
  case SQLITE_NOTADB:
    return {store_problem::not_a_store, path, "is no SQLite database. Check the path"};
  case SQLITE_CORRUPT:
    return {store_problem::corrupt, path,
            "is damaged (" + text + "). `sqlite3 FILE .recover` saves what is left"};
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return {store_problem::locked, path,
            "another program has been writing it for too long. End that program, then resume the run"};
  default:
    return {store_problem::failed, path, "SQLite reports: " + text};
  }
}

class statement;

/// A connection.
class database {
 public:
  /// `uri`: path is an SQLite URI. Throws store_error.
  database(const std::filesystem::path& path, const std::string& name, int flags) : path_(path) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &raw, flags, nullptr);
    db_.reset(raw);
    if (raw == nullptr) throw store_error(store_problem::failed, path_, "not enough memory");
    sqlite3_extended_result_codes(raw, 1);
    if (code != SQLITE_OK) fail(code);
    // files may come from elsewhere: nothing in them runs with privileges, and no text is unreasonably long
    sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, 256 << 20);
    sqlite3_busy_timeout(raw, 10'000);
  }

  /// Runs statements without results. Throws store_error.
  void run(const char* sql) {
    errno = 0;
    if (const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
      fail(code);
  }
  void run(const std::string& sql) { run(sql.c_str()); }
  /// As `run`, but whatever goes wrong is ignored: for rolling back.
  void attempt(const char* sql) noexcept { sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr); }

  [[nodiscard]] std::int64_t last_id() const noexcept { return sqlite3_last_insert_rowid(db_.get()); }
  [[nodiscard]] sqlite3* get() const noexcept { return db_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[noreturn]] void fail(int code) const {
    const int here = errno; // sqlite3_system_errno forgets the reason of a failed COMMIT
    const int system_code = sqlite3_system_errno(db_.get());
    throw sqlite_error(code, system_code != 0 ? system_code : here, sqlite3_errmsg(db_.get()), path_);
  }

 private:
  struct closing {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, closing> db_;
};

/// A prepared statement with the values of one use:
///
///     auto use = insert.with(1, text);
///     while (use.next()) .. use.integer(0) ..
///
/// `with` binds numbers, text, std::optional of them (null) and nullptr, in order.
class statement {
 public:
  statement(database& db, std::string_view sql) : db_(&db) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(db.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement_.reset(raw);
    if (code != SQLITE_OK) db.fail(code);
  }

  /// One use; resets the statement when it ends, so that no lock stays behind.
  class use {
   public:
    explicit use(const statement& s) noexcept : s_(&s) {}
    use(const use&) = delete;
    use& operator=(const use&) = delete;
    ~use() { sqlite3_reset(s_->statement_.get()); }

    /// Whether there is a(nother) row. Throws store_error.
    bool next() {
      errno = 0;
      const int code = sqlite3_step(s_->statement_.get());
      if (code == SQLITE_ROW) return true;
      if (code != SQLITE_DONE) s_->db_->fail(code);
      return false;
    }
    [[nodiscard]] bool null(int column) const noexcept {
      return sqlite3_column_type(s_->statement_.get(), column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const noexcept {
      return sqlite3_column_int64(s_->statement_.get(), column);
    }
    /// A number that must not be negative; what is, was damaged, and becomes 0.
    [[nodiscard]] std::uint64_t count(int column) const noexcept {
      return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer(column)));
    }
    [[nodiscard]] double real(int column) const noexcept {
      return sqlite3_column_double(s_->statement_.get(), column);
    }
    [[nodiscard]] std::string text(int column) const {
      const auto* bytes = static_cast<const char*>(
          static_cast<const void*>(sqlite3_column_text(s_->statement_.get(), column)));
      if (bytes == nullptr) return {};
      return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(s_->statement_.get(), column))};
    }

   private:
    const statement* s_;
  };

  /// Values that are text must live as long as the use.
  template <class... Values> [[nodiscard]] use with(const Values&... values) const {
    int index = 0;
    (bind(++index, values), ...);
    return use(*this);
  }
  /// For statements without results.
  template <class... Values> void run(const Values&... values) const {
    auto once = with(values...);
    while (once.next()) {
    }
  }

 private:
  void bind(int index, std::int64_t value) const { check(sqlite3_bind_int64(raw(), index, value)); }
  void bind(int index, std::uint64_t value) const { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::uint32_t value) const { bind(index, std::int64_t{value}); }
  void bind(int index, int value) const { bind(index, std::int64_t{value}); }
  void bind(int index, bool value) const { bind(index, std::int64_t{value ? 1 : 0}); }
  void bind(int index, double value) const { check(sqlite3_bind_double(raw(), index, value)); }
  void bind(int index, std::nullptr_t) const { check(sqlite3_bind_null(raw(), index)); }
  void bind(int index, std::string_view value) const {
    const char* bytes = value.data() == nullptr ? "" : value.data(); // a null pointer would bind null
    check(sqlite3_bind_text64(raw(), index, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int index, const std::string& value) const { bind(index, std::string_view(value)); }
  template <class T> void bind(int index, const std::optional<T>& value) const {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }
  void check(int code) const {
    if (code != SQLITE_OK) db_->fail(code);
  }
  [[nodiscard]] sqlite3_stmt* raw() const noexcept { return statement_.get(); }

  struct finalizing {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  database* db_;
  std::unique_ptr<sqlite3_stmt, finalizing> statement_;
};

/// All or nothing: rolls back unless `commit` succeeded.
class transaction {
 public:
  explicit transaction(database& db) : db_(&db) { db.run("BEGIN IMMEDIATE"); }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() {
    if (db_ != nullptr) db_->attempt("ROLLBACK");
  }
  void commit() {
    db_->run("COMMIT");
    db_ = nullptr;
  }

 private:
  database* db_;
};

} // namespace strata::store::detail
