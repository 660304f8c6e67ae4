// SPDX-License-Identifier: MIT
// A budget in dollars, tokens, requests and seconds: what a request may cost at most is reserved before it is
// sent, and settled with what it did cost. `budgeted` puts one before a client.
#pragma once

#include "strata/agents/money.hpp"
#include "strata/agents/tokens.hpp"
#include "strata/llm/client.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace strata::agents {

/// What a run may use; by default everything.
struct budget_limits {
  double usd = std::numeric_limits<double>::infinity();
  std::uint64_t tokens = std::numeric_limits<std::uint64_t>::max(); ///< input and output together
  std::uint64_t requests = std::numeric_limits<std::uint64_t>::max();
  double seconds = std::numeric_limits<double>::infinity(); ///< since construction
};

/// An amount of each.
struct spending {
  picodollars cost = 0;
  std::uint64_t tokens = 0;
  std::uint64_t requests = 0;
  bool priced = true; ///< false: no price is known, so `cost` says nothing

  [[nodiscard]] spending with(const spending& more) const noexcept {
    return {add(cost, more.cost), llm::saturating_add(tokens, more.tokens),
            llm::saturating_add(requests, more.requests), priced && more.priced};
  }
  /// Without what there is of `part`.
  [[nodiscard]] spending without(const spending& part) const noexcept {
    return {cost - std::min(cost, part.cost), tokens - std::min(tokens, part.tokens),
            requests - std::min(requests, part.requests), priced};
  }
  [[nodiscard]] bool nothing() const noexcept { return cost == 0 && tokens == 0 && requests == 0; }
  friend bool operator==(const spending&, const spending&) = default;
};

/// The tokens that one request may use at most: its prompt, and `max_tokens` for every choice.
[[nodiscard]] inline llm::token_usage most_tokens(const llm::model_profile& model,
                                                  const llm::chat_request& q) {
  llm::token_usage used;
  used.input = approximate_tokens(q.messages) * 5 / 4; // the count is not exact
  const std::uint64_t most = model.takes.max_output_tokens != 0
                                 ? std::min(q.max_tokens, model.takes.max_output_tokens)
                                 : q.max_tokens;
  used.output = most * std::max(1U, q.n);
  return used;
}

/// What one request with these tokens may use at most. Every token of the prompt is taken at the highest
/// price it can have: read from the cache, written to it or neither, in the row that holds for a prompt of
/// that length or up to twice as long, now or within a day, at peak hours. Without a price for it, `priced`
/// is false. O(prices).
[[nodiscard]] inline spending most_of(const llm::model_profile& model, const llm::token_usage& used,
                                      llm::cache_life cache, std::chrono::system_clock::time_point when) {
  spending out{.tokens = used.input + used.output, .requests = 1};
  double dearest = 0;
  for (const auto at : {when, when + std::chrono::hours(24)}) {
    if (model.price_at(at, 0) == nullptr) out.priced = false; // no row for a short prompt
    const auto weigh = [&](std::uint64_t prompt) {
      const llm::price* p = model.price_at(at, prompt);
      if (p == nullptr) return;
      double input = std::max({p->input, p->cached, p->cache_write});
      if (cache == llm::cache_life::hour1) input = std::max(input, p->cache_write_hour);
      dearest = std::max(
          dearest,
          (static_cast<double>(used.input) * input + static_cast<double>(used.output) * p->output) / 1e6);
    };
    weigh(used.input);
    for (const llm::price& row : model.prices)
      if (row.above < 2 * used.input) weigh(row.above + 1);
  }
  if (out.priced)
    out.cost = to_picodollars(dearest * (model.peak.hours.empty() ? 1 : std::max(1.0, model.peak.factor)));
  return out;
}

[[nodiscard]] inline spending most_of(const llm::model_profile& model, const llm::chat_request& q,
                                      std::chrono::system_clock::time_point when) {
  return most_of(model, most_tokens(model, q), q.cache, when);
}

/// What the follow-ups of a request may use at most.
[[nodiscard]] inline spending most_after(const llm::model_profile& model, const llm::chat_request& q,
                                         std::chrono::system_clock::time_point when) {
  if (!q.later || q.later->requests == 0) return {};
  const llm::follow_ups& all = *q.later;
  llm::token_usage one;
  one.input = all.input_tokens / all.requests * 5 / 4 + 1;
  one.output = all.output_tokens / all.requests + 1;
  spending out = most_of(model, one, q.cache, when);
  out.requests = all.requests;
  const auto count = static_cast<picodollars>(out.requests);
  out.cost = out.cost > INT64_MAX / count ? INT64_MAX : out.cost * count;
  out.tokens = all.input_tokens / 4 * 5 + all.output_tokens + out.requests;
  return out;
}

/// What a reply used, or the most it can have used: if its usage is not known, or says fewer tokens than the
/// texts can have, it is the most that the request could use, or what was said if that is more. `known` is
/// false then, and the cost is set where the model has a price. O(texts).
[[nodiscard]] inline llm::token_usage certain_usage(const llm::model_profile& model,
                                                    const llm::chat_request& asked,
                                                    std::chrono::system_clock::time_point when,
                                                    const llm::reply& r) {
  constexpr std::uint64_t slack = 16; // of short texts nothing can be said
  std::uint64_t sent = 0, received = 0;
  for (const llm::message& m : asked.messages) sent += fewest_tokens(m.text);
  for (const llm::choice& c : r.choices) received += fewest_tokens(c.text);
  llm::token_usage u = r.used;
  if (u.known && llm::saturating_add(u.input, slack) >= sent &&
      llm::saturating_add(u.output, slack) >= received)
    return u;
  const llm::token_usage most = most_tokens(model, asked);
  u.raise_to(most);
  u.known = true;
  const spending reserved = most_of(model, asked, when);
  const auto said = model.cost(u, when);
  const bool settled = model.takes.states_cost && u.cost_usd;
  if (reserved.priced && !settled) u.cost_usd = std::max(to_dollars(reserved.cost), said.value_or(0));
  u.known = false;
  return u;
}

/// Counts against limits. Members may be called from any threads. The limits are kept as long as providers
/// bill no more than `most_of` a request; what they say beyond that counts, so the next request is refused.
/// With a limit in dollars, requests without a price are refused.
class budget {
 public:
  enum class answer : std::uint8_t {
    granted, ///< it is reserved now
    later,   ///< only what is reserved for others is in the way
    never,   ///< the limit is reached
  };
  enum class limit : std::uint8_t { none, seconds, requests, tokens, usd };
  using clock = std::function<double()>; ///< seconds since any moment

  /// `already`: used before, by the run that is resumed. Throws std::invalid_argument for a limit that is
  /// negative or no number.
  explicit budget(budget_limits most, spending already = {}, clock now = steady_seconds)
      : most_(most), spent_(already), now_(std::move(now)), begun_(now_()) {
    if (!(most.usd >= 0) || !(most.seconds >= 0))
      throw std::invalid_argument("strata: a budget must be a number, 0 or more");
    most_cost_ = std::isinf(most.usd) ? INT64_MAX : to_picodollars(most.usd);
  }

  [[nodiscard]] answer reserve(const spending& s) {
    const std::scoped_lock lock(mutex_);
    if (!fits(s, {})) return answer::never;
    if (!fits(s, reserved_)) return answer::later;
    reserved_.cost = add(reserved_.cost, s.cost);
    reserved_.tokens = llm::saturating_add(reserved_.tokens, s.tokens);
    reserved_.requests = llm::saturating_add(reserved_.requests, s.requests);
    return answer::granted;
  }
  /// Ends a reservation: `used` is what became of it.
  void settle(const spending& reserved, const spending& used) {
    const std::scoped_lock lock(mutex_);
    reserved_.cost -= std::min(reserved.cost, reserved_.cost);
    reserved_.tokens -= std::min(reserved.tokens, reserved_.tokens);
    reserved_.requests -= std::min(reserved.requests, reserved_.requests);
    spent_.cost = add(spent_.cost, used.cost);
    spent_.tokens = llm::saturating_add(spent_.tokens, used.tokens);
    spent_.requests = llm::saturating_add(spent_.requests, used.requests);
  }

  /// Whether the whole budget, with nothing spent, is at least `s`.
  [[nodiscard]] bool holds(const spending& s) const noexcept {
    return s.cost <= most_cost_ && s.tokens <= most_.tokens && s.requests <= most_.requests;
  }
  [[nodiscard]] spending spent() const {
    const std::scoped_lock lock(mutex_);
    return spent_;
  }
  [[nodiscard]] spending reserved() const {
    const std::scoped_lock lock(mutex_);
    return reserved_;
  }

  /// What a request is told that is refused.
  [[nodiscard]] llm::failure refusal(const spending& s) const {
    const std::scoped_lock lock(mutex_);
    llm::failure out{.kind = llm::failure_kind::declined};
    reached_ = now_() - begun_ >= most_.seconds                      ? limit::seconds
               : beyond(spent_.requests, s.requests, most_.requests) ? limit::requests
               : beyond(spent_.tokens, s.tokens, most_.tokens)       ? limit::tokens
                                                                     : limit::usd;
    if (reached_ == limit::seconds)
      out.message = "the time of the budget is over";
    else if (reached_ == limit::requests)
      out.message = "the budget of " + std::to_string(most_.requests) + " requests is used up";
    else if (reached_ == limit::tokens)
      out.message = "the budget of " + std::to_string(most_.tokens) +
                    " tokens is used up: " + std::to_string(spent_.tokens) +
                    " used, the next request may take " + std::to_string(s.tokens);
    else if (!std::isinf(most_.usd) && !s.priced)
      out.message = "the budget is in dollars, and no price is known for this request";
    else
      out.message = "the budget of $" + dollars(most_cost_) + " is used up: $" + dollars(spent_.cost) +
                    " spent, the next request may cost $" + dollars(s.cost);
    out.message +=
        reached_ != limit::seconds && !holds(s)
            ? "; no request for as many samples fits into it: resume with a larger one, or start a "
              "run that asks for fewer at once"
            : "; resume with a larger one";
    return out;
  }

  /// The limit of the last refusal.
  [[nodiscard]] limit reached() const {
    const std::scoped_lock lock(mutex_);
    return reached_;
  }

  /// The two halves of `engine_hooks::admit`, for clients that are not `budgeted`: the hook reserves or
  /// declines, what is only in the way of others included. Whoever receives the outcome of the request calls
  /// `settle`; requests that were never admitted are recognised.
  [[nodiscard]] std::optional<llm::failure> admit(const llm::model_profile& model,
                                                  const llm::chat_request& q) {
    const spending s = most_of(model, q, std::chrono::system_clock::now());
    if (reserve(s) != answer::granted) return refusal(s);
    const std::scoped_lock lock(mutex_);
    admitted_.emplace(key_of(q), s);
    return std::nullopt;
  }
  void settle(const llm::model_profile& model, const llm::chat_request& q, const llm::outcome& came) {
    spending reserved;
    {
      const std::scoped_lock lock(mutex_);
      const auto at = admitted_.find(key_of(q));
      if (at == admitted_.end()) return;
      reserved = at->second;
      admitted_.erase(at);
    }
    settle(reserved,
           came.ok() ? used_by(model, certain_usage(model, q, std::chrono::system_clock::now(), came.reply()),
                               reserved)
                     : used_by(model, came, reserved));
  }

  /// What an outcome used. A failure that may have been billed counts as much as was reserved in tokens and
  /// money, other failures as a request only. A reply that does not say counts as much as was reserved, or as
  /// it says if that is more.
  [[nodiscard]] static spending used_by(const llm::model_profile& model, const llm::outcome& came,
                                        const spending& reserved) {
    if (!came.ok()) {
      if (came.failure().may_be_billed) return reserved;
      const bool sent = came.failure().kind != llm::failure_kind::cancelled &&
                        came.failure().kind != llm::failure_kind::declined;
      return {.requests = sent ? 1U : 0U};
    }
    return used_by(model, came.reply().used, reserved);
  }
  [[nodiscard]] static spending used_by(const llm::model_profile& model, const llm::token_usage& u,
                                        const spending& reserved) {
    const auto usd = model.cost(u, std::chrono::system_clock::now());
    spending used{usd ? to_picodollars(*usd) : reserved.cost, llm::saturating_add(u.input, u.output), 1};
    if (!u.known) {
      if (!(model.takes.states_cost && u.cost_usd)) used.cost = std::max(used.cost, reserved.cost);
      used.tokens = std::max(used.tokens, reserved.tokens);
    }
    return used;
  }

 private:
  using key = std::tuple<const void*, std::uint32_t, std::uint32_t, std::uint64_t, std::uint64_t>;

  static double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  static key key_of(const llm::chat_request& q) {
    // prompts are shared, not copied, so the address of one stays while its request is under way
    return {&q.messages.messages(), q.sample, q.n, q.tag,
            static_cast<std::uint64_t>(std::clamp(q.temperature.value_or(-1), -1.0, 1e3) * 1e6 + 2e6)};
  }
  static bool beyond(std::uint64_t used, std::uint64_t more, std::uint64_t most) {
    return used > most || more > most - used;
  }
  [[nodiscard]] bool fits(const spending& s, const spending& others) const {
    return now_() - begun_ < most_.seconds && (std::isinf(most_.usd) || s.priced) &&
           add(add(spent_.cost, others.cost), s.cost) <= most_cost_ &&
           !beyond(llm::saturating_add(spent_.tokens, others.tokens), s.tokens, most_.tokens) &&
           !beyond(llm::saturating_add(spent_.requests, others.requests), s.requests, most_.requests);
  }
  static std::string dollars(picodollars p) {
    const auto hundredths = p / 100'000'000; // of a cent
    std::string cents = std::to_string(hundredths % 10'000);
    return std::to_string(hundredths / 10'000) + "." + std::string(4 - cents.size(), '0') + cents;
  }

  budget_limits most_;
  picodollars most_cost_ = 0;
  spending spent_, reserved_;
  clock now_;
  double begun_;
  std::multimap<key, spending> admitted_;
  mutable limit reached_ = limit::none;
  mutable std::mutex mutex_;
};

/// A client that asks a budget first. A request for which only the reservations of others leave no room waits
/// for them, so a tight budget makes a run slower but is used to its end; what can never fit is declined.
///
/// What is begun can be finished: with a request that announces follow-ups, all that these may use is
/// reserved, too, so that they are granted when they come, and before other requests; unless the whole budget
/// is too small for that: then they take their chance.
///
/// Replies are handed on with their `certain_usage`, so that everybody counts the same. Copies share the
/// queue. The budget must outlive it; give each budget one such client.
template <llm::ChatClient C> class budgeted {
 public:
  budgeted(C inner, budget& most) : core_(std::make_shared<core>(std::move(inner), most)) {}

  void submit(llm::chat_request q, llm::completion done) {
    {
      const std::scoped_lock lock(core_->mutex);
      auto& queue = q.follow_up ? core_->urgent : core_->waiting;
      queue.push_back({std::move(q), std::move(done)});
    }
    core::pump(core_);
  }
  [[nodiscard]] const llm::model_profile& model() const { return core_->inner.model(); }

 private:
  struct entry {
    llm::chat_request question;
    llm::completion done;
  };
  struct core;
  /// What is reserved for the follow-ups of one request.
  struct promise final : llm::kept_back {
    promise(const std::shared_ptr<core>& c, const spending& amount) : of(c), most(c->most), left(amount) {}
    ~promise() override {
      most.settle(left, {});
      if (const auto self = of.lock()) {
        {
          const std::scoped_lock lock(self->mutex);
          --self->promises;
        }
        core::pump(self);
      }
    }
    std::weak_ptr<core> of;
    budget& most;
    spending left; // guarded by the core's mutex
  };
  /// A request that was sent; answered once, even if the inner client throws after it has taken it.
  struct flight {
    std::shared_ptr<core> self;
    spending reserved;
    llm::chat_request sent;
    llm::completion done;
    std::atomic<bool> over{false};

    void finish(llm::outcome o) {
      if (over.exchange(true)) return;
      if (o.ok())
        o.reply().used =
            certain_usage(self->inner.model(), sent, std::chrono::system_clock::now(), o.reply());
      self->most.settle(reserved, budget::used_by(self->inner.model(), o, reserved));
      {
        const std::scoped_lock lock(self->mutex);
        --self->under_way;
      }
      const auto once = std::move(done);
      once(std::move(o));
      core::pump(self);
    }
  };
  struct core {
    core(C c, budget& b) : inner(std::move(c)), most(b) {}
    C inner;
    budget& most;
    std::mutex mutex;
    std::deque<entry> urgent, waiting; // follow-ups, and the others
    std::size_t under_way = 0, promises = 0;
    bool pumping = false; // one thread at a time, and no recursion when answers come at once
    bool again = false;

    /// Whether it is granted, refused, or has to wait; `reserved` is what it may use itself.
    static budget::answer consider(const std::shared_ptr<core>& self, llm::chat_request& q,
                                   spending& reserved) {
      const auto now = std::chrono::system_clock::now();
      const auto& model = self->inner.model();
      const llm::token_usage tokens = most_tokens(model, q);
      reserved = most_of(model, tokens, q.cache, now);
      const auto kept = q.later ? std::dynamic_pointer_cast<promise>(q.later->kept) : nullptr;
      const bool ours = kept && kept->of.lock() == self;
      if (ours && q.follow_up) {
        const spending more = reserved.without(kept->left);
        const auto a = more.nothing() ? budget::answer::granted : self->most.reserve(more);
        if (a == budget::answer::granted) kept->left = kept->left.without(reserved);
        // with nothing under way nobody makes room: other promises wait behind this request
        return a == budget::answer::later && self->under_way == 0 ? budget::answer::never : a;
      }
      // A request is never made smaller to fit: a continued run must ask what an undisturbed one does.
      spending later = ours ? spending{} : most_after(model, q, now);
      if (!self->most.holds(reserved.with(later))) later = {}; // no use in keeping what was never there
      const bool promised = !later.nothing();
      auto made = promised ? std::make_shared<promise>(self, spending{}) : nullptr;
      self->promises += promised ? 1 : 0;
      const auto a = self->most.reserve(reserved.with(later));
      if (promised && a == budget::answer::granted) {
        made->left = later;
        q.later->kept = std::move(made);
      } else if (promised) {
        made->of.reset(); // it never was
        --self->promises;
        reserved = reserved.with(later);
      }
      return a == budget::answer::later && self->under_way == 0 && self->promises == 0 ? budget::answer::never
                                                                                       : a;
    }

    static void pump(const std::shared_ptr<core>& self) {
      {
        const std::scoped_lock lock(self->mutex);
        self->again = true;
        if (std::exchange(self->pumping, true)) return;
      }
      for (;;) {
        std::optional<entry> next;
        spending reserved;
        auto a = budget::answer::later;
        {
          const std::scoped_lock lock(self->mutex);
          self->again = false;
          auto& queue = self->urgent.empty() ? self->waiting : self->urgent;
          if (!queue.empty()) {
            try {
              a = consider(self, queue.front().question, reserved);
            } catch (...) { // out of memory
              a = budget::answer::never;
            }
            if (a != budget::answer::later) {
              next = std::move(queue.front());
              queue.pop_front();
              self->under_way += a == budget::answer::granted ? 1 : 0;
            }
          }
          if (!next && !self->again) {
            self->pumping = false;
            return;
          }
        }
        if (!next) continue;
        if (a != budget::answer::granted) {
          next->done(self->most.refusal(reserved));
          continue;
        }
        std::shared_ptr<flight> f;
        bool ready = false;
        try {
          f = std::make_shared<flight>();
          f->self = self;
          f->reserved = reserved;
          f->sent = next->question;
          f->done = next->done;
          ready = true;
          self->inner.submit(std::move(next->question), [f](llm::outcome o) { f->finish(std::move(o)); });
        } catch (...) { // nobody may come back for it
          if (ready) {
            f->finish(llm::failure{.kind = llm::failure_kind::cancelled});
          } else {
            self->most.settle(reserved, {});
            {
              const std::scoped_lock lock(self->mutex);
              --self->under_way;
            }
            next->done(llm::failure{.kind = llm::failure_kind::cancelled});
          }
        }
      }
    }
  };
  std::shared_ptr<core> core_;
};

} // namespace strata::agents
