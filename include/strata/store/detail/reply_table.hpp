// SPDX-License-Identifier: MIT
// Replies in and out of the tables. Knows rows and statements; what to ask and what to serve is decided in
// `recorder`. Every function throws store_error; writers are called within a transaction.
#pragma once

#include "strata/llm/reply.hpp"
#include "strata/store/detail/sqlite.hpp"
#include "strata/store/request_key.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::store::detail {

/// "2025-11-21T03:24:05.123Z"
[[nodiscard]] inline std::string utc(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(floor<milliseconds>(when - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text.data();
}

/// A list of texts as JSON.
[[nodiscard]] inline std::string json_list(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    json += json.size() > 1 ? ",\"" : "\"";
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20) {
        std::array<char, 8> code{};
        std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
        json += code.data();
      } else {
        if (c == '"' || c == '\\') json += '\\';
        json += c;
      }
    }
    json += '"';
  }
  return json + "]";
}

/// Names of enumerators as they are stored; the inverse of `to_string`. Nothing if there is no such name.
template <class Enum> [[nodiscard]] std::optional<Enum> named(std::string_view name, Enum last) noexcept {
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i)
    if (to_string(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  return std::nullopt;
}

/// A choice and where it comes from.
struct stored_choice {
  std::int64_t id = 0;
  std::int64_t reply = 0;
  std::uint32_t sample = 0;
  llm::choice what{};
};

/// A reply without its choices.
struct stored_reply {
  std::int64_t id = 0;
  std::int64_t request = 0;
  std::uint32_t first = 0;
  std::uint32_t asked = 0;
  std::uint32_t received = 0;
  llm::reply what{};
};

/// Where and when something is stored.
struct stamp {
  std::int64_t session = 0;
  std::string time{};
};

class reply_table {
 public:
  explicit reply_table(database& db) : db_(&db) {}

  // ---- reading
  [[nodiscard]] std::optional<std::int64_t> find_model(std::string_view spec) {
    auto use = find_model_.with(spec);
    return use.next() ? std::optional(use.integer(0)) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::int64_t> find_request(std::int64_t model, const std::string& hash) {
    auto use = find_request_.with(model, hash);
    return use.next() ? std::optional(use.integer(0)) : std::nullopt;
  }
  /// Those of samples first .. end - 1 that are known, in order.
  [[nodiscard]] std::vector<stored_choice> choices(std::int64_t request, std::uint64_t first,
                                                   std::uint64_t end) {
    std::vector<stored_choice> found;
    auto use = choices_.with(request, first, end);
    while (use.next()) {
      stored_choice c;
      c.id = use.integer(0);
      c.reply = use.integer(1);
      c.sample = static_cast<std::uint32_t>(use.count(2));
      c.what.text = use.text(3);
      const auto why = named(use.text(4), llm::finish::other);
      if (!why) throw damaged("an unknown reason to finish");
      c.what.why = *why;
      c.what.native_finish = use.text(5);
      c.what.refusal = use.text(6);
      found.push_back(std::move(c));
    }
    return found;
  }
  [[nodiscard]] stored_reply reply(std::int64_t id) {
    auto use = reply_.with(id);
    if (!use.next()) throw damaged("a choice without its reply");
    return read_reply(use);
  }
  /// Replies without any choice, which only their cost is left of.
  [[nodiscard]] std::vector<stored_reply> empty_replies() {
    std::vector<stored_reply> found;
    auto use = empty_replies_.with();
    while (use.next()) found.push_back(read_reply(use));
    return found;
  }
  [[nodiscard]] std::optional<llm::failure> failure(std::int64_t request, std::uint32_t first,
                                                    std::uint32_t asked) {
    auto use = failure_.with(request, first, asked);
    if (!use.next()) return std::nullopt;
    llm::failure f;
    const auto kind = named(use.text(0), llm::failure_kind::budget);
    if (!kind) throw damaged("an unknown kind of failure");
    f.kind = *kind;
    f.message = use.text(1);
    f.status = static_cast<int>(use.integer(2));
    f.code = use.text(3);
    f.parameter = use.text(4);
    f.request_id = use.text(5);
    f.body = use.text(6);
    f.may_be_billed = use.integer(7) != 0;
    if (!use.null(8)) f.retry_after = std::chrono::milliseconds(use.integer(8));
    if (!use.null(9)) f.should_retry = use.integer(9) != 0;
    return f;
  }

  // ---- writing
  std::int64_t add_model(std::string_view spec, const llm::model_profile& m, std::string_view base_url) {
    add_model_.run(spec, m.provider, m.name, base_url);
    return db_->last_id();
  }
  /// `texts`: hash and text of every message.
  std::int64_t add_request(std::int64_t model, const std::string& hash, const llm::chat_request& q,
                           const std::vector<std::string>& stop,
                           const std::vector<std::pair<digest, std::string_view>>& texts) {
    std::optional<std::string> stops, reasoning;
    if (!stop.empty()) stops = json_list(stop);
    if (q.reasoning != llm::effort::unset) reasoning = to_string(q.reasoning);
    add_request_.run(model, hash, q.max_tokens, q.temperature, q.top_p, stops, reasoning);
    const std::int64_t request = db_->last_id();
    for (std::size_t i = 0; i < texts.size(); ++i)
      add_message_.run(request, std::uint64_t{i}, to_string(q.messages.messages()[i].from),
                       text_id(to_hex(texts[i].first), texts[i].second));
    return request;
  }
  /// Returns the choices' ids.
  std::vector<std::int64_t> add_reply(std::int64_t request, const llm::chat_request& q, const llm::reply& r,
                                      const stamp& at) {
    const llm::token_usage& u = r.used;
    const auto counted = [](std::uint64_t n) { return std::min(n, llm::largest_count); };
    add_reply_.run(request, q.sample, q.n, std::uint64_t{r.choices.size()}, q.seed, q.tag, at.session,
                   at.time, u.known, counted(u.input), counted(u.cached), counted(u.cache_write),
                   counted(u.cache_write_hour), counted(u.output), counted(u.reasoning), u.cost_usd, r.model,
                   r.id, r.request_id, r.fingerprint, r.attempts, r.seconds.count());
    const std::int64_t reply = db_->last_id();
    std::vector<std::int64_t> ids;
    ids.reserve(r.choices.size());
    for (std::size_t i = 0; i < r.choices.size(); ++i) {
      const llm::choice& c = r.choices[i];
      add_choice_.run(request, std::uint64_t{q.sample} + i, reply, c.text, to_string(c.why), c.native_finish,
                      c.refusal);
      ids.push_back(db_->last_id());
    }
    return ids;
  }
  void add_failure(std::int64_t request, const llm::chat_request& q, const llm::failure& f, const stamp& at) {
    std::optional<std::int64_t> wait;
    if (f.retry_after) wait = f.retry_after->count();
    add_failure_.run(request, q.sample, q.n, q.tag, at.session, at.time, to_string(f.kind), f.message,
                     f.status, f.code, f.parameter, f.request_id, f.body, f.may_be_billed, wait,
                     f.should_retry);
  }
  void forget_failure(std::int64_t request, const llm::chat_request& q) {
    forget_failure_.run(request, q.sample, q.n);
  }

 private:
  [[nodiscard]] store_error damaged(const std::string& how) const {
    return {store_problem::corrupt, db_->path(),
            "is damaged (" + how + "). `sqlite3 FILE .recover` saves what is left"};
  }
  std::int64_t text_id(const std::string& hash, std::string_view text) {
    {
      auto use = find_text_.with(hash);
      if (use.next()) return use.integer(0);
    }
    add_text_.run(hash, text);
    return db_->last_id();
  }
  static stored_reply read_reply(const statement::use& row) {
    stored_reply r;
    r.id = row.integer(0);
    r.request = row.integer(1);
    r.first = static_cast<std::uint32_t>(row.count(2));
    r.asked = static_cast<std::uint32_t>(row.count(3));
    r.received = static_cast<std::uint32_t>(row.count(4));
    llm::token_usage& u = r.what.used;
    u.known = row.integer(5) != 0;
    u.input = row.count(6);
    u.cached = row.count(7);
    u.cache_write = row.count(8);
    u.cache_write_hour = row.count(9);
    u.output = row.count(10);
    u.reasoning = row.count(11);
    if (!row.null(12)) u.cost_usd = row.real(12);
    r.what.model = row.text(13);
    r.what.id = row.text(14);
    r.what.request_id = row.text(15);
    r.what.fingerprint = row.text(16);
    r.what.attempts = static_cast<std::uint32_t>(row.count(17));
    r.what.seconds = std::chrono::duration<double>(row.real(18));
    return r;
  }

  static constexpr const char* reply_columns =
      "SELECT id, request, first_sample, asked, received, usage_known, input_tokens, cached_tokens,"
      " cache_write_tokens, cache_write_hour_tokens, output_tokens, reasoning_tokens, cost_usd, answered_by,"
      " reply_id, http_request_id, fingerprint, attempts, seconds FROM replies ";

  database* db_;
  statement find_model_{*db_, "SELECT id FROM models WHERE spec = ?"};
  statement find_request_{*db_, "SELECT id FROM requests WHERE model = ? AND hash = ?"};
  statement find_text_{*db_, "SELECT id FROM texts WHERE hash = ?"};
  statement choices_{*db_, "SELECT id, reply, sample, text, finish, native_finish, refusal FROM choices"
                           " WHERE request = ? AND sample >= ? AND sample < ? ORDER BY sample"};
  statement reply_{*db_, std::string(reply_columns) + "WHERE id = ?"};
  statement empty_replies_{*db_, std::string(reply_columns) + "WHERE received = 0 ORDER BY id"};
  statement failure_{*db_,
                     "SELECT kind, message, status, code, parameter, http_request_id, body, may_be_billed,"
                     " retry_after_ms, should_retry FROM failures"
                     " WHERE request = ? AND first_sample = ? AND asked = ?"};
  statement add_model_{*db_, "INSERT INTO models (spec, provider, name, base_url) VALUES (?, ?, ?, ?)"};
  statement add_text_{*db_, "INSERT INTO texts (hash, text) VALUES (?, ?)"};
  statement add_request_{*db_,
                         "INSERT INTO requests (model, hash, max_tokens, temperature, top_p, stop, reasoning)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?)"};
  statement add_message_{*db_, "INSERT INTO messages (request, position, role, text) VALUES (?, ?, ?, ?)"};
  statement add_reply_{*db_,
                       "INSERT INTO replies (request, first_sample, asked, received, seed, tag, session,"
                       " arrived, usage_known, input_tokens, cached_tokens, cache_write_tokens,"
                       " cache_write_hour_tokens, output_tokens, reasoning_tokens, cost_usd, answered_by,"
                       " reply_id, http_request_id, fingerprint, attempts, seconds)"
                       " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  statement add_choice_{*db_,
                        "INSERT INTO choices (request, sample, reply, text, finish, native_finish, refusal)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)"};
  statement add_failure_{
      *db_, "INSERT OR REPLACE INTO failures (request, first_sample, asked, tag, session, arrived,"
            " kind, message, status, code, parameter, http_request_id, body, may_be_billed,"
            " retry_after_ms, should_retry) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"};
  statement forget_failure_{*db_,
                            "DELETE FROM failures WHERE request = ? AND first_sample = ? AND asked = ?"};
};

} // namespace strata::store::detail
