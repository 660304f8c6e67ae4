// SPDX-License-Identifier: MIT
// The scripted server without its sockets: a request in, a script of bytes and pauses out, the clock an
// argument. Everything that clients can observe is decided here.
#pragma once

#include "strata/llm/mock/answers.hpp"
#include "strata/llm/mock/ledger.hpp"
#include "strata/llm/mock/prompt_cache.hpp"
#include "strata/llm/mock/rate_limits.hpp"
#include "strata/llm/mock/request_log.hpp"
#include "strata/llm/mock/staging.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace strata::llm::mock {

/// A request as it came. Views are valid during the call.
struct incoming {
  std::string_view method{};
  std::string_view target{};
  std::string_view x_api_key{};
  std::string_view authorization{};
  std::string_view anthropic_version{};
  std::string_view body{};
};

class service {
 public:
  /// Throws std::runtime_error if the log cannot be written.
  service(settings how, answerer answers)
      : how_(std::move(how)), answers_(std::move(answers)), cache_(how_.cache) {
    if (!how_.log.empty()) log_.emplace(how_.log);
  }

  /// O(request + reply). Never throws for what a client sends.
  [[nodiscard]] script handle(const incoming& in, const moment& now) {
    logged_request row;
    script out = respond(in, now, row);
    if (!row.path.empty()) log(out, row);
    return out;
  }

  /// To be called once for every script with counts: whether its last byte went out.
  void settle(const receipt& r, bool arrived) {
    const bool good = r.usable && arrived;
    if (log_ && r.logged) log_->settle(*r.logged, good);
    ledger_.settle(r.model, r.choices, r.used, r.cost, good);
    if (good || !r.numbered) return;
    auto& numbers = numbers_[r.identity]; // somebody else gets them
    if (r.usable)
      for (std::uint64_t i = 0; i < r.choices; ++i) numbers.returned.push_back(r.first + i);
    std::sort(numbers.returned.begin(), numbers.returned.end(), std::greater<>());
  }

  /// A refusal outside of any protocol: a body that is too large, a busy server.
  [[nodiscard]] script turn_away(int status, const char* counted_as, std::string_view target) {
    stage s{how_};
    s.speaks = target.find("messages") != std::string_view::npos ? protocol::anthropic_messages
                                                                 : protocol::openai_chat;
    ++ledger_.requests;
    script out = refuse(s, refusal_of(status, s.speaks), counted_as);
    out.end = ending::close;
    logged_request row;
    log(out, row);
    return out;
  }

  /// Why lines are missing in the log; empty if none are.
  [[nodiscard]] std::string log_problem() const { return log_ ? log_->problem() : std::string(); }
  [[nodiscard]] const ledger& counts() const noexcept { return ledger_; }
  [[nodiscard]] ledger& counts() noexcept { return ledger_; }
  [[nodiscard]] const settings& how() const noexcept { return how_; }

 private:
  struct sample_numbers {
    std::uint64_t next = 0;
    std::vector<std::uint64_t> returned; // descending
  };
  static constexpr std::size_t most_remembered = 1U << 20U;

  script respond(const incoming& in, const moment& now, logged_request& row) {
    std::string_view path = in.target.substr(0, in.target.find('?'));
    if (path == "/mock/stats") {
      ++ledger_.others;
      return plain(200, to_json(ledger_) + "\n");
    }
    if (path == "/") {
      ++ledger_.others;
      return plain(200, R"({"object":"strata mock-llm"})"
                        "\n");
    }
    if (path.starts_with("/v1/")) path.remove_prefix(3);
    const bool only_count = path == "/messages/count_tokens";
    const bool messages = path == "/messages" || only_count;
    const bool chat = path == "/chat/completions";
    stage s{how_};
    s.speaks = messages || (!chat && !in.anthropic_version.empty()) ? protocol::anthropic_messages
                                                                    : protocol::openai_chat;
    s.hash = mix(how_.seed, ++serial_);
    s.delay_ms = how_.latency.least;
    const bool anthropic = s.speaks == protocol::anthropic_messages;
    s.request_id = identifier(anthropic ? "req_01" : "req_", s.hash, anthropic ? 22 : 32);
    s.headers = anthropic ? "request-id: " + s.request_id + "\r\nanthropic-organization-id: org-mock\r\n"
                          : "x-request-id: " + s.request_id +
                                "\r\nopenai-organization: org-mock\r\nopenai-version: 2020-10-01\r\n"
                                "openai-processing-ms: " +
                                std::to_string(static_cast<std::uint64_t>(s.delay_ms)) + "\r\n";
    const bool text = (messages && !only_count) || chat;
    ++(text ? ledger_.requests : ledger_.others);
    if (text) row.path = in.target.substr(0, in.target.find('?'));

    if (!messages && !chat && path != "/models" && !path.starts_with("/models/")) {
      refusal r = refusal_of(404, s.speaks);
      r.message = "Unknown request URL: " + std::string(in.method.substr(0, 20)) + " " +
                  std::string(in.target.substr(0, 200)) + ".";
      r.code = anthropic ? "" : "unknown_url";
      return refuse(s, r, "not_found");
    }
    const std::string_view key = key_of(in);
    if (key.empty() || (!how_.key.empty() && key != how_.key))
      return refuse(s, key.empty() ? no_key(s.speaks) : refusal_of(401, s.speaks), "bad_key");
    if (in.method != (messages || chat ? "POST" : "GET")) {
      refusal r = refusal_of(400, s.speaks);
      r.status = 405;
      r.message = "Not allowed to " + std::string(in.method.substr(0, 20)) + " on " +
                  std::string(path.substr(0, 100));
      return refuse(s, r, "bad_request");
    }
    if (!messages && !chat) return list_models(s, path);
    if (messages && in.anthropic_version.empty()) {
      refusal r;
      r.message = "anthropic-version: header is required";
      return refuse(s, r, "bad_request");
    }
    auto read = read_call(s.speaks, in.body, only_count);
    if (auto* r = std::get_if<refusal>(&read)) return refuse(s, *r, "bad_request");
    const call& q = std::get<call>(read);
    if (log_) row.asked(q);
    if (!how_.models.empty() &&
        std::find(how_.models.begin(), how_.models.end(), q.model) == how_.models.end())
      return refuse(s, refusal_of(404, s.speaks, q.model), "not_found");
    if (only_count)
      return plain(200, R"({"input_tokens":)" + std::to_string(tokens_of(q.prompt)) + "}", s.headers);
    for (const std::string& name : how_.refused)
      if (q.has(name)) return refuse(s, unsupported_refusal(s.speaks, name), "bad_request");
    if (q.n > 1 && !how_.supports_n && !how_.ignores_n) {
      refusal r = unsupported_refusal(s.speaks, "n");
      r.message = "Unsupported value: 'n' does not support " + std::to_string(q.n) +
                  " with this model. Only 1 completion choice is allowed.";
      r.code = "unsupported_value";
      return refuse(s, r, "bad_request");
    }
    return answer(s, q, key, now, row);
  }

  /// Writes the line of a request whose reply is about to be sent.
  void log(script& out, logged_request& row) {
    if (!log_) return;
    constexpr std::string_view protocol_and_blank = "HTTP/1.1 ";
    if (out.bytes.starts_with(protocol_and_blank))
      row.status = std::atoi(out.bytes.c_str() + protocol_and_blank.size());
    if (out.counts) {
      row.sample = out.counts->first;
      row.choices = out.counts->choices;
      row.used = out.counts->used;
    }
    const auto place = log_->write(row, !out.counts);
    if (out.counts) out.counts->logged = place;
  }

  static script plain(int status, const std::string& body, std::string_view headers = {}) {
    script out;
    out.say(http_head(status, "application/json", headers) + sized(body.size()) + body);
    return out;
  }
  script refuse(const stage& s, const refusal& r, const char* counted_as, std::string_view more = {}) {
    ++ledger_.failures[counted_as];
    return error_script(s, r, more);
  }
  static std::string_view key_of(const incoming& in) noexcept {
    if (!in.x_api_key.empty()) return in.x_api_key;
    constexpr std::string_view scheme = "bearer ";
    std::string_view a = in.authorization;
    if (a.size() <= scheme.size()) return {};
    for (std::size_t i = 0; i < scheme.size(); ++i)
      if ((a[i] | 0x20) != scheme[i]) return {};
    a.remove_prefix(scheme.size());
    while (!a.empty() && a.front() == ' ') a.remove_prefix(1);
    return a;
  }
  static refusal no_key(protocol speaks) {
    refusal r = refusal_of(401, speaks);
    r.message =
        speaks == protocol::anthropic_messages
            ? "x-api-key header is required"
            : "You didn't provide an API key. You need to provide your API key in an Authorization header "
              "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
    if (speaks == protocol::openai_chat) r.code.clear();
    return r;
  }

  script list_models(const stage& s, std::string_view path) {
    static const std::vector<std::string> any = {"any"};
    const auto& names = how_.models.empty() ? any : how_.models;
    const bool anthropic = s.speaks == protocol::anthropic_messages;
    if (path == "/models")
      return plain(200, anthropic ? anthropic_shape::models(names) : openai_shape::models(names), s.headers);
    const std::string name(path.substr(8, 200));
    if (!how_.models.empty() && std::find(names.begin(), names.end(), name) == names.end())
      return refuse(s, refusal_of(404, s.speaks, name), "not_found");
    return plain(200, anthropic ? anthropic_shape::model(name) : openai_shape::model(name), s.headers);
  }

  script answer(stage& s, const call& q, std::string_view key, const moment& now, logged_request& row) {
    s.stream = q.stream;
    s.include_usage = q.include_usage;
    if (attempts_.size() > most_remembered) attempts_.clear();
    const std::uint64_t asked = mix(mix(mix(how_.seed, q.identity), q.seed.value_or(~std::uint64_t{0})), q.n);
    const std::uint64_t attempt = attempts_[asked]++;
    s.hash = mix(asked, attempt);
    s.delay_ms =
        how_.latency.least + unit(mix(s.hash, 0x1A7)) * std::max(0.0, how_.latency.most - how_.latency.least);

    const misbehaviour kind = row.kind = how_.failures.draw(mix(s.hash, 0xFA11));
    if (kind != misbehaviour::none) {
      script failed = failure_script(s, kind, q, key);
      ++ledger_.failures[std::string(to_string(kind))];
      if (!failed.pieces.empty()) return failed;
    }

    const std::uint64_t scope = mix(std::hash<std::string_view>{}(key), q.model);
    rate_limits& limits = limits_of(q.model);
    if (limits.limited())
      if (const double wait = limits.admit(q.speaks, cache_.preview(q, scope, now.steady), now.steady);
          wait > 0)
        return over_limit(s, q, limits, wait, now);

    const std::uint32_t n = how_.ignores_n                ? 1
                            : kind == misbehaviour::fewer ? std::max<std::uint32_t>(q.n / 2, 1)
                                                          : q.n;
    return write(s, q, kind, n, scope, now);
  }

  script over_limit(stage& s, const call& q, rate_limits& limits, double wait, const moment& now) {
    limits.append_headers(s.headers, q.speaks, now);
    refusal r = refusal_of(429, q.speaks, q.model);
    std::string more = "retry-after: " + std::to_string(static_cast<std::uint64_t>(std::ceil(wait))) + "\r\n";
    if (q.speaks == protocol::openai_chat) {
      r.type = limits.by_requests() ? "requests" : "tokens";
      r.message = "Rate limit reached for " + q.model + " in organization org-mock on " +
                  (limits.by_requests() ? "requests per min (RPM)" : "tokens per min (TPM)") +
                  ". Please try again in " + go_text(wait) + ".";
      more +=
          "retry-after-ms: " + std::to_string(static_cast<std::uint64_t>(std::ceil(wait * 1000))) + "\r\n";
    } else {
      more += "x-should-retry: true\r\n";
    }
    return refuse(s, r, "rate_limited", more);
  }

  script write(stage& s, const call& q, misbehaviour kind, std::uint32_t n, std::uint64_t scope,
               const moment& now) {
    using m = misbehaviour;
    receipt counts;
    counts.model = q.model;
    counts.identity = q.identity;
    counts.choices = n;
    counts.usable = kind != m::truncated && kind != m::reset && kind != m::no_end &&
                    kind != m::stream_error && kind != m::bad_gzip;
    counts.numbered = !q.seed;
    counts.first = q.seed ? *q.seed : take_numbers(q.identity, n, counts.usable);

    written_reply r;
    question asked{q, {}, how_.seed};
    const std::string last = last_user_message(q);
    asked.last_user = last;
    std::uint64_t longest = 0;
    try {
      for (std::uint32_t i = 0; i < n; ++i) {
        written_text t = q.max_tokens && *q.max_tokens == 0
                             ? finish_text({}, q)
                             : finish_text(answers_(asked, counts.first + i), q);
        spoil(t, kind);
        longest = std::max(longest, t.tokens);
        r.used.output += t.tokens;
        r.choices.push_back(std::move(t));
      }
    } catch (const std::exception&) { // the source of answers broke; the numbers are lost with it
      return refuse(s, refusal_of(500, s.speaks), "no_answer");
    }
    const std::uint64_t written = r.used.output;
    const auto begins = now.steady + std::chrono::microseconds(static_cast<std::int64_t>(s.delay_ms * 1000));
    r.used = cache_.use(q, scope, now.steady, begins);
    r.used.output = written;
    const bool anthropic = q.speaks == protocol::anthropic_messages;
    r.id = identifier(anthropic ? "msg_01" : "chatcmpl-", mix(s.hash, 0x1D), anthropic ? 22 : 29);
    r.model = q.model;
    r.created = std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    r.with_usage = kind != m::no_usage;
    r.odd_numbers = kind == m::odd;
    counts.used = r.used;
    counts.cost = how_.prices.cost(q.model, r.used);
    rate_limits& limits = limits_of(q.model);
    limits.spend(q.speaks, written);
    limits.append_headers(s.headers, q.speaks, now);
    if (!q.stream) s.delay_ms += how_.token_ms * static_cast<double>(longest);
    script out = reply_script(s, kind, r);
    out.counts = std::move(counts);
    return out;
  }

  static void spoil(written_text& t, misbehaviour kind) {
    if (kind == misbehaviour::empty) {
      t = {};
    } else if (kind == misbehaviour::refusal) {
      t = {"I cannot help with that.", end_of_text::refusal, {}, 6};
    } else if (kind == misbehaviour::length) {
      t.text.resize(whole_characters(t.text, t.text.size() / 2).size());
      t.why = end_of_text::length;
      t.stopped_at.clear();
      t.tokens = tokens_of(t.text);
    }
  }

  /// The first of `n` sample numbers that nobody has got yet; broken replies do not use them up.
  std::uint64_t take_numbers(std::uint64_t identity, std::uint32_t n, bool used_up) {
    if (numbers_.size() > most_remembered) numbers_.clear();
    sample_numbers& have = numbers_[identity];
    if (n == 1 && !have.returned.empty()) {
      const std::uint64_t number = have.returned.back();
      if (used_up) have.returned.pop_back();
      return number;
    }
    const std::uint64_t first = have.next;
    if (used_up) have.next += n;
    return first;
  }

  rate_limits& limits_of(const std::string& model) {
    if (limits_.size() > 1000) limits_.clear();
    return limits_.try_emplace(model, how_.requests_per_minute, how_.tokens_per_minute).first->second;
  }

  static std::string last_user_message(const call& q) {
    std::size_t end = q.prompt.size();
    while (end > 0 && q.prompt[end - 1].from != role::user) --end;
    std::size_t begin = end;
    while (begin > 0 && q.prompt[begin - 1].from == role::user) {
      --begin;
      if (q.prompt[begin].opens_message) break;
    }
    std::string out;
    for (std::size_t i = begin; i < end; ++i) out += (out.empty() ? "" : "\n") + q.prompt[i].text;
    return out;
  }

  settings how_;
  answerer answers_;
  prompt_cache cache_;
  ledger ledger_;
  std::optional<request_log> log_;
  std::map<std::string, rate_limits> limits_;
  std::unordered_map<std::uint64_t, std::uint64_t> attempts_;
  std::unordered_map<std::uint64_t, sample_numbers> numbers_;
  std::uint64_t serial_ = 0;
};

} // namespace strata::llm::mock
