// SPDX-License-Identifier: MIT
// What the engine keeps per model on a server: the queue, the shared limits, what has been learnt about it,
// and the connections. All of it belongs to the engine's thread unless it says otherwise.
#pragma once

#include "strata/llm/codecs/adaptation.hpp"
#include "strata/llm/engine.hpp"
#include "strata/llm/gate.hpp"
#include "strata/llm/redactor.hpp"
#include "strata/llm/retry.hpp"
#include "strata/llm/transport/connection.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::detail {

/// Connections that wait for their next request; the one used last is taken first.
struct connection_pool {
  std::shared_ptr<const origin> to;
  std::vector<std::unique_ptr<connection>> idle;
};

/// One request from submission to its outcome.
struct engine_job {
  enum class place : std::uint8_t { queued, flying, holding };

  client::ticket id = 0;
  std::shared_ptr<engine_lane> lane;
  chat_request question;
  completion done;
  retry_state retries;
  place where = place::queued;
  bool admitted = false;
  bool fresh_connection = false;
  bool cancelled = false;
  std::string why_cancelled;
  std::size_t knows = 0;         // how much the lane had learnt when it was sent
  std::string changed;           // see `changed_parameters`
  std::uint32_t attempts = 0;    // HTTP exchanges so far
  gate::departure left;          // the last time it was sent
  connection* on = nullptr;      // while flying
  std::optional<outcome> answer; // while holding
};

struct engine_lane {
  engine_lane(io_executor executor, model_access access, std::string_view known,
              const engine_settings& settings)
      : profile(std::move(access.model)), current(profile), learnt(adaptation::read(known)),
        key(std::move(access.key)), hide(key), limits(settings.concurrency), wake(executor),
        overdue(executor) {
    learnt.apply(current.takes);
  }

  const model_profile profile; // as opened; read by any thread
  model_profile current;       // without what turned out not to be taken
  adaptation learnt;
  secret key;
  redactor hide;
  gate limits;
  std::deque<client::ticket> urgent; // follow-ups: before the others
  std::deque<client::ticket> ready;  // tickets of cancelled requests are skipped
  std::multimap<steady::time_point, client::ticket> delayed;
  timer wake;
  steady::time_point wake_at{};
  bool armed = false;
  timer overdue; // for the first reply
  std::shared_ptr<connection_pool> pool;
  std::string head;           // of every request: Host and so on, without the key
  std::uint32_t refusals = 0; // requests refused as wrong before the first reply

  mutable std::mutex mutex; // guards what follows, which any thread may read
  std::optional<failure> stopped;
};

} // namespace strata::llm::detail
