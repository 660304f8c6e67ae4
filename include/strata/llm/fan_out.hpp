// SPDX-License-Identifier: MIT
// Many samples of one or more prompts at the lowest price: several choices per request where the model takes
// `n`, asking again for those that did not come, one request ahead of the others where it fills a cache they
// then read, and a seed of its own for every request.
#pragma once

#include "strata/llm/client.hpp"
#include "strata/random.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace strata::llm {

/// Whether the first request goes ahead alone.
enum class warm_up : std::uint8_t {
  automatic, ///< where the provider caches prompts and this one is long enough to be cached
  never,
  always,
};

struct fan_out_policy {
  std::uint32_t per_request = 8; ///< choices, at most what the model takes
  warm_up ahead = warm_up::automatic;
  std::uint64_t seed = 0; ///< of the seeds sent; equal seeds and numbers of samples give equal seeds
};

/// The samples wanted of one prompt: numbers `question.sample` .. `question.sample + count - 1`.
struct sample_order {
  chat_request question{};
  std::uint32_t count = 1;
};

/// Which requests to send when: a state machine without a client. Feed it every outcome.
class fan_out_plan {
 public:
  struct step {
    std::size_t order = 0; ///< which of the orders it belongs to
    chat_request question{};
  };

  /// Throws std::invalid_argument if an order asks for no samples.
  fan_out_plan(std::vector<sample_order> orders, const model_profile& model, fan_out_policy policy = {});

  /// What to send first.
  [[nodiscard]] std::vector<step> begin();
  /// What to send after this outcome of `asked`; nothing once all has been sent.
  [[nodiscard]] std::vector<step> after(const step& asked, const outcome& came);
  /// Requests sent whose outcome has not been fed back, or that are still held back.
  [[nodiscard]] bool finished() const noexcept { return under_way_ == 0 && released_ == orders_.size(); }

 private:
  struct prompt {
    sample_order wanted;
    std::uint32_t next = 0;  // samples already asked for
    std::uint32_t again = 0; // extra requests for missing choices, for their seeds
    bool released = false;   // the rest may be sent
    std::uint32_t per_request = 1;
  };
  step ask(std::size_t order, std::uint32_t first, std::uint32_t count);
  void release(std::size_t order, std::vector<step>& out);
  [[nodiscard]] bool share_prefix() const noexcept;

  std::vector<prompt> orders_;
  capabilities takes_;
  fan_out_policy policy_;
  bool ahead_ = false;
  bool scout_ = false; // one request ahead of even the first of the other prompts
  std::size_t released_ = 0;
  std::size_t under_way_ = 0;
};

/// Runs a plan against a client. `each(order, first_sample, asked, outcome)` is called once per outcome, on
/// the thread of the client: choice i of a reply is sample first_sample + i. A failure stands for all samples
/// that were asked for. `done()` is called after the last. The client must outlive it.
template <ChatClient C>
void fan_out(C client, std::vector<sample_order> orders, fan_out_policy policy,
             std::function<void(std::size_t order, std::uint32_t first, std::uint32_t asked, outcome)> each,
             std::function<void()> done);

/// Part `i` of `parts` of what a reply used, so that all parts together are exactly it. The first parts get
/// what does not divide.
[[nodiscard]] token_usage share(const token_usage& whole, std::uint32_t i, std::uint32_t parts) noexcept;

// ---- implementation

inline fan_out_plan::fan_out_plan(std::vector<sample_order> orders, const model_profile& model,
                                  fan_out_policy policy)
    : takes_(model.takes), policy_(policy) {
  std::size_t most_bytes = 0;
  std::uint32_t most_requests = 0;
  for (sample_order& o : orders) {
    if (o.count == 0) throw std::invalid_argument("strata: an order asks for no samples");
    const bool greedy = o.question.temperature == 0.0;
    prompt p{.wanted = std::move(o)};
    p.per_request = greedy && !takes_.temperature_with_n
                        ? 1
                        : std::max(1U, std::min(policy_.per_request, std::max(1U, takes_.max_n)));
    most_bytes = std::max(most_bytes, p.wanted.question.messages.bytes());
    most_requests = std::max(most_requests, (p.wanted.count + p.per_request - 1) / p.per_request);
    orders_.push_back(std::move(p));
  }
  // the shortest prefix any provider caches is 512 tokens, a token is hardly ever shorter than two letters
  constexpr std::size_t shortest = 1024;
  const bool pays = takes_.cache != caching::none && most_bytes >= shortest;
  ahead_ = policy_.ahead == warm_up::always || (policy_.ahead == warm_up::automatic && pays);
  scout_ = ahead_ && orders_.size() > 1 && share_prefix();
  ahead_ = ahead_ && (most_requests > 1 || scout_);
}

inline bool fan_out_plan::share_prefix() const noexcept {
  const auto& first = orders_[0].wanted.question.messages.messages();
  for (const prompt& p : orders_) {
    const auto& messages = p.wanted.question.messages.messages();
    if (first.empty() || messages.empty() || !(messages[0] == first[0])) return false;
  }
  return first[0].text.size() >= 1024;
}

inline fan_out_plan::step fan_out_plan::ask(std::size_t order, std::uint32_t first, std::uint32_t count) {
  prompt& p = orders_[order];
  step s{.order = order, .question = p.wanted.question};
  s.question.n = count;
  s.question.sample = p.wanted.question.sample + first;
  // only 31 bits are sent, so they are made here: what is recorded is what was sent
  random_stream bits({policy_.seed, p.again, static_cast<std::uint32_t>(p.wanted.question.seed.value_or(0)),
                      s.question.sample});
  s.question.seed = bits() & 0x7fffffffU;
  ++under_way_;
  return s;
}

inline void fan_out_plan::release(std::size_t order, std::vector<step>& out) {
  prompt& p = orders_[order];
  if (p.released) return;
  p.released = true;
  ++released_;
  while (p.next < p.wanted.count) {
    const std::uint32_t count = std::min(p.per_request, p.wanted.count - p.next);
    out.push_back(ask(order, p.next, count));
    p.next += count;
  }
}

inline std::vector<fan_out_plan::step> fan_out_plan::begin() {
  std::vector<step> out;
  for (std::size_t o = 0; o < orders_.size(); ++o) {
    if (!ahead_) {
      release(o, out);
      continue;
    }
    prompt& p = orders_[o];
    const std::uint32_t count = std::min(p.per_request, p.wanted.count);
    out.push_back(ask(o, 0, count));
    p.next = count;
    if (scout_) break;
  }
  return out;
}

inline std::vector<fan_out_plan::step> fan_out_plan::after(const step& asked, const outcome& came) {
  --under_way_;
  std::vector<step> out;
  if (scout_) { // it was the only one under way: now the first request of every other prompt
    scout_ = false;
    for (std::size_t o = 1; o < orders_.size(); ++o) {
      prompt& p = orders_[o];
      const std::uint32_t count = std::min(p.per_request, p.wanted.count);
      out.push_back(ask(o, 0, count));
      p.next = count;
    }
  }
  prompt& p = orders_[asked.order];
  if (came.ok()) {
    const auto got = static_cast<std::uint32_t>(came.reply().choices.size());
    const std::uint32_t first = asked.question.sample - p.wanted.question.sample;
    if (got < asked.question.n) {
      if (got > 0) p.per_request = std::min(p.per_request, got);   // this server knows no larger `n`
      const bool in_vain = got == 0 && ++p.again > p.wanted.count; // only replies without choices: no loop
      for (std::uint32_t missing = first + got; !in_vain && missing < first + asked.question.n;) {
        const std::uint32_t count = std::min(p.per_request, first + asked.question.n - missing);
        out.push_back(ask(asked.order, missing, count));
        missing += count;
      }
    }
  }
  release(asked.order, out);
  return out;
}

inline token_usage share(const token_usage& whole, std::uint32_t i, std::uint32_t parts) noexcept {
  if (parts <= 1) return whole;
  const auto part = [&](std::uint64_t n) { return n / parts + (i < n % parts ? 1 : 0); };
  token_usage u;
  u.input = part(whole.input);
  u.cached = part(whole.cached);
  u.cache_write = part(whole.cache_write);
  u.cache_write_hour = part(whole.cache_write_hour);
  u.output = part(whole.output);
  u.reasoning = part(whole.reasoning);
  u.known = whole.known;
  if (whole.cost_usd) u.cost_usd = *whole.cost_usd / parts;
  return u;
}

namespace detail {

template <class C> class fan_out_run : public std::enable_shared_from_this<fan_out_run<C>> {
 public:
  using each_function = std::function<void(std::size_t, std::uint32_t, std::uint32_t, outcome)>;

  fan_out_run(C c, std::vector<sample_order> orders, fan_out_policy policy, each_function each,
              std::function<void()> done)
      : client_(std::move(c)), plan_(std::move(orders), client_.model(), policy), each_(std::move(each)),
        done_(std::move(done)) {}

  void begin() {
    auto first = plan_.begin();
    if (first.empty()) return done_();
    send(std::move(first));
  }

 private:
  using step = fan_out_plan::step;
  void send(std::vector<step> steps) {
    for (step& s : steps) {
      auto question = s.question;
      client_.submit(std::move(question), [self = this->shared_from_this(), s = std::move(s)](outcome o) {
        self->receive(s, std::move(o));
      });
    }
  }
  void receive(const step& asked, outcome came) {
    std::vector<step> next;
    {
      const std::scoped_lock lock(mutex_); // `submit` may be called on one thread and answered on another
      next = plan_.after(asked, came);
    }
    const auto first = asked.question.sample;
    each_(asked.order, first, asked.question.n, std::move(came));
    send(std::move(next));
    bool last = false;
    {
      const std::scoped_lock lock(mutex_);
      last = plan_.finished() && !std::exchange(told_, plan_.finished());
    }
    if (last) done_();
  }

  C client_;
  std::mutex mutex_;
  fan_out_plan plan_;
  each_function each_;
  std::function<void()> done_;
  bool told_ = false;
};

} // namespace detail

template <ChatClient C>
void fan_out(C client, std::vector<sample_order> orders, fan_out_policy policy,
             std::function<void(std::size_t, std::uint32_t, std::uint32_t, outcome)> each,
             std::function<void()> done) {
  std::make_shared<detail::fan_out_run<C>>(std::move(client), std::move(orders), policy, std::move(each),
                                           std::move(done))
      ->begin();
}

} // namespace strata::llm
