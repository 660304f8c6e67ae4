// SPDX-License-Identifier: MIT
// The engine itself: takes requests from its inbox, sends them when their lane allows it, decides what
// follows from each outcome, and hands replies on. Everything runs on the one thread that runs the
// io_context.
#pragma once

#include "strata/llm/codecs/codec.hpp"
#include "strata/llm/detail/engine_lane.hpp"
#include "strata/llm/engine.hpp"
#include "strata/llm/transport/exchange.hpp"
#include "strata/random.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata::llm::detail {

class engine_core : public std::enable_shared_from_this<engine_core> {
 public:
  using ticket = client::ticket;

  explicit engine_core(engine_settings settings)
      : settings_(std::move(settings)), io_(1), book_(io_.get_executor()),
        watch_(io_.get_executor(), tick(settings_.transport)), space_(settings_.transport.header_bytes),
        random_({settings_.seed}) {}

  boost::asio::io_context& context() noexcept { return io_; }
  io_executor executor() noexcept { return io_.get_executor(); }
  [[nodiscard]] const engine_settings& settings() const noexcept { return settings_; }

  // ---- from any thread

  std::shared_ptr<engine_lane> lane_for(model_access access, std::string_view learnt);

  ticket submit(const std::shared_ptr<engine_lane>& lane, chat_request question, completion done) {
    auto job = std::make_unique<engine_job>();
    job->lane = lane;
    job->question = std::move(question);
    job->done = std::move(done);
    bool first = false;
    ticket id = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (!dead_) {
        id = job->id = ++last_ticket_;
        ++outstanding_;
        first = inbox_.empty();
        inbox_.push_back(std::move(job));
      }
    }
    if (job) {
      job->done(failure{.kind = failure_kind::cancelled, .message = "the engine has ended"});
      return 0;
    }
    if (first) asio::post(io_, [this] { take_inbox(); });
    return id;
  }
  void cancel(ticket which) {
    asio::post(io_, [this, which] {
      take_inbox(); // it may still be in there
      if (const auto found = jobs_.find(which); found != jobs_.end()) cancel(*found->second, "cancelled");
    });
  }
  void close(std::string why, bool also_flying) {
    asio::post(io_, [this, also_flying, why = std::move(why)] { close_now(why, also_flying); });
  }
  void reopen() {
    asio::post(io_, [this] { closed_.clear(); });
  }
  [[nodiscard]] engine_counters counters() const {
    const std::scoped_lock lock(mutex_);
    engine_counters c = counters_;
    c.queued = outstanding_ - std::min(outstanding_, c.in_flight + c.holding);
    return c;
  }
  [[nodiscard]] bool idle() const {
    const std::scoped_lock lock(mutex_);
    return outstanding_ == 0;
  }
  void wait() {
    {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [&] { return outstanding_ == 0; });
    }
    rethrow();
  }
  /// What a hook or a requester has thrown since the last time.
  void rethrow() {
    std::unique_lock lock(mutex_);
    if (const auto thrown = std::exchange(thrown_, nullptr)) {
      lock.unlock();
      std::rethrow_exception(thrown);
    }
  }

  // ---- the thread

  void start() {
    if (thread_.joinable()) return;
    busy_.emplace(io_.get_executor());
    io_.restart();
    thread_ = std::thread([this] { io_.run(); });
  }
  [[nodiscard]] bool started() const noexcept { return thread_.joinable(); }
  void shut_down() {
    {
      const std::scoped_lock lock(mutex_);
      dead_ = true;
    }
    asio::post(io_, [this] {
      close_now("the engine has ended", true);
      std::vector<ticket> held;
      for (const auto& [id, job] : jobs_)
        if (job->where == engine_job::place::holding) held.push_back(id);
      for (const ticket id : held) {
        engine_job& job = *jobs_.at(id);
        release_hold();
        finish(job, cancelled("the engine ended before the reply was stored"));
      }
    });
    if (thread_.joinable()) {
      busy_.reset();
      thread_.join();
    } else {
      io_.restart();
      io_.run();
    }
  }

 private:
  static std::chrono::milliseconds tick(const transport_limits& t) {
    const auto shortest = std::min({t.connect, t.silent, t.silent_stream, t.total});
    return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(100));
  }
  static failure cancelled(std::string why) {
    return failure{.kind = failure_kind::cancelled, .message = std::move(why)};
  }

  void take_inbox() {
    std::vector<std::unique_ptr<engine_job>> arrived;
    {
      const std::scoped_lock lock(mutex_);
      arrived.swap(inbox_);
    }
    std::vector<engine_lane*> touched;
    for (auto& each : arrived) {
      engine_job& job = *each;
      engine_lane& lane = *job.lane;
      jobs_.emplace(job.id, std::move(each));
      if (!closed_.empty() && (closed_to_all_ || !job.question.follow_up)) {
        finish(job, cancelled(closed_));
      } else if (lane.limits.stopped()) {
        finish(job, *lane.limits.stopped());
      } else {
        queue_of(lane, job.question).push_back(job.id);
        if (std::find(touched.begin(), touched.end(), &lane) == touched.end()) touched.push_back(&lane);
      }
    }
    for (engine_lane* lane : touched) pump(*lane);
  }

  static std::deque<ticket>& queue_of(engine_lane& lane, const chat_request& q) {
    return q.follow_up ? lane.urgent : lane.ready;
  }

  // Sends what may be sent, and sees to it that the lane wakes up for the rest.
  void pump(engine_lane& lane) {
    const auto now = steady::now();
    while (!lane.delayed.empty() && lane.delayed.begin()->first <= now) {
      const auto due = jobs_.find(lane.delayed.begin()->second);
      lane.delayed.erase(lane.delayed.begin());
      if (due != jobs_.end()) queue_of(lane, due->second->question).push_front(due->first);
    }
    while (!(lane.urgent.empty() && lane.ready.empty()) && lane.limits.open(now)) {
      auto& queue = lane.urgent.empty() ? lane.ready : lane.urgent;
      const auto found = jobs_.find(queue.front());
      queue.pop_front();
      if (found == jobs_.end()) continue;
      engine_job& job = *found->second;
      std::optional<failure> refused;
      if (!job.admitted && settings_.hooks.admit)
        if (!guarded([&] { refused = settings_.hooks.admit(lane.profile, job.question); }))
          refused =
              failure{.kind = failure_kind::declined, .message = "the hook that admits requests failed"};
      if (refused) {
        finish(job, std::move(*refused));
        continue;
      }
      job.admitted = true;
      job.where = engine_job::place::flying;
      job.left = lane.limits.sent(now);
      if (!lane.limits.answered()) expect_first(lane, now, settings_.silence);
      {
        const std::scoped_lock lock(mutex_);
        ++counters_.in_flight;
        ++counters_.attempts;
      }
      asio::co_spawn(io_.get_executor(), perform(job), asio::detached);
    }
    auto next = steady::time_point::max();
    if (!lane.delayed.empty()) next = lane.delayed.begin()->first;
    if (!(lane.urgent.empty() && lane.ready.empty()) && lane.limits.has_room())
      next = std::min(next, lane.limits.opens_at());
    if (next != steady::time_point::max()) arm(lane, next);
  }
  void arm(engine_lane& lane, steady::time_point when) {
    if (lane.armed && when >= lane.wake_at) return;
    lane.armed = true;
    lane.wake_at = when;
    lane.wake.expires_at(when);
    lane.wake.async_wait([this, &lane](error_code error) {
      if (error) return; // another time was set instead
      lane.armed = false;
      pump(lane);
    });
  }
  // The first request to a model: somebody should know if nothing comes back.
  void expect_first(engine_lane& lane, steady::time_point since, steady::duration after) {
    if (!settings_.hooks.on_silence) return;
    lane.overdue.expires_at(since + after);
    lane.overdue.async_wait([this, &lane, since, after](error_code error) {
      if (error || lane.limits.answered() || lane.limits.in_flight() == 0) return;
      const auto silent = std::chrono::duration_cast<std::chrono::seconds>(steady::now() - since);
      guarded([&] { settings_.hooks.on_silence(lane.profile, silent); });
      expect_first(lane, since, after * 4);
    });
  }
  static void disarm(engine_lane& lane) {
    lane.armed = false;
    lane.wake.cancel();
  }

  std::unique_ptr<connection> take_connection(engine_lane& lane, bool fresh) {
    auto& idle = lane.pool->idle;
    const auto oldest = steady::now() - settings_.transport.idle;
    while (!fresh && !idle.empty()) {
      auto c = std::move(idle.back());
      idle.pop_back();
      if (c->idle_since < oldest) {
        idle.clear(); // the others are older still
      } else if (c->still_good()) {
        c->reused = true;
        return c;
      }
    }
    const std::scoped_lock lock(mutex_);
    ++counters_.connections;
    return std::make_unique<connection>(io_.get_executor(), lane.pool->to);
  }

  static std::string wire_of(const engine_lane& lane, const http_request& r) {
    std::string wire;
    wire.reserve(lane.head.size() + r.body.size() + 512);
    wire += "POST ";
    wire += lane.pool->to->server.path;
    wire += r.path;
    wire += lane.head;
    for (const http_header& h : r.headers) wire.append(h.name).append(": ").append(h.value).append("\r\n");
    if (!lane.key.empty()) {
      wire += r.key == key_header::bearer ? "authorization: Bearer " : "x-api-key: ";
      lane.key.reveal_to(wire);
      wire += "\r\n";
    }
    wire += "content-length: " + std::to_string(r.body.size()) + "\r\n\r\n";
    wire += r.body;
    return wire;
  }

  // One attempt. The job stays in `jobs_` as long as it flies.
  task<void> perform(engine_job& job) {
    engine_lane& lane = *job.lane;
    const auto sent_at = steady::now();
    ++job.attempts;
    job.knows = lane.learnt.size();
    job.changed.clear();
    if (!lane.learnt.empty())
      job.changed = changed_parameters(lane.profile.takes, lane.current.takes, job.question);
    attempt_facts facts;
    exchange_result result;
    std::optional<stream_reader> reader;
    std::unique_ptr<connection> c = take_connection(lane, job.fresh_connection);
    job.fresh_connection = false;
    job.on = c.get();
    c->total_at = c->silent_at = steady::time_point::max();
    watch_.add(*c);
    std::optional<outcome> came;
    try {
      if (!c->reused) {
        auto patience = settings_.transport;
        if (!lane.limits.answered())
          patience.connect =
              std::min(patience.connect, settings_.retry.first_contact + std::chrono::milliseconds(500));
        auto opening = open_connection(*c, book_, patience);
        connect_result opened = co_await std::move(opening);
        result.failed = std::move(opened.failed);
        facts.tls_handshake = opened.tls_handshake;
        facts.connecting = result.failed.has_value();
      }
      if (!result.failed) {
        http_request request = encode(lane.current, job.question);
        std::string wire = wire_of(lane, request);
        std::string().swap(request.body);
        reader.emplace(lane.current, job.question.n, settings_.transport.reply_bytes);
        const stream_consumer consume = [&reader](std::string_view bytes) {
          reader->feed(bytes, std::chrono::system_clock::now());
          return static_cast<stream_need>(reader->state()); // in the same order
        };
        exchange http(*c, space_, settings_.transport);
        auto running = http.run(wire, request.streamed, consume, result);
        co_await std::move(running);
      }
      if (result.failed)
        came = std::move(*result.failed);
      else if (result.streamed)
        came = std::move(*reader).result();
      else
        came = decode(lane.current, job.question, result.response, std::chrono::system_clock::now());
    } catch (const std::exception& e) { // out of memory, say
      came = transport_failure(failure_kind::malformed, lane.profile.provider + ": " + e.what());
    }
    watch_.remove(*c);
    job.on = nullptr;
    facts.connection_was_reused = c->reused;
    facts.any_byte_received = result.any_byte;
    if (result.keep && c->interrupted() == connection::interruption::none) {
      c->idle_since = steady::now();
      lane.pool->idle.push_back(std::move(c));
    }
    c.reset();
    settle(job, std::move(*came), facts, result, sent_at);
  }

  // Nothing a server sent is seen by anybody before this.
  static void clean(const engine_lane& lane, outcome& came) {
    const auto tidy = [&](std::string& text, std::size_t most) {
      lane.hide.clean(text);
      if (text.size() > most) text.resize(most);
      make_valid_utf8(text);
    };
    constexpr std::size_t word = 300;
    if (came.ok()) {
      reply& r = came.reply();
      for (choice& c : r.choices) {
        lane.hide.clean_whole(c.text, redactor::telling);
        lane.hide.clean_whole(c.refusal, redactor::telling);
        tidy(c.native_finish, word);
      }
      for (std::string* s : {&r.id, &r.model, &r.request_id, &r.fingerprint}) tidy(*s, word);
    } else {
      failure& f = came.failure();
      tidy(f.message, 2000);
      tidy(f.body, body_excerpt);
      for (std::string* s : {&f.code, &f.parameter, &f.request_id}) tidy(*s, word);
    }
  }

  // Decides what follows from an attempt.
  void settle(engine_job& job, outcome came, attempt_facts facts, const exchange_result& result,
              steady::time_point sent_at);

  void told(const engine_job& job, const outcome& came, std::string_view reaction, bool adapted = false) {
    if (!settings_.hooks.on_attempt) return;
    const engine_lane& lane = *job.lane;
    attempt a{.model = lane.profile,
              .request = job.question,
              .number = job.attempts,
              .reaction = reaction,
              .adapted = adapted};
    (came.ok() ? (void)(a.answered = &came.reply()) : (void)(a.failed = &came.failure()));
    a.in_flight = lane.limits.in_flight();
    a.window = lane.limits.window();
    guarded([&] { settings_.hooks.on_attempt(a); });
  }

  void hold(engine_job& job, outcome came) {
    if (!settings_.hooks.on_reply) return finish(job, std::move(came));
    job.where = engine_job::place::holding;
    job.answer = std::move(came);
    if (holding_++ == 0) held_.emplace(io_.get_executor()); // run() waits for the store
    {
      const std::scoped_lock lock(mutex_);
      counters_.holding = holding_;
    }
    auto deliver = [weak = weak_from_this(), id = job.id] {
      if (const auto self = weak.lock())
        asio::dispatch(self->io_, [core = self.get(), id] { core->delivered(id); });
    };
    const ticket id = job.id;
    const bool taken = guarded([&] {
      settings_.hooks.on_reply(job.lane->profile, job.question, job.answer->reply(), std::move(deliver));
    });
    if (taken) return;
    if (const auto found = jobs_.find(id); found != jobs_.end()) { // nobody will deliver it any more
      release_hold();
      finish(*found->second, cancelled("the reply could not be stored"));
    }
  }
  void delivered(ticket id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end() || found->second->where != engine_job::place::holding) return;
    engine_job& job = *found->second;
    release_hold();
    finish(job, std::move(*job.answer));
  }
  void release_hold() {
    if (--holding_ == 0) held_.reset();
    const std::scoped_lock lock(mutex_);
    counters_.holding = holding_;
  }

  // What users' functions throw is kept for the one who runs the engine.
  template <class F> bool guarded(F&& f) {
    try {
      f();
      return true;
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!thrown_) thrown_ = std::current_exception();
      return false;
    }
  }

  // The end of every request.
  void finish(engine_job& job, outcome came) {
    auto node = jobs_.extract(job.id);
    const completion done = std::move(job.done);
    const bool ok = came.ok();
    node = {}; // the job is gone before the requester goes on
    if (done) guarded([&] { done(std::move(came)); });
    const std::scoped_lock lock(mutex_);
    ++(ok ? counters_.replies : counters_.failures);
    if (--outstanding_ == 0) idle_.notify_all();
  }

  void cancel(engine_job& job, const std::string& why) {
    if (job.where == engine_job::place::holding) return; // paid for and here
    job.cancelled = true;
    job.why_cancelled = why;
    if (job.where == engine_job::place::flying) {
      if (job.on != nullptr) job.on->interrupt(connection::interruption::cancelled);
      return; // `settle` ends it
    }
    finish(job, cancelled(why));
  }

  void close_now(const std::string& why, bool also_flying) {
    take_inbox();
    closed_ = why.empty() ? "cancelled" : why;
    closed_to_all_ = also_flying;
    std::vector<ticket> all;
    for (const auto& [id, job] : jobs_)
      if (also_flying ? job->where != engine_job::place::holding
                      : job->where == engine_job::place::queued && !job->question.follow_up)
        all.push_back(id);
    std::sort(all.begin(), all.end());
    for (const ticket id : all)
      if (const auto found = jobs_.find(id); found != jobs_.end()) cancel(*found->second, closed_);
    for (const auto& lane : lanes()) {
      const auto gone = [&](ticket id) { return !jobs_.contains(id); };
      std::erase_if(lane->urgent, gone);
      std::erase_if(lane->ready, gone);
      std::erase_if(lane->delayed, [&](const auto& entry) { return gone(entry.second); });
      if (lane->urgent.empty() && lane->ready.empty() && lane->delayed.empty()) disarm(*lane);
    }
  }

  std::vector<std::shared_ptr<engine_lane>> lanes() const {
    const std::scoped_lock lock(mutex_);
    return lanes_;
  }

  // No request is sent on this lane any more.
  void stop(engine_lane& lane, const failure& why) {
    lane.limits.stop(why);
    {
      const std::scoped_lock lock(lane.mutex);
      if (!lane.stopped) lane.stopped = lane.limits.stopped();
    }
    std::vector<ticket> waiting(lane.urgent.begin(), lane.urgent.end());
    waiting.insert(waiting.end(), lane.ready.begin(), lane.ready.end());
    for (const auto& [when, id] : lane.delayed) waiting.push_back(id);
    lane.urgent.clear();
    lane.ready.clear();
    lane.delayed.clear();
    disarm(lane);
    for (const ticket id : waiting)
      if (const auto found = jobs_.find(id); found != jobs_.end())
        finish(*found->second, *lane.limits.stopped());
  }

  const engine_settings settings_;
  boost::asio::io_context io_;
  address_book book_;
  deadline_watch watch_;
  read_space space_;
  random_stream random_;
  std::unordered_map<ticket, std::unique_ptr<engine_job>> jobs_;
  std::string closed_; // why nothing new is sent; empty: it is
  bool closed_to_all_ = false;
  std::size_t holding_ = 0;
  std::optional<asio::executor_work_guard<io_executor>> held_;
  std::optional<asio::executor_work_guard<io_executor>> busy_;
  std::thread thread_;

  mutable std::mutex mutex_; // guards what follows
  std::condition_variable idle_;
  std::vector<std::unique_ptr<engine_job>> inbox_;
  std::vector<std::shared_ptr<engine_lane>> lanes_;
  std::shared_ptr<const tls_context> tls_;
  engine_counters counters_;
  std::exception_ptr thrown_;
  std::size_t outstanding_ = 0;
  ticket last_ticket_ = 0;
  bool dead_ = false;
};

} // namespace strata::llm::detail
