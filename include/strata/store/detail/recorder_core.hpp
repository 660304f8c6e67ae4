// SPDX-License-Identifier: MIT
// The machinery of `recorder`: a thread that takes requests and replies from a queue, commits all replies of
// a turn together, and only then delivers them. What is served and what is asked for is decided here.
#pragma once

#include "strata/llm/adaptation.hpp"
#include "strata/llm/client.hpp"
#include "strata/store/run_store.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata::store {

struct recorder_settings {
  /// Stored failures are asked again instead of served. The run may then take another path than before.
  bool ask_failed_again = false;
  /// Called when the store cannot be written because another program holds its lock, and again when it can:
  /// one line each, from the recorder's thread. Must not throw.
  std::function<void(const std::string&)> notice{};
  /// While the lock is held, replies are kept and writing is tried again, without end; after `close` for so
  /// long.
  std::chrono::milliseconds patience_at_end{60'000};
};

struct recorder_counters {
  std::uint64_t requests = 0;  ///< submitted
  std::uint64_t delivered = 0; ///< of these
  std::uint64_t served = 0;    ///< of these, without asking for anything
  std::uint64_t asked = 0;     ///< requests sent on to the model
  std::uint64_t stored = 0;    ///< replies
  std::uint64_t failures = 0;  ///< stored
  std::uint64_t repeats = 0;   ///< samples delivered before: their requests should have had other numbers
  std::uint64_t commits = 0;
};

/// Whether a failure is stored, since an algorithm goes on after it and a replay must meet it again. Those
/// that stop a run, or say that it is too early, are not: a resumed run asks again.
[[nodiscard]] inline bool is_stored(const llm::failure& f) noexcept {
  switch (f.kind) {
  case llm::failure_kind::connection:
  case llm::failure_kind::timeout:
  case llm::failure_kind::malformed:
  case llm::failure_kind::overloaded:
  case llm::failure_kind::server_error:
  case llm::failure_kind::expired:
    return !f.retry_after;
  case llm::failure_kind::bad_request:
  case llm::failure_kind::too_large:
    return true;
  case llm::failure_kind::rate_limited:
  case llm::failure_kind::cancelled:
  case llm::failure_kind::declined:
  case llm::failure_kind::configuration:
  case llm::failure_kind::budget:
    break;
  }
  return false;
}

namespace detail {

/// One model.
struct recorder_lane {
  llm::model_profile model{};
  std::string spec{};                                            // its name in the store
  std::optional<std::int64_t> id{};                              // none: nothing is stored of it
  std::function<void(llm::chat_request, llm::completion)> ask{}; // empty: replay
};

class recorder_core : public std::enable_shared_from_this<recorder_core> {
 public:
  recorder_core(run_store& store, recorder_settings settings);
  recorder_core(const recorder_core&) = delete;
  recorder_core& operator=(const recorder_core&) = delete;
  ~recorder_core() = default; // closed by then

  [[nodiscard]] std::shared_ptr<recorder_lane>
  open(const llm::model_profile& model, const std::string& name,
       std::function<void(llm::chat_request, llm::completion)> ask);
  void submit(const std::shared_ptr<recorder_lane>& lane, llm::chat_request q, llm::completion done);
  [[nodiscard]] std::string learnt(const std::string& name);
  void adapt(const std::string& name, std::string_view learnt);
  /// Stores what has arrived, fails the rest, ends the thread.
  void close();
  void wait();
  [[nodiscard]] recorder_counters counters() const;
  [[nodiscard]] std::optional<store_error> error() const;
  [[nodiscard]] std::optional<std::string> missing() const;

 private:
  // a request that was submitted
  struct asker {
    std::shared_ptr<recorder_lane> lane;
    llm::chat_request q;
    llm::completion done;
    std::vector<digest> texts{};
    std::string hash{};
    std::vector<std::int64_t> rows{};     // its requests in the store: as sent lately first, as asked last
    std::size_t parts = 0;                // asked for and not there yet
    llm::token_usage paid{};              // for parts that brought no choice
    std::optional<llm::failure> failed{}; // the first part that did
    bool delivered = false;

    [[nodiscard]] std::uint64_t first() const noexcept { return q.sample; }
    [[nodiscard]] std::uint64_t end() const noexcept { return std::uint64_t{q.sample} + q.n; }
  };
  using asker_ptr = std::shared_ptr<asker>;
  // what came of asking for all or a part of it
  struct arrival {
    asker_ptr whose;
    llm::chat_request asked;
    llm::outcome came;
    std::vector<std::int64_t> ids{}; // of the choices, once stored
  };
  // samples of one request that are being asked for
  struct flight {
    std::uint64_t end = 0;
    asker_ptr by;
    std::vector<asker_ptr> waiting{};
  };
  struct span {
    std::uint64_t first = 0, end = 0;
  };
  using prompt = std::pair<std::int64_t, std::string>; // model and hash
  static constexpr std::size_t most_per_commit = 512;

  void work();
  void arrive(arrival a);
  bool keep(std::vector<arrival>& batch);
  void write(std::vector<arrival>& batch);
  void settle(arrival& a, bool kept);
  void consider(const asker_ptr& a);
  void send(const asker_ptr& a, span part);
  [[nodiscard]] std::optional<llm::outcome> find(asker& a, std::vector<span>& missing);
  [[nodiscard]] llm::reply compose(asker& a, const std::vector<stored_choice>& choices);
  [[nodiscard]] std::optional<llm::reply> empty_reply(const asker& a);
  [[nodiscard]] llm::token_usage forgotten_usage(const asker& a);
  void deliver(asker& a, llm::outcome o);
  void end();
  void broken_by(const store_error& e);
  template <class F> auto patiently(F f);
  void identify(asker& a);
  [[nodiscard]] std::int64_t row_for(asker& a, const std::string& changed);
  [[nodiscard]] std::string name_of(std::string address) const;
  [[nodiscard]] llm::adaptation& known_of(const std::string& spec);
  [[nodiscard]] llm::failure not_found(const asker& a);
  void scrub(std::string& text) const {
    if (store_.settings_.keys.found_in(text)) store_.settings_.keys.clean(text);
  }
  void scrub(llm::outcome& o) const;

  run_store& store_;
  const recorder_settings settings_;
  std::map<std::string, llm::adaptation> learnt_; // by the model's name in the store; guarded by its mutex

  // of the thread
  std::map<prompt, std::map<std::uint64_t, flight>> flights_; // by first sample; they never overlap
  std::unordered_set<std::int64_t> counted_;                  // choices that were delivered with their usage
  std::unordered_map<std::int64_t, std::vector<stored_reply>> forgotten_; // without choices, by request
  llm::conversation last_talk_{};
  std::vector<digest> last_texts_{};
  recorder_counters now_{};
  bool asking_ = true;  // false: the store is (nearly) unusable, or is being closed
  bool writing_ = true; // false: a commit failed

  mutable std::mutex mutex_; // of everything below
  std::condition_variable wake_, idle_;
  std::vector<asker_ptr> submitted_;
  std::vector<arrival> arrived_;
  recorder_counters counters_{};
  std::optional<store_error> broken_;
  std::optional<std::string> missing_;
  bool closing_ = false;
  bool closed_ = false;
  std::thread thread_;
};

} // namespace detail
} // namespace strata::store

#include "strata/store/detail/recorder_core_source.hpp"
