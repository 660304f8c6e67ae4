// SPDX-License-Identifier: MIT
// The file in which a run keeps every reply it paid for, with what was asked, what it cost and for which
// task. One process writes it, others may read it meanwhile; `recorder` puts it between an agent and a model.
#pragma once

#include "strata/llm/redactor.hpp"
#include "strata/store/detail/reply_table.hpp"
#include "strata/store/detail/reserve.hpp"
#include "strata/store/detail/sqlite.hpp"
#include "strata/store/schema.hpp"
#include "strata/store/store_error.hpp"
#include "strata/store/writer_lock.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::store {

namespace detail {
class recorder_core;
}

/// What a store is opened for.
enum class mode : std::uint8_t {
  create,           ///< a new run; there must be nothing yet
  resume,           ///< go on with one
  create_or_resume, ///< whichever applies, also to a run that was killed before anything was stored
  read,             ///< look, or replay; nothing is written, and another process may be writing
};

/// What a reply survives once it has been delivered. Either survives the end of the process, however sudden.
enum class durability : std::uint8_t {
  power_loss, ///< also a power cut: one fsync for all replies that arrive together (synchronous=FULL)
  process,    ///< a power cut may cost the last seconds, never more (synchronous=NORMAL)
};

struct store_settings {
  durability survive = durability::power_loss;
  std::uint64_t max_bytes = 0; ///< of the database file; 0: as much as the disk has
  /// Put by on disk: when it is full, nothing more is asked for, and what is under way is stored here.
  std::uint64_t reserve_bytes = 16 << 20;
  llm::redactor keys{}; ///< what must never be written; replaced by "[key]"
  /// For tests: the time that stamps and prices are taken at.
  std::function<std::chrono::system_clock::time_point()> now = [] {
    return std::chrono::system_clock::now();
  };
  /// For the lock of another program, at a time; a recorder tries again.
  std::chrono::milliseconds lock_wait{10'000};
};

/// What a request is for.
struct label {
  std::string task{};
  std::int64_t step = 0;
  std::string stage{}; ///< for instance "proposer"

  friend auto operator<=>(const label&, const label&) = default;
  friend bool operator==(const label&, const label&) = default;
};

/// What was paid, for one label and model or in all.
struct usage_row {
  label what{};
  std::string model{};
  std::uint64_t replies = 0;
  std::uint64_t samples = 0;
  std::uint64_t failures = 0;     ///< requests that ended without a reply
  std::uint64_t without_cost = 0; ///< replies whose cost is not known; not in `used.cost_usd`
  llm::token_usage used{};        ///< cost_usd: to a trillionth, whatever the order of arrival
};

/// All members may be called from any thread and throw store_error.
class run_store {
 public:
  explicit run_store(std::filesystem::path file, mode how, store_settings settings = {});
  /// Notes the end of this session. What was stored is stored in any case.
  ~run_store();
  run_store(const run_store&) = delete;
  run_store& operator=(const run_store&) = delete;

  /// Facts on the run: configuration as JSON, seed, versions, how it ended. Durable when it returns.
  void set(std::string_view name, std::string_view value);
  [[nodiscard]] std::optional<std::string> get(std::string_view name);

  /// The number of a label, for `chat_request::tag`; the same in every session. Where nothing can be written,
  /// 0 for a label that is not there. O(log labels) from the second time on.
  [[nodiscard]] std::uint64_t tag(const label& what);
  /// The label of a number, if there is one.
  [[nodiscard]] std::optional<label> label_of(std::uint64_t tag);

  /// What was paid up to now, by label and model. O(replies).
  [[nodiscard]] std::vector<usage_row> usage();
  /// The sum of it.
  [[nodiscard]] usage_row totals();
  /// Reads everything and returns what is wrong, normally nothing. O(bytes).
  [[nodiscard]] std::vector<std::string> problems();

  [[nodiscard]] bool writable() const noexcept { return how_ != mode::read; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  friend class detail::recorder_core;
  detail::database open_file();
  void lock();
  [[nodiscard]] bool blank() { return pragma("schema_version") == 0; } // no table was ever made
  void recognise();
  void create_schema();
  void configure();
  std::int64_t pragma(const std::string& name);
  void begin_session();
  /// Without keys: all that is written passes through here.
  [[nodiscard]] std::string clean(std::string_view text) const {
    std::string copy(text);
    if (settings_.keys.found_in(copy)) settings_.keys.clean(copy);
    return copy;
  }

  std::filesystem::path path_;
  mode how_;
  store_settings settings_;
  std::optional<writer_lock> lock_;
  detail::database db_;
  std::optional<detail::reply_table> table_;
  std::optional<detail::reserve> reserve_;
  std::int64_t session_ = 0;
  std::map<label, std::uint64_t> tags_;
  std::mutex mutex_; // of everything above
};

// ---- implementation

inline run_store::run_store(std::filesystem::path file, mode how, store_settings settings)
    : path_(std::move(file)), how_(how), settings_(std::move(settings)), db_(open_file()) {
  sqlite3_busy_timeout(db_.get(), static_cast<int>(settings_.lock_wait.count()));
  if (how_ == mode::create || (how_ == mode::create_or_resume && blank())) {
    create_schema();
  } else {
    recognise();
    if (writable()) configure();
  }
  table_.emplace(db_);
  if (!writable()) return;
  reserve_.emplace(path_, settings_.reserve_bytes);
  begin_session();
}

inline run_store::~run_store() {
  if (session_ == 0) return;
  try {
    detail::statement(db_, "UPDATE sessions SET ended = ? WHERE id = ?")
        .run(detail::utc(settings_.now()), session_);
  } catch (const store_error&) { // a full disk: the session looks as if it had been killed
  }
}

inline void run_store::lock() {
  try {
    lock_.emplace(path_.string() + ".lock");
  } catch (const std::system_error& e) {
    const int why = e.code().value();
    if (why == EWOULDBLOCK)
      throw store_error(store_problem::locked, path_,
                        "another run is writing it. Wait for that run or end it, then resume");
    const bool full = why == ENOSPC || why == EDQUOT;
    const bool may_not = why == EACCES || why == EPERM || why == EROFS || why == ENOENT || why == ENOTDIR;
    throw store_error(full      ? store_problem::full
                      : may_not ? store_problem::read_only
                                : store_problem::failed,
                      path_,
                      "cannot lock its file " + path_.filename().string() + ".lock (" + e.code().message() +
                          "). " +
                          (full             ? "Free some space"
                           : why == ENOTSUP ? "It is no regular file: remove it"
                                            : "Choose a directory that exists and may be written"));
  }
}

inline detail::database run_store::open_file() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path directory = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  if (fs::is_directory(path_, ignored))
    throw store_error(store_problem::not_a_store, path_,
                      "is a directory. Name the file within it, usually " + std::string(file_name));
  for (const char* const part : {"", "-wal", "-shm", "-journal", ".reserve"}) { // a pipe would be waited for
    const fs::path file = path_.string() + part;
    if (fs::exists(file, ignored) && !fs::is_regular_file(file, ignored))
      throw store_error(store_problem::not_a_store, path_,
                        (*part == '\0' ? "is" : file.filename().string() + " beside it is") +
                            std::string(" no regular file. Remove it, or check the path of the run"));
  }
  const bool may_create = how_ == mode::create || how_ == mode::create_or_resume;
  if (may_create && !fs::is_directory(directory, ignored))
    throw store_error(store_problem::missing, path_, "its directory does not exist. Create it");
  if (!may_create && !fs::exists(path_, ignored))
    throw store_error(store_problem::missing, path_, "there is no such file. Check the path of the run");
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
  const auto uri = [&](const std::string& query) {
    std::string text = "file:";
    for (const char c : fs::absolute(path_).string()) {
      if (c == '%' || c == '?' || c == '#') {
        text += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
      } else {
        text += c;
      }
    }
    return text + query;
  };
  if (writable()) {
    lock();
    return {path_, uri(""), flags | SQLITE_OPEN_READWRITE | (may_create ? SQLITE_OPEN_CREATE : 0)};
  }
  try {
    detail::database db(path_, uri(""), flags | SQLITE_OPEN_READONLY);
    db.run("SELECT count(*) FROM sqlite_schema"); // only now the file is really read
    return db;
  } catch (const store_error& e) {
    if (e.kind() != store_problem::read_only) throw;
    // a directory that may not be written has no place for the index of the log; without a log, none is
    // needed
    for (const char* log : {"-wal", "-journal"}) {
      const auto size = fs::file_size(path_.string() + log, ignored);
      if (!ignored && size > 0)
        throw store_error(store_problem::read_only, path_,
                          "the run was not closed, and its last replies can only be read where the directory "
                          "may be written. Copy the run elsewhere");
    }
    return {path_, uri("?immutable=1"), flags | SQLITE_OPEN_READONLY};
  }
}

inline std::int64_t run_store::pragma(const std::string& name) {
  const detail::statement read(db_, "PRAGMA " + name);
  auto use = read.with();
  return use.next() ? use.integer(0) : 0;
}

inline void run_store::recognise() {
  const std::int64_t id = pragma("application_id");
  const std::int64_t version = pragma("user_version");
  std::map<std::string, std::string> found;
  {
    const detail::statement read(db_, "SELECT type, name, sql FROM sqlite_schema LIMIT 1000");
    auto use = read.with();
    while (use.next()) {
      found[use.text(1)] = use.text(2);
      if (use.text(0) == "trigger")
        throw store_error(store_problem::corrupt, path_,
                          "has a trigger, which strata never writes. Do not use it");
    }
  }
  if (id == 0 && version == 0 && found.empty())
    throw store_error(store_problem::empty, path_, "nothing was stored in it yet. Start the run anew");
  if (id != application_id)
    throw store_error(store_problem::not_a_store, path_,
                      "is an SQLite database, but none of strata's. Check the path");
  if (version > schema_version)
    throw store_error(store_problem::newer_schema, path_,
                      "was written by a newer strata (schema " + std::to_string(version) +
                          ", this one knows " + std::to_string(schema_version) + "). Update strata");
  for (const detail::schema_object& each : detail::schema())
    if (version < 1 || found[each.name] != each.sql)
      throw store_error(store_problem::corrupt, path_,
                        "its table or view `" + each.name + "` is not the one of schema " +
                            std::to_string(schema_version) + ". It was changed by another program");
}

inline void run_store::configure() {
  // the answer tells whether the file system can do it
  const detail::statement log(db_, "PRAGMA journal_mode = WAL");
  auto use = log.with();
  if (!use.next() || use.text(0) != "wal")
    throw store_error(store_problem::failed, path_,
                      "the file system does not support a write-ahead log. Put the run on a local disk");
  db_.run(settings_.survive == durability::power_loss ? "PRAGMA synchronous = FULL"
                                                      : "PRAGMA synchronous = NORMAL");
  db_.run("PRAGMA journal_size_limit = 67108864");
  db_.run("PRAGMA temp_store = MEMORY");
}

inline void run_store::create_schema() {
  if (!blank())
    throw store_error(store_problem::exists, path_,
                      "there is a run already. Resume it or choose another directory");
  configure();
  detail::transaction all(db_);
  for (const detail::schema_object& each : detail::schema()) db_.run(each.sql);
  db_.run("PRAGMA application_id = " + std::to_string(application_id));
  db_.run("PRAGMA user_version = " + std::to_string(schema_version));
  all.commit();
}

inline void run_store::begin_session() {
  if (settings_.max_bytes > 0)
    db_.run("PRAGMA max_page_count = " +
            std::to_string(settings_.max_bytes / static_cast<std::uint64_t>(pragma("page_size")) + 1));
  detail::statement(db_, "INSERT INTO sessions (started, process) VALUES (?, ?)")
      .run(detail::utc(settings_.now()), std::int64_t{::getpid()});
  session_ = db_.last_id();
}

inline void run_store::set(std::string_view name, std::string_view value) {
  const std::scoped_lock lock(mutex_);
  detail::statement(db_, "INSERT OR REPLACE INTO run (name, value) VALUES (?, ?)")
      .run(clean(name), clean(value));
}

inline std::optional<std::string> run_store::get(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const detail::statement read(db_, "SELECT value FROM run WHERE name = ?");
  auto use = read.with(name);
  return use.next() ? std::optional(use.text(0)) : std::nullopt;
}

inline std::uint64_t run_store::tag(const label& what) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = tags_.find(what); known != tags_.end()) return known->second;
  const std::string task = clean(what.task), stage = clean(what.stage);
  {
    const detail::statement read(db_, "SELECT id FROM tags WHERE task = ? AND step = ? AND stage = ?");
    auto use = read.with(task, what.step, stage);
    if (use.next()) return tags_[what] = use.count(0);
  }
  if (!writable()) return 0;
  detail::statement(db_, "INSERT INTO tags (task, step, stage) VALUES (?, ?, ?)").run(task, what.step, stage);
  return tags_[what] = static_cast<std::uint64_t>(db_.last_id());
}

inline std::optional<label> run_store::label_of(std::uint64_t tag) {
  const std::scoped_lock lock(mutex_);
  const detail::statement read(db_, "SELECT task, step, stage FROM tags WHERE id = ?");
  auto use = read.with(tag);
  if (!use.next()) return std::nullopt;
  return label{.task = use.text(0), .step = use.integer(1), .stage = use.text(2)};
}

inline std::vector<usage_row> run_store::usage() {
  const std::scoped_lock lock(mutex_);
  std::map<std::tuple<std::string, std::int64_t, std::string, std::string>, usage_row> rows;
  const auto row = [&](const detail::statement::use& use) -> usage_row& {
    usage_row& r = rows[{use.text(0), use.integer(1), use.text(2), use.text(3)}];
    r.what = {.task = use.text(0), .step = use.integer(1), .stage = use.text(2)};
    r.model = use.text(3);
    return r;
  };
  {
    // Money is added in integers: a sum of doubles depends on the order. What a server says it used may be
    // absurd, and a sum of integers that wraps is an error: tokens are added as doubles, exact up to 2^53,
    // and money in millionths and the rest.
    const detail::statement read(
        db_,
        "SELECT task, step, stage, model, count(*), sum(samples), sum(u.cost_usd IS NULL), "
        "min(u.usage_known),"
        " min(total(max(r.input_tokens, 0)), 9e18), min(total(max(r.cached_tokens, 0)), 9e18),"
        " min(total(max(r.cache_write_tokens, 0)), 9e18),"
        " min(total(max(r.cache_write_hour_tokens, 0)), 9e18), min(total(max(r.output_tokens, 0)), 9e18),"
        " min(total(max(r.reasoning_tokens, 0)), 9e18),"
        " sum(CAST(min(round(u.cost_usd * 1e12), 9e18) AS INTEGER) / 1000000),"
        " sum(CAST(min(round(u.cost_usd * 1e12), 9e18) AS INTEGER) % 1000000)"
        " FROM usage u JOIN replies r ON r.id = u.reply GROUP BY task, step, stage, model");
    auto use = read.with();
    while (use.next()) {
      usage_row& r = row(use);
      r.replies = use.count(4);
      r.samples = use.count(5);
      r.without_cost = use.count(6);
      r.used.known = use.integer(7) != 0;
      r.used.input = use.count(8);
      r.used.cached = use.count(9);
      r.used.cache_write = use.count(10);
      r.used.cache_write_hour = use.count(11);
      r.used.output = use.count(12);
      r.used.reasoning = use.count(13);
      if (!use.null(14)) {
        const std::int64_t millionths = std::min(use.integer(14), std::int64_t{9'000'000'000'000});
        r.used.cost_usd = static_cast<double>(millionths * 1'000'000 + use.integer(15)) / 1e12;
      }
    }
  }
  const detail::statement read(
      db_,
      "SELECT task, step, stage, model, count(*) FROM failed_requests GROUP BY task, step, stage, model");
  auto use = read.with();
  while (use.next()) row(use).failures = use.count(4);
  std::vector<usage_row> all;
  for (auto& [key, value] : rows) all.push_back(std::move(value));
  return all;
}

inline usage_row run_store::totals() {
  usage_row sum;
  std::int64_t trillionths = 0;
  for (const usage_row& r : usage()) {
    sum.replies += r.replies;
    sum.samples += r.samples;
    sum.failures += r.failures;
    sum.without_cost += r.without_cost;
    sum.used += r.used;
    const auto more = std::llround(r.used.cost_usd.value_or(0) * 1e12);
    trillionths = more > INT64_MAX - trillionths ? INT64_MAX : trillionths + more;
  }
  if (sum.used.cost_usd) sum.used.cost_usd = static_cast<double>(trillionths) / 1e12;
  return sum;
}

inline std::vector<std::string> run_store::problems() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> found;
  for (const char* check :
       {"PRAGMA integrity_check(20)",
        "SELECT 'reply ' || r.id || ' has lost choices' FROM replies r"
        " WHERE received != (SELECT count(*) FROM choices c WHERE c.request = r.request AND c.reply = r.id"
        " AND c.sample >= r.first_sample AND c.sample < r.first_sample + r.received) LIMIT 20"}) {
    const detail::statement read(db_, check);
    auto use = read.with();
    while (use.next())
      if (std::string line = use.text(0); line != "ok") found.push_back(std::move(line));
  }
  return found;
}

} // namespace strata::store
