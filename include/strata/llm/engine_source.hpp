// SPDX-License-Identifier: MIT
// The implementation of the engine and its clients.
// Included by engine.hpp, or by one translation unit if STRATA_LLM_SEPARATE_COMPILATION is defined.
#pragma once

#include "strata/llm/catalogue_source.hpp"
#include "strata/llm/detail/engine_decisions.hpp"
#include "strata/llm/engine.hpp"

#include <sys/resource.h>

#include <stdexcept>

namespace strata::llm {

STRATA_LLM_INLINE client::client(std::shared_ptr<detail::engine_core> core,
                                 std::shared_ptr<detail::engine_lane> lane)
    : core_(std::move(core)), lane_(std::move(lane)) {}
STRATA_LLM_INLINE client::ticket client::submit(chat_request question, completion done) {
  return core_->submit(lane_, std::move(question), std::move(done));
}
STRATA_LLM_INLINE void client::cancel(ticket which) { core_->cancel(which); }
STRATA_LLM_INLINE const model_profile& client::model() const noexcept { return lane_->profile; }
STRATA_LLM_INLINE std::optional<failure> client::stopped() const {
  const std::scoped_lock lock(lane_->mutex);
  return lane_->stopped;
}

STRATA_LLM_INLINE engine::engine(engine_settings settings) {
  const auto& c = settings.concurrency;
  const auto& t = settings.transport;
  if (c.initial == 0 || c.maximum == 0)
    throw std::invalid_argument("strata: concurrency is 0; at least one request must be in flight");
  if (t.connect.count() <= 0 || t.silent.count() <= 0 || t.silent_stream.count() <= 0 || t.total.count() <= 0)
    throw std::invalid_argument("strata: every timeout must be longer than 0");
  if (t.header_bytes < 1024 || t.reply_bytes < 1024)
    throw std::invalid_argument("strata: replies and headers need at least 1024 bytes");
  if (settings.silence.count() <= 0) throw std::invalid_argument("strata: silence must be longer than 0");
  if (settings.retry.attempts == 0)
    throw std::invalid_argument("strata: retry.attempts is 0; the first counts too");
  if (!t.ca_file.empty()) (void)detail::tls_context(t); // says now whether it can be read
  // every request in flight has a descriptor, and the usual soft limit is 1024
  rlimit files{};
  const rlim_t wanted = static_cast<rlim_t>(c.maximum) * 2 + 256;
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY && files.rlim_cur < wanted) {
    files.rlim_cur = files.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, files.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  core_ = std::make_shared<detail::engine_core>(std::move(settings));
}
STRATA_LLM_INLINE engine::~engine() { core_->shut_down(); }
STRATA_LLM_INLINE client engine::open(model_access model, std::string_view learnt) {
  return client(core_, core_->lane_for(std::move(model), learnt));
}
STRATA_LLM_INLINE void engine::run() {
  if (core_->started()) throw std::logic_error("strata: the engine runs on a thread of its own already");
  core_->context().restart();
  core_->context().run();
  core_->rethrow();
}
STRATA_LLM_INLINE bool engine::run_for(std::chrono::milliseconds time) {
  if (core_->started()) throw std::logic_error("strata: the engine runs on a thread of its own already");
  core_->context().restart();
  core_->context().run_for(time);
  core_->rethrow();
  return !core_->idle();
}
STRATA_LLM_INLINE void engine::start() { core_->start(); }
STRATA_LLM_INLINE void engine::wait() {
  if (!core_->started()) return run();
  core_->wait();
}
STRATA_LLM_INLINE void engine::drain(std::string why) { core_->close(std::move(why), false); }
STRATA_LLM_INLINE void engine::cancel_all(std::string why) { core_->close(std::move(why), true); }
STRATA_LLM_INLINE void engine::resume() { core_->reopen(); }
STRATA_LLM_INLINE engine_counters engine::counters() const { return core_->counters(); }

} // namespace strata::llm
