// SPDX-License-Identifier: MIT
// What the engine decides: which lane a model gets, and what follows from the outcome of an attempt.
#pragma once

#include "strata/llm/detail/engine_core.hpp"

namespace strata::llm::detail {

inline std::shared_ptr<engine_lane> engine_core::lane_for(model_access access, std::string_view learnt) {
  const std::scoped_lock lock(mutex_);
  for (const auto& lane : lanes_)
    if (lane->profile.provider == access.model.provider && lane->profile.name == access.model.name &&
        lane->profile.base_url == access.model.base_url && lane->profile.speaks == access.model.speaks)
      return lane;
  std::string problem;
  const auto server = parse_url(access.model.base_url, problem);
  if (!server)
    throw std::invalid_argument("the address of " + access.model.provider + " cannot be used: " + problem);
  auto lane = std::make_shared<engine_lane>(io_.get_executor(), std::move(access), learnt, settings_);
  lane->head = " HTTP/1.1\r\nhost: " + server->host_header() +
               "\r\nuser-agent: strata\r\naccept-encoding: identity\r\nconnection: keep-alive\r\n";
  const auto proxy = proxy_for(*server, settings_.transport.proxy, process_environment());
  if (proxy) {
    lane->hide.add(proxy->credentials);
    lane->hide.add(proxy->password);
  }
  for (const auto& other : lanes_)
    if (other->pool->to->server == *server) lane->pool = other->pool;
  if (!lane->pool) {
    auto to = std::make_shared<origin>();
    to->server = *server;
    to->proxy = proxy;
    if (server->secure) {
      if (!tls_) tls_ = std::make_shared<const tls_context>(settings_.transport);
      to->tls = tls_;
    }
    lane->pool = std::make_shared<connection_pool>();
    lane->pool->to = std::move(to);
  }
  lanes_.push_back(lane);
  return lane;
}

inline void engine_core::settle(engine_job& job, outcome came, attempt_facts facts,
                                const exchange_result& result, steady::time_point sent_at) {
  engine_lane& lane = *job.lane;
  const auto now = steady::now();
  clean(lane, came);
  {
    const std::scoped_lock lock(mutex_);
    --counters_.in_flight;
  }
  job.where = engine_job::place::queued;
  if (!lane.limits.answered()) lane.overdue.cancel();
  const rate_headers rates = read_rate_headers(result.response, std::chrono::system_clock::now());

  if (came.ok()) {
    reply& r = came.reply();
    r.attempts = job.attempts;
    r.seconds = now - sent_at;
    r.changed = std::move(job.changed);
    lane.limits.replied(job.left, now, rates, r.used);
    told(job, came, "done");
    hold(job, std::move(came));
    return pump(lane);
  }

  failure& f = came.failure();
  facts.worked_before = lane.limits.answered();
  if (!job.cancelled && complains(f.kind))
    facts.widespread = lane.limits.complained(job.left, now, f.kind == failure_kind::rate_limited, rates);
  else
    lane.limits.failed(job.left);
  if (job.cancelled) {
    f = cancelled(job.why_cancelled);
    told(job, came, "cancelled");
    finish(job, std::move(came));
    return pump(lane);
  }
  const bool closed =
      (!closed_.empty() && (closed_to_all_ || !job.question.follow_up)) || lane.limits.stopped();
  // a parameter that the model does not take is left out from now on
  std::string lesson;
  if (f.kind == failure_kind::bad_request && !closed) {
    if (job.knows < lane.learnt.size()) {
      lesson = "sent again in the form learnt meanwhile";
    } else if (lesson = learn(lane.learnt, lane.current, f, job.question); !lesson.empty()) {
      if (settings_.hooks.on_adapted)
        guarded([&] {
          settings_.hooks.on_adapted(lane.profile, lesson + "; it said: " + f.message, lane.learnt.text());
        });
    }
  }
  if (!lesson.empty()) {
    told(job, came, lesson, true);
    queue_of(lane, job.question).push_front(job.id);
    return pump(lane);
  }

  facts.reset_hint = rates.exhausted_for();
  facts.took = now - sent_at;
  reaction r = job.retries.after(f, facts, now, settings_.retry, [this] { return random_.unit(); });
  if (r.pause.count() > 0) lane.limits.pause(now + r.pause);
  if (!r.because.empty()) f.message = r.because;
  if (r.out_of_patience) f.kind = failure_kind::expired;
  if (r.unreachable) {
    f.kind = failure_kind::configuration;
    std::string quoted; // of what came instead; keys have been removed
    for (const char x : std::string_view(f.body).substr(0, std::min<std::size_t>(60, f.body.find('\n'))))
      if (x >= 0x20 && x < 0x7f) quoted += x;
    if (!quoted.empty()) f.message += "; what came begins '" + quoted + "'";
    f.message += "; is " + lane.profile.base_url + " the address of a model server?";
  }
  using action = reaction::action;
  if (f.kind == failure_kind::bad_request && r.what == action::give_up && !lane.limits.answered() &&
      ++lane.refusals >= 20) {
    r.what = action::stop_model;
    f.message += " (the first 20 requests were all refused, so no more are sent)";
  }
  if (closed && (r.what == action::again_now || r.what == action::again_later)) r.what = action::give_up;
  switch (r.what) {
  case action::again_now:
    told(job, came, "once more on a new connection");
    job.fresh_connection = true;
    queue_of(lane, job.question).push_front(job.id);
    break;
  case action::again_later:
    told(job, came, "retry in " + retry_state::seconds(r.delay));
    lane.delayed.emplace(now + r.delay, job.id);
    if (!lane.limits.answered()) lane.limits.pause(now + r.delay); // nobody else instead
    break;
  case action::give_up:
    told(job, came, "given up");
    finish(job, std::move(came));
    break;
  case action::stop_model:
  case action::stop_provider: {
    const failure why = f;
    const bool all = r.what == action::stop_provider;
    told(job, came, all ? "nothing more is sent to this provider" : "nothing more is sent to this model");
    const std::string provider = lane.profile.provider;
    const std::string server = lane.profile.base_url;
    finish(job, std::move(came));
    stop(lane, why);
    if (all)
      for (const auto& other : lanes())
        if (other->profile.provider == provider && other->profile.base_url == server) stop(*other, why);
    break;
  }
  }
  pump(lane);
}

} // namespace strata::llm::detail
