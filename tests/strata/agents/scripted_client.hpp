// SPDX-License-Identifier: MIT
// A client without a network: answers come from a function, at once or later on a thread of its own.
// It keeps every request, and the sum of what it charged.
#pragma once

#include "strata/llm/client.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace scripted {

namespace llm = strata::llm;

class client {
 public:
  using script = std::function<llm::outcome(const llm::chat_request&, std::size_t number)>;

  client(script answers, llm::model_profile profile = {}, bool threaded = false)
      : core_(std::make_shared<core>(std::move(answers), std::move(profile), threaded)) {
    if (threaded) worker_ = std::make_shared<worker>(core_);
  }

  void submit(llm::chat_request q, llm::completion done) {
    std::unique_lock lock(core_->mutex);
    const std::size_t number = core_->asked.size();
    core_->asked.push_back(q);
    if (core_->threaded) {
      core_->queue.push_back({std::move(q), std::move(done), number});
      core_->changed.notify_one();
      return;
    }
    lock.unlock();
    done(core_->answer(q, number));
  }
  [[nodiscard]] const llm::model_profile& model() const { return core_->profile; }

  [[nodiscard]] std::vector<llm::chat_request> asked() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->asked;
  }
  /// What all replies used.
  [[nodiscard]] llm::token_usage billed() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->billed;
  }

 private:
  struct core {
    core(script s, llm::model_profile p, bool t)
        : answers(std::move(s)), profile(std::move(p)), threaded(t) {}
    llm::outcome answer(const llm::chat_request& q, std::size_t number) {
      auto o = answers(q, number);
      if (o.ok()) {
        const std::scoped_lock lock(mutex);
        billed += o.reply().used;
      }
      return o;
    }
    void serve(const std::stop_token& stop) {
      for (;;) {
        std::unique_lock lock(mutex);
        if (!changed.wait(lock, stop, [this] { return !queue.empty(); })) return;
        auto next = std::move(queue.back()); // the last first: an order that nobody may rely on
        queue.pop_back();
        lock.unlock();
        next.done(answer(next.question, next.number));
      }
    }
    struct entry {
      llm::chat_request question;
      llm::completion done;
      std::size_t number;
    };
    script answers;
    llm::model_profile profile;
    bool threaded;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<entry> queue;
    std::vector<llm::chat_request> asked;
    llm::token_usage billed;
  };
  /// The last copy of the client may go on this very thread, with the last answer.
  struct worker {
    explicit worker(const std::shared_ptr<core>& c)
        : thread([c](const std::stop_token& stop) { c->serve(stop); }) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() {
      thread.request_stop();
      if (thread.get_id() == std::this_thread::get_id()) thread.detach();
    }
    std::jthread thread;
  };
  std::shared_ptr<core> core_;
  std::shared_ptr<worker> worker_;
};

/// A reply with these texts, that used an odd number of tokens.
inline llm::reply reply_of(std::vector<std::string> texts, std::uint64_t input = 1001,
                           std::uint64_t output = 101) {
  llm::reply r;
  for (auto& t : texts) r.choices.push_back({.text = std::move(t)});
  r.used.input = input;
  r.used.output = output;
  return r;
}

/// A model with a price.
inline llm::model_profile priced(std::uint32_t max_n = 1, llm::caching cache = llm::caching::none) {
  llm::model_profile m{.provider = "scripted", .name = "any", .spec = "scripted:any"};
  m.takes.max_n = max_n;
  m.takes.seed = true;
  m.takes.cache = cache;
  m.prices.push_back({.input = 3, .cached = 0.3, .cache_write = 3.75, .cache_write_hour = 6, .output = 15});
  return m;
}

} // namespace scripted
