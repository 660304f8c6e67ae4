// SPDX-License-Identifier: MIT
// The tables and views of a run store, as they stand in the file. docs/store.md explains them; a change here
// needs a new version, a step in `run_store` that brings older files up to it, and a test of that step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::store {

/// `PRAGMA user_version` of the files this header writes.
inline constexpr std::int64_t schema_version = 1;
/// `PRAGMA application_id`: "STRA".
inline constexpr std::int64_t application_id = 0x53545241;
/// The usual name of the file within a run directory.
inline constexpr std::string_view file_name = "replies.db";

namespace detail {

struct schema_object {
  std::string name;
  std::string sql;
};

inline constexpr const char* label_columns =
    R"(coalesce(t.task, '') AS task, coalesce(t.step, -1) AS step, coalesce(t.stage, '') AS stage, m.spec AS model)";
inline constexpr const char* sums = R"(
  count(*) AS replies, sum(samples) AS samples, sum(input_tokens) AS input_tokens,
  sum(cached_tokens) AS cached_tokens, sum(cache_write_tokens) AS cache_write_tokens,
  sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
  round(sum(cost_usd), 9) AS cost_usd, sum(cost_usd IS NULL) AS replies_without_cost
  FROM usage)";

/// In the order of creation.
[[nodiscard]] inline std::vector<schema_object> schema() {
  const std::string labels = label_columns;
  const auto grouped = [](const std::string& by) {
    return schema_object{"usage_by_" + by,
                         "CREATE VIEW usage_by_" + by + " AS SELECT " + by + "," + sums + " GROUP BY " + by};
  };
  return {
      {"run", "CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"},
      {"sessions", R"(CREATE TABLE sessions (
  id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, process INTEGER NOT NULL))"},
      {"models", R"(CREATE TABLE models (
  id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, name TEXT NOT NULL,
  base_url TEXT NOT NULL))"},
      {"tags", R"(CREATE TABLE tags (
  id INTEGER PRIMARY KEY, task TEXT NOT NULL, step INTEGER NOT NULL, stage TEXT NOT NULL,
  UNIQUE (task, step, stage)))"},
      {"texts", "CREATE TABLE texts (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL)"},
      {"requests", R"(CREATE TABLE requests (
  id INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models, hash TEXT NOT NULL,
  max_tokens INTEGER NOT NULL, temperature REAL, top_p REAL, stop TEXT, reasoning TEXT,
  UNIQUE (model, hash)))"},
      {"messages", R"(CREATE TABLE messages (
  request INTEGER NOT NULL REFERENCES requests, position INTEGER NOT NULL, role TEXT NOT NULL,
  text INTEGER NOT NULL REFERENCES texts, PRIMARY KEY (request, position)) WITHOUT ROWID)"},
      {"replies", R"(CREATE TABLE replies (
  id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests, first_sample INTEGER NOT NULL,
  asked INTEGER NOT NULL, received INTEGER NOT NULL, seed INTEGER, tag INTEGER NOT NULL,
  session INTEGER NOT NULL REFERENCES sessions, arrived TEXT NOT NULL,
  usage_known INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL, cache_write_hour_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost_usd REAL,
  answered_by TEXT NOT NULL, reply_id TEXT NOT NULL, http_request_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  attempts INTEGER NOT NULL, seconds REAL NOT NULL))"},
      {"choices", R"(CREATE TABLE choices (
  id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests, sample INTEGER NOT NULL,
  reply INTEGER NOT NULL REFERENCES replies, text TEXT NOT NULL, finish TEXT NOT NULL,
  native_finish TEXT NOT NULL, refusal TEXT NOT NULL, UNIQUE (request, sample)))"},
      {"failures", R"(CREATE TABLE failures (
  request INTEGER NOT NULL REFERENCES requests, first_sample INTEGER NOT NULL, asked INTEGER NOT NULL,
  tag INTEGER NOT NULL, session INTEGER NOT NULL REFERENCES sessions, arrived TEXT NOT NULL,
  kind TEXT NOT NULL, message TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
  parameter TEXT NOT NULL, http_request_id TEXT NOT NULL, body TEXT NOT NULL, may_be_billed INTEGER NOT NULL,
  retry_after_ms INTEGER, should_retry INTEGER,
  PRIMARY KEY (request, first_sample, asked)) WITHOUT ROWID)"},
      {"empty_replies", "CREATE INDEX empty_replies ON replies (request, first_sample) WHERE received = 0"},
      {"prompts", R"(CREATE VIEW prompts AS SELECT m.request, m.position, m.role, t.text
  FROM messages m JOIN texts t ON t.id = m.text ORDER BY m.request, m.position)"},
      {"samples", "CREATE VIEW samples AS SELECT " + labels + R"(,
  c.sample, q.temperature, c.request, c.reply, c.finish, c.text, r.arrived
  FROM choices c JOIN replies r ON r.id = c.reply JOIN requests q ON q.id = c.request
  JOIN models m ON m.id = q.model LEFT JOIN tags t ON t.id = r.tag)"},
      {"usage", "CREATE VIEW usage AS SELECT " + labels + R"(,
  r.id AS reply, r.session, r.tag, r.received AS samples, r.usage_known, r.input_tokens, r.cached_tokens,
  r.cache_write_tokens + r.cache_write_hour_tokens AS cache_write_tokens, r.output_tokens,
  r.reasoning_tokens, r.cost_usd, r.attempts, r.seconds
  FROM replies r JOIN requests q ON q.id = r.request JOIN models m ON m.id = q.model
  LEFT JOIN tags t ON t.id = r.tag)"},
      grouped("task"),
      grouped("step"),
      grouped("stage"),
      grouped("model"),
      {"usage_total", std::string("CREATE VIEW usage_total AS SELECT") + sums},
      {"failed_requests", "CREATE VIEW failed_requests AS SELECT " + labels + R"(,
  f.first_sample, f.asked, f.kind, f.status, f.message, f.arrived
  FROM failures f JOIN requests q ON q.id = f.request JOIN models m ON m.id = q.model
  LEFT JOIN tags t ON t.id = f.tag)"},
  };
}

} // namespace detail
} // namespace strata::store
