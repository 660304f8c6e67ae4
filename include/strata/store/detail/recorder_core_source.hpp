// SPDX-License-Identifier: MIT
// The members of `recorder_core`, in the order in which a request meets them.
// Everything after `work` runs on the recorder's thread; the store's mutex is never held while it delivers.
#pragma once

#include "strata/llm/fan_out.hpp"
#include "strata/random.hpp"
#include "strata/store/detail/recorder_core.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <type_traits>
#include <utility>

namespace strata::store::detail {

inline recorder_core::recorder_core(run_store& store, recorder_settings settings)
    : store_(store), settings_(settings) {
  {
    const std::scoped_lock lock(store_.mutex_);
    for (stored_reply& r : store_.table_->empty_replies()) forgotten_[r.request].push_back(std::move(r));
  }
  thread_ = std::thread([this] { work(); });
}

inline std::shared_ptr<recorder_lane>
recorder_core::open(const llm::model_profile& model, const std::string& name,
                    std::function<void(llm::chat_request, llm::completion)> ask) {
  if (ask && !store_.writable())
    throw store_error(store_problem::read_only, store_.path(),
                      "was opened to be read, so that no reply can be stored. Resume the run or replay it");
  auto lane = std::make_shared<recorder_lane>();
  lane->model = model;
  lane->spec = name_of(name.empty() ? model_key(model) : name);
  const std::scoped_lock lock(store_.mutex_);
  (void)known_of(lane->spec);
  lane->id = store_.table_->find_model(lane->spec);
  if (!lane->id && ask) lane->id = store_.table_->add_model(lane->spec, model, name_of(model.base_url));
  lane->ask = std::move(ask);
  return lane;
}

/// A name or an address without what must not be written: a password, or a key.
inline std::string recorder_core::name_of(std::string url) const {
  scrub(url);
  if (const auto host = url.find("://"); host != std::string::npos) {
    const auto path = std::min(url.find_first_of("/?#", host + 3), url.size());
    if (const auto at = url.substr(0, path).rfind('@'); at != std::string::npos && at > host + 2)
      url.erase(host + 3, at - host - 2);
  }
  if (const auto query = url.find('?'); query != std::string::npos)
    url.erase(query, std::min(url.find('#', query), url.size()) - query);
  return url;
}

// The store's mutex is held.
inline llm::adaptation& recorder_core::known_of(const std::string& spec) {
  const auto known = learnt_.find(spec);
  if (known != learnt_.end()) return known->second;
  const statement read(store_.db_, "SELECT value FROM run WHERE name = ?");
  const std::string name = "adaptation " + spec; // bound by reference
  auto use = read.with(name);
  return learnt_[spec] = use.next() ? llm::adaptation::read(use.text(0)) : llm::adaptation();
}

inline std::string recorder_core::learnt(const std::string& name) {
  const std::string spec = name_of(name);
  const std::scoped_lock lock(store_.mutex_);
  return known_of(spec).text();
}

inline void recorder_core::adapt(const std::string& name, std::string_view learnt) {
  const std::string spec = name_of(name);
  store_.set("adaptation " + spec,
             learnt); // first: no reply is kept under a key that a resumed run does not know
  const std::scoped_lock lock(store_.mutex_);
  learnt_[spec] = llm::adaptation::read(learnt);
}

inline void recorder_core::submit(const std::shared_ptr<recorder_lane>& lane, llm::chat_request q,
                                  llm::completion done) {
  auto a = std::make_shared<asker>();
  a->lane = lane;
  a->q = std::move(q);
  a->q.n = std::max(1U, a->q.n);
  a->done = std::move(done);
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_) {
      ++counters_.requests;
      submitted_.push_back(std::move(a));
      wake_.notify_one();
      return;
    }
  }
  a->done(llm::failure{.kind = llm::failure_kind::cancelled, .message = "the run store was closed"});
}

inline void recorder_core::arrive(arrival a) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return; // its request has failed as cancelled
  arrived_.push_back(std::move(a));
  wake_.notify_one();
}

inline void recorder_core::wait() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return counters_.requests == counters_.delivered; });
}

inline recorder_counters recorder_core::counters() const {
  const std::scoped_lock lock(mutex_);
  return counters_;
}
inline std::optional<store_error> recorder_core::error() const {
  const std::scoped_lock lock(mutex_);
  return broken_;
}
inline std::optional<std::string> recorder_core::missing() const {
  const std::scoped_lock lock(mutex_);
  return missing_;
}

inline void recorder_core::close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

inline void recorder_core::work() {
  std::vector<asker_ptr> submitted;
  std::vector<arrival> arrived;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const std::uint64_t requests = counters_.requests;
      counters_ = now_;
      counters_.requests = requests;
      if (requests == now_.delivered) idle_.notify_all();
      wake_.wait(lock, [&] { return closing_ || !submitted_.empty() || !arrived_.empty(); });
      if (closing_) {
        asking_ = false;
        if (submitted_.empty() && arrived_.empty()) break;
      }
      submitted.swap(submitted_);
      const auto part = static_cast<std::ptrdiff_t>(std::min(arrived_.size(), most_per_commit));
      std::move(arrived_.begin(), arrived_.begin() + part, std::back_inserter(arrived));
      arrived_.erase(arrived_.begin(), arrived_.begin() + part);
    }
    const bool kept = keep(arrived);
    for (arrival& a : arrived) settle(a, kept);
    for (const asker_ptr& a : submitted) consider(a);
    arrived.clear();
    submitted.clear();
  }
  end();
}

// What is still open when the recorder ends.
inline void recorder_core::end() {
  std::vector<asker_ptr> open;
  for (const auto& [of, flights] : flights_)
    for (const auto& [first, f] : flights) {
      open.push_back(f.by);
      open.insert(open.end(), f.waiting.begin(), f.waiting.end());
    }
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    open.insert(open.end(), submitted_.begin(), submitted_.end());
    for (const arrival& a : arrived_) open.push_back(a.whose);
  }
  const llm::failure why{.kind = llm::failure_kind::cancelled, .message = "the run store was closed"};
  for (const asker_ptr& a : open) deliver(*a, why);
  flights_.clear();
  const std::scoped_lock lock(mutex_);
  const std::uint64_t requests = counters_.requests;
  counters_ = now_;
  counters_.requests = requests;
  idle_.notify_all();
}

inline void recorder_core::broken_by(const store_error& e) {
  asking_ = false;
  const std::scoped_lock lock(mutex_);
  if (!broken_) broken_ = e;
}

// Calls `f`, which reads or writes the store, again as long as another program holds its lock. The lock goes,
// and what was paid for must not. Nothing new is asked meanwhile, since this thread does nothing else.
template <class F> auto recorder_core::patiently(F f) {
  using clock = std::chrono::steady_clock;
  std::optional<clock::time_point> give_up;
  bool told = false;
  const auto tell = [&](const std::string& what) {
    if (settings_.notice) settings_.notice(what);
  };
  for (;;) {
    try {
      if constexpr (std::is_void_v<decltype(f())>) {
        f();
        if (told) tell("the run store " + store_.path().string() + " can be written again");
        return;
      } else {
        auto result = f();
        if (told) tell("the run store " + store_.path().string() + " can be written again");
        return result;
      }
    } catch (const store_error& e) {
      if (e.kind() != store_problem::locked) throw;
      {
        const std::scoped_lock lock(mutex_);
        if (closing_ && !give_up) give_up = clock::now() + settings_.patience_at_end;
      }
      if (give_up && clock::now() >= *give_up) throw;
      if (!std::exchange(told, true))
        tell(std::string(e.what()) +
             ". Until then nothing new is asked, replies are kept in memory and storing "
             "them is tried again");
      std::this_thread::sleep_for(std::chrono::milliseconds(20)); // SQLite has waited before
    }
  }
}

inline void recorder_core::scrub(llm::outcome& o) const {
  if (o.ok()) {
    llm::reply& r = o.reply();
    for (llm::choice& c : r.choices)
      for (std::string* text : {&c.text, &c.native_finish, &c.refusal}) scrub(*text);
    for (std::string* text : {&r.id, &r.model, &r.request_id, &r.fingerprint}) scrub(*text);
  } else {
    llm::failure& f = o.failure();
    for (std::string* text : {&f.message, &f.code, &f.parameter, &f.request_id, &f.body}) scrub(*text);
  }
}

// Hash and rows of a request: one row for each form in which it may have been sent.
inline void recorder_core::identify(asker& a) {
  if (a.hash.empty()) {
    if (&last_talk_.messages() != &a.q.messages.messages()) { // many requests share one conversation
      last_texts_ = text_digests(a.q.messages);
      last_talk_ = a.q.messages;
    }
    a.texts = last_texts_;
    a.hash = to_hex(request_digest(a.q, a.texts));
  }
  if (!a.rows.empty() || !a.lane->id) return;
  const llm::adaptation& known = known_of(a.lane->spec);
  std::vector<std::string> forms;
  for (std::size_t count = known.size(); count > 0; --count) {
    llm::capabilities takes = a.lane->model.takes;
    known.apply(takes, count);
    // also where the catalogue has been told meanwhile what the server takes
    std::string sent = llm::sent_parameters(takes, a.q);
    if (std::find(forms.begin(), forms.end(), sent) == forms.end()) forms.push_back(std::move(sent));
  }
  for (const std::string& sent : forms)
    if (const auto row = store_.table_->find_request(*a.lane->id, to_hex(request_digest(a.q, a.texts, sent))))
      a.rows.push_back(*row);
  if (const auto row = store_.table_->find_request(*a.lane->id, a.hash)) a.rows.push_back(*row);
}

// The row of a request that was sent with these parameters instead of its own; a new one if there is none.
inline std::int64_t recorder_core::row_for(asker& by, const std::string& changed) {
  reply_table& table = *store_.table_;
  const std::string hash = changed.empty() ? by.hash : to_hex(request_digest(by.q, by.texts, changed));
  if (const auto row = table.find_request(*by.lane->id, hash)) {
    if (std::find(by.rows.begin(), by.rows.end(), *row) == by.rows.end())
      by.rows.insert(by.rows.begin(), *row);
    return *row;
  }
  std::vector<std::string> clean;
  clean.reserve(by.texts.size());
  std::vector<std::pair<digest, std::string_view>> texts;
  for (const llm::message& m : by.q.messages) {
    std::string_view text = m.text;
    digest of = by.texts[texts.size()];
    if (store_.settings_.keys.found_in(text)) {
      text = clean.emplace_back(store_.clean(text));
      of = digest_of(text); // not the hash of a key, either
    }
    texts.emplace_back(of, text);
  }
  std::vector<std::string> stop = by.q.stop;
  for (std::string& s : stop) scrub(s);
  const std::int64_t row = table.add_request(*by.lane->id, hash, by.q, stop, texts);
  by.rows.insert(by.rows.begin(), row);
  return row;
}

// Serves a request, lets it wait for another one, or asks for what is missing.
inline void recorder_core::consider(const asker_ptr& a) {
  std::optional<llm::outcome> found;
  std::vector<span> missing;
  try {
    patiently([&] {
      const std::scoped_lock lock(store_.mutex_);
      missing.clear();
      a->rows.clear(); // there may be more by now
      identify(*a);
      found = find(*a, missing);
    });
  } catch (const store_error& e) {
    broken_by(e);
  }
  if (found) {
    ++now_.served;
    return deliver(*a, std::move(*found));
  }
  if (const auto why = error())
    return deliver(*a, llm::failure{.kind = llm::failure_kind::configuration, .message = why->what()});
  if (!a->lane->ask) return deliver(*a, not_found(*a));
  if (!asking_)
    return deliver(
        *a, llm::failure{.kind = llm::failure_kind::cancelled, .message = "the run store is being closed"});
  auto& flights = flights_[{*a->lane->id, a->hash}];
  for (const span& part : missing) {
    auto next = flights.lower_bound(part.first);
    if (next != flights.begin() && std::prev(next)->second.end > part.first) --next;
    if (next != flights.end() && next->first < part.end) return next->second.waiting.push_back(a);
  }
  a->parts = missing.size();
  for (const span& part : missing) flights.emplace(part.first, flight{.end = part.end, .by = a});
  for (const span& part : missing) send(a, part);
}

inline void recorder_core::send(const asker_ptr& a, span part) {
  llm::chat_request q = a->q;
  q.sample = static_cast<std::uint32_t>(part.first);
  q.n = static_cast<std::uint32_t>(part.end - part.first);
  // with the seed of the request that brought the samples before them, these might be the same again
  if (q.seed && q.sample != a->q.sample) q.seed = random_stream({*q.seed, 0, 0, q.sample})() & 0x7fffffffU;
  ++now_.asked;
  llm::chat_request sent = q;
  a->lane->ask(std::move(sent), [self = shared_from_this(), a, q = std::move(q)](llm::outcome came) {
    self->arrive({.whose = a, .asked = q, .came = std::move(came)});
  });
}

// The answer as far as it is stored; otherwise which samples are missing. Once all missing parts are back,
// whatever there is is the answer.
inline std::optional<llm::outcome> recorder_core::find(asker& a, std::vector<span>& missing) {
  const bool complete = !missing.empty();
  if (!complete)
    if (auto empty = empty_reply(a)) return std::move(*empty);
  reply_table& table = *store_.table_;
  std::vector<stored_choice> known;
  for (const std::int64_t row : a.rows) {
    const std::size_t before = known.size();
    for (stored_choice& c : table.choices(row, a.first(), a.end()))
      if (std::none_of(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(before),
                       [&](const stored_choice& k) { return k.sample == c.sample; }))
        known.push_back(std::move(c));
    if (before > 0)
      std::stable_sort(known.begin(), known.end(),
                       [](const stored_choice& x, const stored_choice& y) { return x.sample < y.sample; });
  }
  const bool begins = !known.empty() && known[0].sample == a.first();
  if (begins) {
    // the very same request: its reply as it was, even if short
    const stored_reply r = table.reply(known[0].reply);
    std::size_t size = known.size();
    if (r.first == a.first() && r.asked == a.q.n)
      size = static_cast<std::size_t>(
          std::find_if(known.begin(), known.end(), [&](const stored_choice& c) { return c.reply != r.id; }) -
          known.begin());
    const bool same = r.first == a.first() && r.asked == a.q.n && size == r.received;
    if (!same) size = known.size();
    if (same || known.size() == a.q.n || complete) {
      std::size_t prefix = 0;
      while (prefix < size && known[prefix].sample == a.first() + prefix) ++prefix;
      known.resize(prefix);
      return compose(a, known);
    }
  }
  if (complete) {
    if (a.failed) return std::move(*a.failed);
    return compose(a, {});
  }
  if (!settings_.ask_failed_again)
    for (const std::int64_t row : a.rows)
      if (auto failed = table.failure(row, a.q.sample, a.q.n)) return std::move(*failed);
  std::uint64_t next = a.first();
  for (const stored_choice& c : known) {
    if (c.sample > next) missing.push_back({next, c.sample});
    next = std::uint64_t{c.sample} + 1;
  }
  if (next < a.end()) missing.push_back({next, a.end()});
  return std::nullopt;
}

// A reply of stored choices. Every choice carries its share of what its reply cost, the first time only.
inline llm::reply recorder_core::compose(asker& a, const std::vector<stored_choice>& choices) {
  llm::reply out;
  if (!choices.empty()) out = store_.table_->reply(choices[0].reply).what;
  out.used = a.paid;
  out.used += forgotten_usage(a);
  for (std::size_t i = 0; i < choices.size();) {
    const stored_reply from = store_.table_->reply(choices[i].reply);
    std::vector<std::uint32_t> fresh;
    for (; i < choices.size() && choices[i].reply == from.id; ++i) {
      out.choices.push_back(choices[i].what);
      if (counted_.insert(choices[i].id).second) {
        fresh.push_back(choices[i].sample - from.first);
      } else {
        ++now_.repeats;
      }
    }
    if (fresh.size() == from.received) {
      out.used += from.what.used;
    } else {
      for (const std::uint32_t index : fresh) out.used += llm::share(from.what.used, index, from.received);
    }
  }
  return out;
}

// A reply without any choice that an earlier session got for the very same request. Each is served once, in
// order and before any choice, since that is how they came: their requester asked again.
inline std::optional<llm::reply> recorder_core::empty_reply(const asker& a) {
  for (const std::int64_t row : a.rows) {
    const auto found = forgotten_.find(row);
    if (found == forgotten_.end()) continue;
    auto& all = found->second;
    const auto same = std::find_if(all.begin(), all.end(), [&](const stored_reply& r) {
      return r.first == a.q.sample && r.asked == a.q.n;
    });
    if (same == all.end()) continue;
    llm::reply empty = std::move(same->what);
    all.erase(same);
    return empty;
  }
  return std::nullopt;
}

// What an earlier session paid for replies without choices to a request that is now grouped otherwise.
inline llm::token_usage recorder_core::forgotten_usage(const asker& a) {
  llm::token_usage sum;
  for (const std::int64_t row : a.rows) {
    const auto found = forgotten_.find(row);
    if (found == forgotten_.end()) continue;
    std::erase_if(found->second, [&](const stored_reply& r) {
      if (r.first != a.q.sample) return false;
      sum += r.what.used;
      return true;
    });
  }
  return sum;
}

// One transaction for all; false if it failed, and then nothing is written any more.
inline bool recorder_core::keep(std::vector<arrival>& batch) {
  for (arrival& a : batch) {
    scrub(a.came);
    if (!a.came.ok()) continue;
    llm::reply& r = a.came.reply();
    if (r.choices.size() > a.asked.n) r.choices.resize(a.asked.n);
    if (!r.used.cost_usd) r.used.cost_usd = a.whose->lane->model.cost(r.used, store_.settings_.now());
  }
  if (std::none_of(batch.begin(), batch.end(),
                   [](const arrival& a) { return a.came.ok() || is_stored(a.came.failure()); }))
    return true;
  while (writing_) {
    try {
      patiently([&] {
        try {
          write(batch);
        } catch (const store_error&) {
          for (arrival& a : batch) a.whose->rows.clear(); // they may have been rolled back
          throw;
        }
      });
      return true;
    } catch (const store_error& e) {
      broken_by(e);
      if (e.kind() != store_problem::full || !store_.reserve_ || !store_.reserve_->release())
        writing_ = false;
    }
  }
  return false;
}

inline void recorder_core::write(std::vector<arrival>& batch) {
  const std::scoped_lock lock(store_.mutex_);
  reply_table& table = *store_.table_;
  const stamp at{.session = store_.session_, .time = utc(store_.settings_.now())};
  std::uint64_t replies = 0, failures = 0;
  transaction all(store_.db_);
  for (arrival& a : batch) {
    if (!a.came.ok() && !is_stored(a.came.failure())) continue;
    asker& by = *a.whose;
    identify(by);
    if (a.came.ok()) {
      a.ids = table.add_reply(row_for(by, a.came.reply().changed), a.asked, a.came.reply(), at);
      if (settings_.ask_failed_again)
        for (const std::int64_t row : by.rows) table.forget_failure(row, a.asked);
      ++replies;
    } else {
      table.add_failure(row_for(by, {}), a.asked, a.came.failure(), at);
      ++failures;
    }
  }
  all.commit();
  ++now_.commits;
  now_.stored += replies;
  now_.failures += failures;
}

// Delivers what was stored, and considers again who waited for it.
inline void recorder_core::settle(arrival& a, bool kept) {
  asker& by = *a.whose;
  std::vector<asker_ptr> waiting;
  const auto flights = flights_.find({*by.lane->id, by.hash});
  if (flights != flights_.end()) {
    if (const auto f = flights->second.find(a.asked.sample); f != flights->second.end()) {
      waiting = std::move(f->second.waiting);
      flights->second.erase(f);
    }
    if (flights->second.empty()) flights_.erase(flights);
  }
  --by.parts;
  if (!kept) {
    deliver(by, llm::failure{.kind = llm::failure_kind::configuration, .message = error()->what()});
  } else if (a.asked.sample == by.q.sample && a.asked.n == by.q.n) { // all of it
    if (a.came.ok()) {
      counted_.insert(a.ids.begin(), a.ids.end());
      a.came.reply().used += forgotten_usage(by);
      a.came.reply().changed.clear(); // it is in the key: what is served later is the same
    }
    deliver(by, std::move(a.came));
  } else {
    if (!a.came.ok()) {
      if (!by.failed) by.failed = std::move(a.came).failure();
    } else if (a.came.reply().choices.empty()) {
      by.paid += a.came.reply().used;
    }
    if (by.parts == 0 && !by.delivered) {
      std::vector<span> asked{{by.first(), by.end()}};
      llm::outcome answer = llm::failure{.kind = llm::failure_kind::configuration};
      try {
        answer = patiently([&] {
          const std::scoped_lock lock(store_.mutex_);
          return *find(by, asked);
        });
      } catch (const store_error& e) {
        broken_by(e);
        answer.failure().message = e.what();
      }
      deliver(by, std::move(answer));
    }
  }
  for (const asker_ptr& w : waiting) consider(w);
}

inline void recorder_core::deliver(asker& a, llm::outcome o) {
  if (a.delivered) return;
  a.delivered = true;
  ++now_.delivered;
  const llm::completion done = std::move(a.done);
  if (done) done(std::move(o));
}

inline llm::failure recorder_core::not_found(const asker& a) {
  std::string message = "replay: no stored reply for sample " + std::to_string(a.q.sample) + " of request " +
                        a.hash + " to " + a.lane->spec;
  try {
    if (const auto what = store_.label_of(a.q.tag))
      message += " (task " + what->task + ", step " + std::to_string(what->step) + ", " + what->stage + ")";
  } catch (const store_error&) { // the label is only a help
  }
  message += " in " + store_.path().string() +
             ". The run was not finished, or its prompts, model or settings were others: resume it instead";
  scrub(message);
  const std::scoped_lock lock(mutex_);
  if (!missing_) missing_ = message;
  return {.kind = llm::failure_kind::configuration, .message = std::move(message)};
}

} // namespace strata::store::detail
