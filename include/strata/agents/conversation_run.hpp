// SPDX-License-Identifier: MIT
// One step of an agent: every job is a small state machine that is fed answers from a queue.
// Clients put answers into the queue from their threads; the agent's threads take them out.
#pragma once

#include "strata/agents/stages.hpp"
#include "strata/agents/tokens.hpp"
#include "strata/llm/client.hpp"
#include "strata/llm/fan_out.hpp"
#include "strata/random.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace strata::agents::detail {

enum class stage : std::uint8_t { propose, guard, repair };

[[nodiscard]] constexpr std::string_view name_of(stage s) noexcept {
  return s == stage::propose ? propose_stage : s == stage::guard ? guard_stage : repair_stage;
}

/// Whether a failure ends the whole step: nothing later could succeed, or nobody wants it. After `declined`
/// and `cancelled` what has been begun may still be finished.
[[nodiscard]] constexpr bool ends_step(llm::failure_kind kind) noexcept {
  return llm::reach_of(kind) >= llm::reach::model || kind == llm::failure_kind::declined ||
         kind == llm::failure_kind::cancelled;
}

template <Language L, llm::ChatClient C>
class conversation_run : public std::enable_shared_from_this<conversation_run<L, C>> {
 public:
  conversation_run(const C& proposer, const C& guardian, const stages<L>& how, const agent_settings& settings,
                   std::span<const job<L>> jobs, const sink<L>& out)
      : proposer_(proposer), guardian_(guardian), how_(how), settings_(settings), jobs_(jobs), out_(out),
        samples_(jobs.size()) {
    // what the repairer is told begins like what the proposer was told: that is in the cache already
    lanes_[1].cold = guardian_.model().takes.cache != llm::caching::none;
  }

  void work() {
    if (jobs_.empty() || out_.stop_requested()) return;
    auto orders = make_orders(); // may throw; nothing has been sent yet
    std::vector<std::jthread> others;
    std::optional<std::stop_callback<stop_asked>> watcher;
    const auto self = this->shared_from_this();
    enter(); // or the end might come before the last request is sent
    try {
      for (std::size_t t = 1; t < settings_.threads; ++t) others.emplace_back([this] { pump(); });
      watcher.emplace(out_.stop_token(), stop_asked{this});
      llm::fan_out_policy policy{.per_request = settings_.per_request, .seed = jobs_.front().key().seed};
      llm::fan_out(
          gate{proposer_, self}, std::move(orders), policy,
          [self](std::size_t order, std::uint32_t first, std::uint32_t asked, llm::outcome came) {
            self->proposed(order, first, asked, std::move(came));
          },
          [] {});   // the end is when nothing is under way
    } catch (...) { // requests may be under way, and they need all that the caller owns
      keep_error();
    }
    leave();
    pump();
    others.clear();
    watcher.reset();
    if (error_) std::rethrow_exception(error_);
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (samples_[i].over) continue;
      if (phase_ == phase::open)
        deliver(i, draw<L>{.failure = "the model's replies hold no text at all"});
      else
        leave_out(i);
    }
  }

  [[nodiscard]] std::optional<llm::failure> why_stopped() const {
    const std::scoped_lock lock(mutex_);
    return why_;
  }

 private:
  /// What a budget keeps for the samples of one request goes back with the last of them.
  struct promise {
    explicit promise(std::shared_ptr<llm::follow_ups> l) : later(std::move(l)) {}
    promise(const promise&) = delete;
    promise& operator=(const promise&) = delete;
    ~promise() { later->kept.reset(); }
    std::shared_ptr<llm::follow_ups> later;
  };
  struct sample_state {
    proposal<L> now{};
    usage used{};
    picodollars cost = 0;
    bool over = false;                // delivered or left out
    std::shared_ptr<promise> later{}; // of the request that began it
  };
  /// How far the end of the step has come.
  enum class phase : std::uint8_t {
    open,
    finishing, ///< nothing new is begun
    ended,     ///< nothing is asked
  };
  struct stop_asked {
    conversation_run* run;
    void operator()() const noexcept { run->wind_up(); }
  };
  struct order_jobs {
    std::uint64_t first = 0;           // number of the first sample
    std::vector<std::uint32_t> jobs{}; // in the order of their numbers
    llm::conversation prompt{};
  };
  /// An answer, or only something to pay.
  struct event {
    std::size_t job = 0;
    stage at = stage::propose;
    std::optional<llm::choice> said{};
    std::optional<llm::failure> failed{};
    llm::conversation asked{};
    charge pay{};
  };
  /// The first request of a stage goes ahead of the others where they then find its prefix cached.
  struct lane {
    bool cold = false;
    bool scouting = false;
    std::vector<std::pair<std::size_t, llm::conversation>> waiting{};
  };
  /// Lets requests pass while the step goes on, and sees what ends it.
  struct gate {
    C inner;
    std::shared_ptr<conversation_run> run;

    void submit(llm::chat_request q, llm::completion done) {
      if (!run->admits(q))
        return done(llm::failure{.kind = llm::failure_kind::cancelled, .message = "the step has been ended"});
      if (!q.follow_up) run->begin(q);
      // the client might throw before or after it has taken the request; it comes back once in any case
      const auto answered = std::make_shared<std::atomic<bool>>(false);
      const auto shared_done = std::make_shared<llm::completion>(std::move(done));
      const auto come_back = [run = run, answered, shared_done](llm::outcome o) {
        if (answered->exchange(true)) return;
        try {
          if (!o.ok() && run->ends(o.failure().kind)) run->end_for(o.failure());
          const llm::completion once = std::move(*shared_done);
          once(std::move(o));
        } catch (...) { // not on the client's thread
          run->keep_error();
        }
        run->leave();
      };
      llm::completion receiver = come_back;
      run->enter();
      try {
        inner.submit(std::move(q), std::move(receiver));
      } catch (...) {
        run->keep_error();
        come_back(llm::failure{.kind = llm::failure_kind::cancelled});
      }
    }
    [[nodiscard]] const llm::model_profile& model() const { return inner.model(); }
  };

  // ---- what is asked
  std::vector<llm::sample_order> make_orders() {
    const std::size_t temperatures = jobs_.front().setting().temperatures().size();
    std::vector<std::pair<std::uint64_t, std::uint32_t>> numbered; // number, position
    numbered.reserve(jobs_.size());
    for (std::size_t i = 0; i < jobs_.size(); ++i)
      numbered.emplace_back(settings_.number(jobs_[i]), static_cast<std::uint32_t>(i));
    std::ranges::sort(numbered); // by task, temperature, sample
    std::vector<llm::sample_order> orders;
    std::optional<std::size_t> task;
    llm::conversation prompt;
    for (const auto& [number, i] : numbered) {
      const job<L>& j = jobs_[i];
      const bool goes_on = !orders.empty() && number == orders_.back().first + orders_.back().jobs.size() &&
                           jobs_[orders_.back().jobs.back()].task_index() == j.task_index() &&
                           jobs_[orders_.back().jobs.back()].temperature_index() == j.temperature_index();
      if (!goes_on) {
        if (task != j.task_index()) prompt = how_.propose(j);
        task = j.task_index();
        auto q = request_for(j, stage::propose, prompt);
        q.sample = static_cast<std::uint32_t>(number);
        q.seed = j.task_index() * temperatures + j.temperature_index();
        orders.push_back({std::move(q), 0});
        orders_.push_back({.first = number, .prompt = prompt});
      }
      ++orders.back().count;
      orders_.back().jobs.push_back(i);
    }
    return orders;
  }

  llm::chat_request request_for(const job<L>& j, stage at, llm::conversation prompt) const {
    llm::chat_request q(std::move(prompt));
    q.max_tokens = settings_.max_tokens;
    q.temperature =
        at == stage::guard ? settings_.guard_temperature.value_or(j.temperature()) : j.temperature();
    q.reasoning = settings_.reasoning;
    q.cache_key = settings_.cache_key;
    q.cache = settings_.cache;
    if (settings_.tag) q.tag = settings_.tag(j.task_index(), j.step(), name_of(at));
    return q;
  }

  /// Before a request for samples is sent: what they may need later.
  void begin(llm::chat_request& q) {
    const std::uint64_t checks = how_.guard ? 1 : 0;
    const std::uint64_t rounds = how_.repairs, each = rounds * (1 + checks) + checks;
    if (each == 0) return;
    // a later prompt holds the first one, or less, and what was said since
    constexpr std::uint64_t feedback = 1000;
    const std::uint64_t prompt = approximate_tokens(q.messages), said = q.max_tokens + feedback;
    const auto times = [&](std::uint64_t one) { // no run has so many tokens
      return std::min<std::uint64_t>(one, UINT64_C(1) << 40U) * std::min<std::uint64_t>(q.n, 1U << 16U);
    };
    q.later = std::make_shared<llm::follow_ups>();
    q.later->requests = static_cast<std::uint32_t>(std::min<std::uint64_t>(times(each), UINT32_MAX));
    q.later->input_tokens =
        times(each * prompt + (1 + checks) * said * rounds * (rounds + 1) / 2 + checks * said * (rounds + 1));
    q.later->output_tokens = times(each * q.max_tokens);
    const auto made = std::make_shared<promise>(q.later);
    const auto past = std::ranges::upper_bound(orders_, std::uint64_t{q.sample}, {}, &order_jobs::first);
    if (past == orders_.begin()) return;
    const order_jobs& o = *std::prev(past);
    for (std::uint32_t k = 0; k < q.n; ++k)
      if (const std::size_t at = q.sample - o.first + k; at < o.jobs.size())
        samples_[o.jobs[at]].later = made;
  }

  /// The guardian's and the repairer's requests.
  void ask(std::size_t i, stage at, llm::conversation prompt) {
    lane& l = lanes_[static_cast<std::size_t>(at)];
    bool scout = false;
    {
      const std::scoped_lock lock(mutex_);
      if (l.scouting) {
        l.waiting.emplace_back(i, std::move(prompt));
        ++under_way_;
        return;
      }
      if (l.cold) {
        l.cold = false;
        constexpr std::size_t shortest = 1024; // bytes of a prefix that may be cached, as in fan_out
        scout = l.scouting = prompt.bytes() >= shortest;
      }
    }
    try {
      send(i, at, std::move(prompt), scout);
    } catch (...) {
      keep_error();
      if (scout) warmed(at); // nobody else would let them go
    }
  }

  void send(std::size_t i, stage at, llm::conversation prompt, bool scout) {
    const job<L>& j = jobs_[i];
    auto q = request_for(j, at, prompt);
    std::uint64_t number = settings_.number(j);
    // the guardian may be asked the same twice, if a repair changed nothing
    if (at == stage::guard) number = number * (how_.repairs + 1U) + samples_[i].now.repairs;
    if (number > UINT32_MAX)
      throw std::length_error("strata: the samples of the run cannot be numbered with 32 bits");
    q.sample = static_cast<std::uint32_t>(number);
    random_stream bits(
        {j.key().seed, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(j.task_index()), q.sample});
    q.seed = bits() & 0x7fffffffU;
    q.follow_up = true;
    if (const auto& made = samples_[i].later) q.later = made->later;
    gate client{at == stage::guard ? guardian_ : proposer_, this->shared_from_this()};
    client.submit(std::move(q), [self = this->shared_from_this(), i, at, scout,
                                 prompt = std::move(prompt)](llm::outcome o) {
      if (scout) self->warmed(at);
      self->answered(i, at, prompt, std::move(o));
    });
  }

  void warmed(stage at) {
    decltype(lane::waiting) waiting;
    {
      const std::scoped_lock lock(mutex_);
      lane& l = lanes_[static_cast<std::size_t>(at)];
      l.scouting = false;
      waiting.swap(l.waiting);
    }
    for (auto& [i, prompt] : waiting) {
      try {
        send(i, at, std::move(prompt), false);
      } catch (...) { // a callback of a client must not throw
        keep_error();
      }
      leave();
    }
  }

  // ---- what comes back, on the client's threads
  charge charge_for(std::size_t i, stage at) const {
    const job<L>& j = jobs_[i];
    return {
        .step = j.step(), .task = j.task_index(), .sample = j.sample(), .stage = std::string(name_of(at))};
  }
  /// Splits what a reply used among `parts` samples.
  charge part_of(std::size_t i, stage at, const llm::token_usage& used, std::optional<picodollars> cost,
                 std::uint32_t part, std::uint32_t parts) const {
    charge c = charge_for(i, at);
    c.requests = part == 0 ? 1 : 0;
    c.used = llm::share(used, part, parts);
    c.cost = agents::share(cost.value_or(0), part, parts);
    c.priced = cost.has_value() && used.known;
    return c;
  }
  static std::optional<picodollars> cost_of(const C& client, const llm::token_usage& used) {
    const auto usd = client.model().cost(used, std::chrono::system_clock::now());
    return usd ? std::optional(to_picodollars(*usd)) : std::nullopt;
  }

  void proposed(std::size_t order, std::uint32_t first, std::uint32_t asked, llm::outcome came) {
    const order_jobs& o = orders_[order];
    const std::size_t begin = static_cast<std::size_t>(first - o.first);
    if (!came.ok()) {
      for (std::uint32_t i = 0; i < asked && begin + i < o.jobs.size(); ++i) {
        event e{.job = o.jobs[begin + i], .failed = came.failure(), .pay = charge_for(o.jobs[begin + i], {})};
        e.pay.requests = e.pay.failed = i == 0 ? 1 : 0;
        put(std::move(e));
      }
      return;
    }
    auto& r = came.reply();
    const auto cost = cost_of(proposer_, r.used);
    const auto got = std::min(static_cast<std::uint32_t>(r.choices.size()), asked);
    const std::uint32_t parts = got == 0 ? asked : got; // somebody has to pay for a reply without choices
    for (std::uint32_t i = 0; i < parts && begin + i < o.jobs.size(); ++i) {
      const std::size_t job = o.jobs[begin + i];
      event e{.job = job, .asked = o.prompt, .pay = part_of(job, stage::propose, r.used, cost, i, parts)};
      if (got > 0) e.said = std::move(r.choices[i]);
      put(std::move(e));
    }
  }

  void answered(std::size_t i, stage at, const llm::conversation& prompt, llm::outcome came) {
    event e{.job = i, .at = at, .asked = prompt, .pay = charge_for(i, at)};
    e.pay.requests = 1;
    if (!came.ok()) {
      e.pay.failed = 1;
      e.failed = std::move(came).failure();
    } else {
      auto& r = came.reply();
      e.pay = part_of(i, at, r.used, cost_of(at == stage::guard ? guardian_ : proposer_, r.used), 0, 1);
      if (r.choices.empty())
        e.failed = llm::failure{.message = "the model's reply holds no text at all"};
      else
        e.said = std::move(r.choices[0]);
    }
    put(std::move(e));
  }

  // ---- the queue
  void put(event e) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(e));
    ++under_way_;
    changed_.notify_one();
  }
  void enter() {
    const std::scoped_lock lock(mutex_);
    ++under_way_;
  }
  void leave() {
    const std::scoped_lock lock(mutex_);
    if (--under_way_ == 0) changed_.notify_all();
  }
  [[nodiscard]] bool admits(const llm::chat_request& q) const {
    if (out_.failed()) return false;
    const std::scoped_lock lock(mutex_);
    return q.follow_up ? phase_ != phase::ended : phase_ == phase::open;
  }
  [[nodiscard]] bool ends(llm::failure_kind kind) const noexcept {
    return ends_step(kind) && (settings_.ends_when_cancelled || kind != llm::failure_kind::cancelled);
  }

  /// The sink wants no more: what has been begun is finished, unless it is of no use.
  void wind_up() noexcept { go_to(out_.failed() ? phase::ended : phase::finishing, nullptr); }
  void end_for(const llm::failure& why) noexcept {
    const bool others = why.kind == llm::failure_kind::declined || why.kind == llm::failure_kind::cancelled;
    go_to(others ? phase::finishing : phase::ended, &why);
  }
  void go_to(phase to, const llm::failure* why) noexcept {
    try {
      bool first = false;
      {
        const std::scoped_lock lock(mutex_);
        if (phase_ >= to) return;
        first = std::exchange(phase_, to) == phase::open;
        if (why != nullptr && !why_) why_ = *why;
      }
      if (!first) return;
      if (why != nullptr)
        out_.end(why->kind == llm::failure_kind::declined    ? strata::ended::budget
                 : why->kind == llm::failure_kind::cancelled ? strata::ended::stopped
                                                             : strata::ended::failed);
      if (settings_.on_stopped) settings_.on_stopped(why);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
      phase_ = phase::ended;
    }
  }

  void pump() noexcept {
    for (;;) {
      std::optional<event> e;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !queue_.empty() || under_way_ == 0; });
        if (queue_.empty()) return;
        e = std::move(queue_.front());
        queue_.pop_front();
      }
      try {
        handle(std::move(*e));
      } catch (...) {
        keep_error();
      }
      leave();
    }
  }
  /// Ends the step with the exception being handled, if it is the first.
  void keep_error() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    go_to(phase::ended, nullptr);
  }

  // ---- what becomes of an answer, on the agent's threads; one thread at a time per sample
  void handle(event e) {
    sample_state& s = samples_[e.job];
    const bool nothing_sent = e.failed && (e.failed->kind == llm::failure_kind::cancelled ||
                                           e.failed->kind == llm::failure_kind::declined);
    if (!nothing_sent) {
      s.used.input_tokens = llm::saturating_add(s.used.input_tokens, e.pay.used.input);
      s.used.output_tokens = llm::saturating_add(s.used.output_tokens, e.pay.used.output);
      s.cost = add(s.cost, e.pay.cost);
      if (settings_.on_charge) settings_.on_charge(e.pay);
    }
    if (e.failed) {
      if (ends_step(e.failed->kind)) return leave_out(e.job); // the step is being ended
      return deliver(e.job, draw<L>{.failure = std::move(e.failed->message)});
    }
    if (!e.said) return;
    if (out_.failed()) return leave_out(e.job);
    reading<L> read = how_.read(jobs_[e.job], *e.said);
    proposal<L>& p = s.now;
    if (e.at == stage::guard) {
      if (read.problem.empty()) p.program = std::move(read.program);
      return judge(e.job);
    }
    if (e.at == stage::repair) ++p.repairs;
    p.asked = std::move(e.asked);
    p.said = std::move(e.said->text);
    p.program = std::move(read.program);
    p.problem = std::move(read.problem);
    if (p.problem.empty() && how_.guard)
      if (auto question = how_.guard(jobs_[e.job], p)) return ask(e.job, stage::guard, *std::move(question));
    judge(e.job);
  }

  void judge(std::size_t i) {
    proposal<L>& p = samples_[i].now;
    if (p.repairs < how_.repairs)
      if (auto question = how_.repair(jobs_[i], p)) return ask(i, stage::repair, *std::move(question));
    deliver(i, draw<L>{.program = std::move(p.program)});
  }

  void deliver(std::size_t i, draw<L> d) {
    d.used = finish(i);
    if (!out_(jobs_[i], std::move(d))) wind_up();
  }
  void leave_out(std::size_t i) {
    if (const usage u = finish(i); u != usage{}) out_.charge(u);
  }
  /// Returns what the sample used.
  usage finish(std::size_t i) {
    sample_state& s = samples_[i];
    s.over = true;
    s.now = {};
    s.later.reset();
    usage u = s.used;
    u.cost_usd = to_dollars(s.cost);
    return u;
  }

  C proposer_, guardian_;
  const stages<L>& how_;
  const agent_settings& settings_;
  std::span<const job<L>> jobs_;
  sink<L> out_;
  std::vector<sample_state> samples_;
  std::vector<order_jobs> orders_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<event> queue_;
  std::size_t under_way_ = 0; // requests, events, and what waits behind a scout
  std::array<lane, 3> lanes_{};
  phase phase_ = phase::open;
  std::optional<llm::failure> why_;
  std::exception_ptr error_;
};

} // namespace strata::agents::detail
