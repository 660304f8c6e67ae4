// SPDX-License-Identifier: MIT
// The server's own count of what was asked, answered and charged, to compare a client's report with.
// No text of a request and no key is part of it.
#pragma once

#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/mock/prices.hpp"
#include "strata/llm/token_usage.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace strata::llm::mock {

/// A number of replies with their tokens and price.
struct tally {
  std::uint64_t replies = 0;
  std::uint64_t choices = 0;
  token_usage used{};
  picodollars cost = 0;

  void add(std::uint64_t choices_now, const token_usage& usage, picodollars price) noexcept {
    ++replies;
    choices += choices_now;
    used += usage;
    if (__builtin_add_overflow(cost, price, &cost)) cost = INT64_MAX;
  }
  friend bool operator==(const tally&, const tally&) = default;
};

struct ledger {
  std::uint64_t requests = 0; ///< for text, answered or not
  std::uint64_t others = 0;   ///< lists of models, statistics, unknown addresses
  /// Why requests were not answered well: scripted failures by their names, and what the server refused by
  /// its rules: bad_key, bad_request, rate_limited, too_large, overloaded, not_found.
  std::map<std::string, std::uint64_t> failures{};
  tally delivered{};                     ///< written whole to the client, and usable
  tally undelivered{};                   ///< written for nothing: broken on purpose, or the client was gone
  std::map<std::string, tally> models{}; ///< of `delivered`; at most a thousand names
  std::uint64_t connections = 0, open_connections = 0, most_connections = 0;

  [[nodiscard]] double cost_usd() const noexcept { return dollars(delivered.cost); }

  void settle(const std::string& model, std::uint64_t choices, const token_usage& used, picodollars price,
              bool arrived) {
    if (!arrived) return undelivered.add(choices, used, price);
    delivered.add(choices, used, price);
    const bool room = models.size() < 1000 || models.contains(model);
    models[room ? model : "(others)"].add(choices, used, price);
  }
};

namespace detail {

inline void append_tally(request_body& out, const tally& t) {
  out.add("replies", t.replies);
  out.add("choices", t.choices);
  out.add("input_tokens", t.used.input);
  out.add("cached_tokens", t.used.cached);
  out.add("cache_write_tokens", t.used.cache_write);
  out.add("cache_write_hour_tokens", t.used.cache_write_hour);
  out.add("output_tokens", t.used.output);
  out.add("cost_usd", dollars(t.cost));
}

} // namespace detail

/// One JSON object on one line. `input_tokens` is the whole prompt; the cached and written ones are parts of
/// it. The members of `delivered` stand at the top.
[[nodiscard]] inline std::string to_json(const ledger& l) {
  request_body out(1024);
  out.add("requests", l.requests);
  detail::append_tally(out, l.delivered);
  request_body failures(256);
  for (const auto& [name, count] : l.failures) failures.add(name, count);
  out.name("failures") += std::move(failures).done();
  request_body undelivered(256);
  detail::append_tally(undelivered, l.undelivered);
  out.name("undelivered") += std::move(undelivered).done();
  request_body models(256);
  for (const auto& [name, t] : l.models) {
    request_body row(256);
    detail::append_tally(row, t);
    models.name(name) += std::move(row).done();
  }
  out.name("models") += std::move(models).done();
  out.add("other_requests", l.others);
  out.add("connections", l.connections);
  out.add("most_connections", l.most_connections);
  return std::move(out).done();
}

} // namespace strata::llm::mock
