// SPDX-License-Identifier: MIT
// The layers between an agent and a model's server, from the inside out: engine, budget, run store.
// A replay has the store only.
#include "language_model.hpp"

#include "data.hpp"
#include "failed_attempts.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "model_catalogue.hpp"
#include "verdict_text.hpp"

#include "step/agents/agents.hpp"
#include "step/tasks/document.hpp"
#include "strata/agents/budget.hpp"
#include "strata/llm/engine.hpp"
#include "strata/store/recorded_client.hpp"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <numeric>
#include <utility>

namespace app {

namespace {

namespace llm = strata::llm;
namespace agents = strata::agents;
namespace store = strata::store;

/// Any `llm::ChatClient` behind one type, so that the agent is compiled once.
struct AnyClient {
  std::function<void(llm::chat_request, llm::completion)> ask;
  const llm::model_profile* profile;

  template <llm::ChatClient C>
  AnyClient(C client, const llm::model_profile& of)
      : ask([client = std::move(client)](llm::chat_request q, llm::completion done) mutable {
          client.submit(std::move(q), std::move(done));
        }),
        profile(&of) {}
  void submit(llm::chat_request q, llm::completion done) { ask(std::move(q), std::move(done)); }
  [[nodiscard]] const llm::model_profile& model() const { return *profile; }
};

std::string dollars(agents::picodollars amount) {
  char text[40];
  const double usd = agents::to_dollars(amount);
  std::snprintf(text, sizeof text, usd < 1 ? "$%.4f" : "$%.2f", usd);
  return text;
}

/// "1234", "12.3k", "4.5M".
std::string short_number(std::uint64_t n) {
  char text[40];
  const double value = static_cast<double>(n);
  if (n < 10'000)
    std::snprintf(text, sizeof text, "%.0f", value);
  else if (n < 1'000'000)
    std::snprintf(text, sizeof text, "%.1fk", value / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1fM", value / 1e6);
  return text;
}
std::string option_of(agents::budget::limit reached) {
  switch (reached) {
  case agents::budget::limit::usd:
    return "--budget-usd";
  case agents::budget::limit::tokens:
    return "--budget-tokens";
  case agents::budget::limit::requests:
    return "--budget-requests";
  case agents::budget::limit::seconds:
    return "--budget-seconds";
  case agents::budget::limit::none:
    break;
  }
  return "";
}

std::string short_range(const agents::range& r) {
  return short_number(r.low) + (r.low == r.high ? "" : ".." + short_number(r.high));
}

agents::agent_settings settings_of(const RunConfig& config, const Tasks& tasks) {
  agents::agent_settings s;
  s.number = {.tasks = tasks.size(), .samples = static_cast<std::size_t>(config.samples)};
  s.max_tokens = static_cast<std::uint32_t>(config.max_tokens);
  s.reasoning = config.reasoning;
  s.cache_key = "strata-" + config.prompts_fingerprint;
  s.per_request = static_cast<std::uint32_t>(config.per_request);
  return s;
}

} // namespace

// ---- who was named

struct LanguageModel::Impl {
  llm::model_access access;
  step::agents::AgentPrompts prompts;
};

LanguageModel::LanguageModel(LanguageModel&&) noexcept = default;
LanguageModel& LanguageModel::operator=(LanguageModel&&) noexcept = default;
LanguageModel::~LanguageModel() = default;

LanguageModel::LanguageModel(const RunCommand& command, RunConfig& config, const Tasks& tasks, Use use) {
  const bool goes_on = !config.prompts_fingerprint.empty();
  const auto known = model_catalogue(config.model_files);
  const auto env = llm::process_environment();
  const auto spec = goes_on ? command.model.value_or(config.model) : config.model;
  llm::model_access access;
  if (use == Use::look)
    access.model = known.describe(spec, env);
  else
    access = known.resolve(spec, env);
  if (!goes_on) {
    config.model = access.model.spec;
    config.prompts = std::filesystem::absolute(prompts_directory(command.data)).lexically_normal().string();
  } else if (command.model && *command.model != config.model) {
    // replies are kept under the name the run began with; only the server may have moved
    const auto was = known.describe(config.model, env).name;
    if (access.model.name != was)
      throw Failure("--resume: the run has the model " + was + ", not " + access.model.name +
                    "; leave --model out, or start a new run");
  }
  step::agents::AgentPrompts prompts(
      command.data.prompts.empty() ? config.prompts : prompts_directory(command.data).string(), config.agent);
  Fingerprint told;
  prompts.each_kind(tasks, step::agents::turns_for(access.model), [&](const llm::conversation& c) {
    for (const auto& m : c) {
      told.add(to_string(m.from));
      told.add(m.text);
    }
  });
  if (goes_on && told.text() != config.prompts_fingerprint)
    throw Failure("the prompts in " + config.prompts +
                  ", or how they are put to this model, are not those the run was started with; restore "
                  "them, or start a new run");
  config.prompts_fingerprint = told.text();
  if (command.budget_usd && access.model.price_at(std::chrono::system_clock::now(), 0) == nullptr)
    throw Failure(
        "--budget-usd: no price is known " +
        std::string(access.model.prices.empty() ? "for " : "today, or none for short prompts, for ") +
        access.model.spec + "; add one with --models FILE, or use --budget-tokens");
  if (const auto exposed = llm::exposure_of_key(access); !exposed.empty())
    std::fprintf(stderr, "strata: warning: %s\n", printable(exposed).c_str());
  if (!command.ca_file.empty()) { // says whether it can be used before anything is written
    llm::engine_settings how;
    how.transport.ca_file = command.ca_file;
    const llm::engine unused(std::move(how));
  }
  impl_.reset(new Impl{std::move(access), std::move(prompts)});
}

std::string LanguageModel::estimate(const RunConfig& config, const Tasks& tasks) const {
  const auto& model = impl_->access.model;
  std::string out = "model " + printable(model.spec) + " at " +
                    (model.base_url.empty() ? "an unknown address" : printable(model.base_url)) +
                    ", agent: " + name_of(config.agent);
  if (config.agent.repairs > 0) out += ", repairs: " + std::to_string(config.agent.repairs);
  out += '\n';
  if (!model.note.empty()) out += "note: " + printable(model.name + ": " + model.note) + '\n';
  if (!model.takes.temperature && config.temperatures.size() > 1)
    out += "note: this model takes no temperature: " + std::to_string(config.temperatures.size()) +
           " temperatures only multiply the samples; consider --temperature 1\n";
  std::vector<std::size_t> open(tasks.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  const strata::job_batch<step::Language> first(tasks, open, {}, config.sampling(), config.seed);
  const auto cost = agents::estimate_of(
      model, impl_->prompts.plan(first.jobs(), settings_of(config, tasks), step::agents::turns_for(model)),
      std::chrono::system_clock::now());
  out += "the first step, about: " + short_number(first.jobs().size()) + " samples in " +
         short_range(cost.requests) + " requests, " + short_range(cost.input) + " input and " +
         short_range(cost.output) + " output tokens, " +
         (cost.priced ? dollars(cost.cost_low) + " to " + dollars(cost.cost_high)
                      : std::string("at a price that is not known")) +
         '\n';
  if (!config.one_step())
    out +=
        "later steps ask for the tasks still open and show demonstrations; --budget-usd and --budget-tokens "
        "limit them all\n";
  return out;
}

// ---- the model at work

struct ModelRun::Impl {
  Impl(const LanguageModel::Impl& m, const RunConfig& config, const RunCommand& command, const Tasks& tasks,
       const Judge& judge, Settings settings)
      : model(m), stop(std::move(settings.stop)), attempts(settings.directory / "failures.log"),
        runs(settings.replies, settings.replay ? store::mode::read : store::mode::create_or_resume,
             {.keys = llm::redactor(m.access.key)}),
        record(runs, {.ask_failed_again = command.retry_failed, .notice = [](const std::string& what) {
                        std::fprintf(stderr, "\nstrata: %s\n", printable(what).c_str());
                      }}) {
    if (settings.replay) {
      leaves_out = settings.unfinished;
      work(config, tasks, judge,
           AnyClient(as_stored{store::replaying_client(record, model.access.model, config.model), this},
                     model.access.model));
      return;
    }
    if (settings.check_config) require_stored(config, settings.directory);
    runs.set("config", to_text(to_json(config)));
    const auto before = runs.totals();
    agents::budget_limits most;
    if (command.budget_usd) most.usd = *command.budget_usd;
    if (command.budget_tokens) most.tokens = *command.budget_tokens;
    if (command.budget_requests) most.requests = *command.budget_requests;
    budget.emplace(most, agents::spending{agents::to_picodollars(before.used.cost_usd.value_or(0)),
                                          llm::saturating_add(before.used.input, before.used.output),
                                          before.replies + before.failures});
    llm::engine_settings how;
    if (command.concurrency > 0) {
      how.concurrency.maximum = static_cast<std::size_t>(command.concurrency);
      how.concurrency.initial = std::min(how.concurrency.initial, how.concurrency.maximum);
    }
    how.transport.ca_file = command.ca_file;
    how.seed = config.seed;
    how.hooks.on_attempt = [this](const llm::attempt& a) { attempts.note(a); };
    how.hooks.on_adapted = [this, name = config.model](const llm::model_profile& of, std::string_view what,
                                                       const std::string& learnt) {
      FailedAttempts::adapted(of, what);
      try {
        record.adapt(name, learnt);
      } catch (const store::store_error&) { // the recorder meets it, too, and ends the run in order
      }
    };
    how.hooks.on_silence = [](const llm::model_profile& of, std::chrono::seconds since) {
      FailedAttempts::silent(of, since);
    };
    engine.emplace(std::move(how));
    engine->start();
    agents::budgeted within(engine->open(model.access, record.learnt(config.model)), *budget);
    work(config, tasks, judge,
         AnyClient(store::recorded_client(record, std::move(within), config.model), model.access.model));
  }

  void work(const RunConfig& config, const Tasks& tasks, const Judge& judge, AnyClient client) {
    auto settings = settings_of(config, tasks);
    settings.tag = [this, &tasks](std::size_t task, std::size_t step, std::string_view stage) {
      for (;;) {
        try {
          return runs.tag({tasks[task]->id, static_cast<std::int64_t>(step), std::string(stage)});
        } catch (const store::store_error& e) {
          if (e.kind() == store::store_problem::locked) continue; // the recorder says so, and waits, too
          return std::uint64_t{0}; // the recorder says so, too, and ends the run in order
        }
      }
    };
    settings.ends_when_cancelled = !leaves_out;
    settings.on_charge = [this](const agents::charge& c) { book.add(c); };
    settings.on_stopped = [this](const llm::failure* why) { stopped(why); };
    step::agents::AgentChecks checks;
    checks.affine = [&judge](const step::Task& task, const std::string& program) {
      return judge.detailed(task, program).affine_flow != step::Affine::violation;
    };
    checks.verify = [&judge](const step::Task& task, const std::string& program) {
      return judge.verify(task, program);
    };
    agent.emplace(
        step::agents::make_agent(model.prompts, std::move(checks), std::move(settings), std::move(client)));
  }

  /// Of a run that was ended before its end: what is not stored had not been answered, and is left out.
  struct as_stored {
    store::replaying_client inner;
    Impl* run;

    void submit(llm::chat_request q, llm::completion done) {
      inner.submit(std::move(q), [run = run, done = std::move(done)](llm::outcome o) {
        if (run->leaves_out && !o.ok() && o.failure().kind == llm::failure_kind::configuration &&
            run->record.missing() && !run->record.error()) {
          run->left_out = true;
          o.failure().kind = llm::failure_kind::cancelled;
        }
        done(std::move(o));
      });
    }
    [[nodiscard]] const llm::model_profile& model() const { return inner.model(); }
  };

  /// The store keeps a copy of the configuration; what is new since then is not in it.
  void require_stored(const RunConfig& config, const std::filesystem::path& directory) {
    const auto copy = runs.get("config");
    if (!copy) return;
    std::string problem;
    const auto was = parse_json(*copy, problem);
    const auto now = to_json(config);
    if (!was.is_object()) return;
    for (const auto& [key, value] : was.get_object()) {
      if (key == "tasks_directory" || key == "prompts_directory") continue; // they may have moved
      const auto* const other = now.if_contains(key);
      if (other == nullptr || to_text(*other) != to_text(value))
        throw Failure((directory / "config.json").string() + ": '" + std::string(key) +
                      "' was changed since the run began; restore it, or start a new run");
    }
  }

  void stopped(const llm::failure* why) {
    if (why != nullptr && why->kind != llm::failure_kind::cancelled) {
      const std::scoped_lock lock(mutex);
      if (!ended) {
        const bool declined = why->kind == llm::failure_kind::declined;
        ended = Ending{declined ? "budget" : "failed", why->message,
                       declined && budget ? option_of(budget->reached()) : ""};
      }
    }
    constexpr const char* ending = "the run is being ended";
    if (engine && engine->counters().replies > 0)
      engine->drain(ending); // what was sent is paid for
    else if (engine)
      engine->cancel_all(ending); // a server that has never answered is not waited for
    stop.request_stop();
  }

  const LanguageModel::Impl& model;
  std::stop_source stop;
  bool leaves_out = false;
  std::atomic<bool> left_out = false;
  agents::ledger book;
  FailedAttempts attempts;
  store::run_store runs;
  store::recorder record;
  std::optional<agents::budget> budget;
  std::optional<llm::engine> engine; // after all that it delivers to: it ends first
  std::optional<agents::agent<step::Language, AnyClient>> agent;
  mutable std::mutex mutex;
  std::optional<Ending> ended;
};

ModelRun::ModelRun(const LanguageModel& model, const RunConfig& config, const RunCommand& command,
                   const Tasks& tasks, const Judge& judge, Settings settings)
    : impl_(new Impl(*model.impl_, config, command, tasks, judge, std::move(settings))) {}
ModelRun::~ModelRun() = default;

AnySampler ModelRun::sampler() {
  return {[this](Jobs jobs, Sink out) {
    impl_->agent->sample(jobs, out);
    if (impl_->left_out) impl_->stop.request_stop(); // here the run was ended that is replayed
  }};
}
const agents::ledger& ModelRun::used() const { return impl_->book; }

std::optional<ModelRun::Ending> ModelRun::ending() const {
  if (const auto broken = impl_->record.error()) throw Failure(broken->what());
  const std::scoped_lock lock(impl_->mutex);
  return impl_->ended;
}

std::string ModelRun::progress() const {
  const auto sums = impl_->book.total();
  std::string out = impl_->engine
                        ? std::to_string(impl_->engine->counters().in_flight) + " requests in flight"
                        : "from stored replies";
  out += ", " + short_number(sums.used.input + sums.used.output) + " tokens";
  if (sums.cost > 0) out += ", " + dollars(sums.cost);
  return out;
}

std::uint64_t ModelRun::served() const { return impl_->record.counters().served; }

} // namespace app
