// SPDX-License-Identifier: MIT
// Ranges and meanings of the options of `strata run`.
// Every message names the option, the value, and what is accepted.
#include "run_config.hpp"

#include "failure.hpp"
#include "whole_file.hpp"

#include "step/tasks/document.hpp"
#include "step/tasks/write.hpp"

#include <charconv>
#include <cmath>

namespace app {

namespace {

std::vector<double> parse_temperatures(std::string_view text) {
  std::vector<double> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    double value = 0;
    const auto [last, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || last != part.data() + part.size() || !(value >= 0 && value <= 2))
      throw Failure("--temperature: '" + std::string(part.substr(0, 40)) +
                    "' is not a number in 0..2; write for instance --temperature 0.4,0.7,1.0");
    for (const double other : out)
      if (other == value)
        throw Failure("--temperature: " + std::string(part.substr(0, 40)) + " is given twice; remove one");
    out.push_back(value);
    if (out.size() > 64) throw Failure("--temperature: more than 64 temperatures; give fewer");
    begin = end + 1;
  }
  return out;
}

void require_range(const char* option, int value, int least, int most) {
  if (value < least || value > most)
    throw Failure(std::string(option) + ": " + std::to_string(value) + " is not in " + std::to_string(least) +
                  ".." + std::to_string(most) + "; choose a number in that range");
}

using step::agents::AgentKind;
using step::agents::AnswerForm;
using step::agents::Guardian;

AgentKind parse_agent(std::string_view text) {
  AgentKind kind;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    if (part == "no-ir")
      kind.form = AnswerForm::python;
    else if (part == "guardian")
      kind.guardian = Guardian::always;
    else if (part == "guardian-if-refused")
      kind.guardian = Guardian::if_refused;
    else if (part != "single" || text != part)
      throw Failure("--agent: " + step::excerpt(part) +
                    " is unknown here; write single, or any of no-ir, guardian or guardian-if-refused, "
                    "separated by commas");
    begin = end + 1;
  }
  return kind;
}

strata::llm::effort parse_effort(std::string_view text) {
  using strata::llm::effort;
  for (const auto e :
       {effort::none, effort::minimal, effort::low, effort::medium, effort::high, effort::xhigh, effort::max})
    if (to_string(e) == text) return e;
  throw Failure("--reasoning: " + step::excerpt(text) +
                " is unknown; use none, minimal, low, medium, high, xhigh or max");
}

bool known_mode(std::string_view mode) {
  return mode == "iterative" || mode == "single" || mode == "single-no-ir" || mode == "agent";
}

AgentKind agent_of_mode(const std::string& mode) {
  AgentKind kind;
  if (mode == "single-no-ir") kind.form = AnswerForm::python;
  if (mode == "agent" || mode == "iterative") kind.guardian = Guardian::always;
  return kind;
}

/// Options that only make sense for a language model.
void refuse_for_local(const RunCommand& c) {
  const auto refuse = [](const std::string& option) {
    throw Failure(option + " needs a language model, and 'local', the embedded proposer, is none; name one "
                           "with --model, for instance openai:NAME or http://127.0.0.1:8000/v1#NAME");
  };
  if (c.mode == "single-no-ir" || c.mode == "agent") refuse("--mode " + *c.mode);
  if (c.agent) refuse("--agent");
  if (c.repairs) refuse("--repair");
  if (c.max_tokens) refuse("--max-tokens");
  if (c.reasoning) refuse("--reasoning");
  if (c.per_request) refuse("--per-request");
  if (c.budget_requests) refuse("--budget-requests");
  if (c.estimate) refuse("--estimate");
  if (c.retry_failed) refuse("--retry-failed");
  if (!c.model_files.empty()) refuse("--models");
  if (!c.data.prompts.empty()) refuse("--prompts");
  if (!c.ca_file.empty()) refuse("--ca-file");
}

} // namespace

RunConfig config_of(const RunCommand& command) {
  RunConfig config;
  config.model = command.model.value_or(config.model);
  config.mode = command.mode.value_or(config.mode);
  config.samples = command.samples.value_or(config.samples);
  config.granularity = command.granularity.value_or(config.granularity);
  config.seed = command.seed.value_or(config.seed);
  config.published = command.published;
  if (command.temperature) config.temperatures = parse_temperatures(*command.temperature);
  if (config.model.empty()) throw Failure("--model: the name is empty; leave it out for local");
  if (!known_mode(config.mode))
    throw Failure("--mode: " + step::excerpt(config.mode) +
                  " is unknown; available: iterative, single, single-no-ir, agent");
  if (config.local()) refuse_for_local(command);
  config.agent = command.agent ? parse_agent(*command.agent) : agent_of_mode(config.mode);
  require_range("--repair", command.repairs.value_or(0), 0, 16);
  config.agent.repairs = static_cast<std::uint32_t>(command.repairs.value_or(0));
  config.max_tokens = command.max_tokens.value_or(config.max_tokens);
  require_range("--max-tokens", config.max_tokens, 1, 1'000'000);
  if (command.reasoning) config.reasoning = parse_effort(*command.reasoning);
  for (const auto& file : command.model_files)
    config.model_files.push_back(std::filesystem::absolute(file).lexically_normal().string());
  config.per_request = command.per_request.value_or(config.per_request);
  require_range("--per-request", config.per_request, 1, 128);
  require_range("--samples", config.samples, 1, 100'000);
  require_range("--granularity", config.granularity, 1, 1000);
  return config;
}

json::object to_json(const RunConfig& config) {
  json::object out;
  out["version"] = 1;
  out["model"] = json_string(config.model);
  out["mode"] = json_string(config.mode);
  out["samples"] = config.samples;
  out["temperatures"] = json::array(config.temperatures.begin(), config.temperatures.end());
  out["granularity"] = config.granularity;
  out["seed"] = std::to_string(config.seed); // a text: readers of JSON may round large numbers
  out["published"] = config.published;
  out["tasks_directory"] = json_string(config.tasks);
  json::array ids;
  for (const auto& id : config.ids) ids.push_back(json_string(id));
  out["tasks"] = std::move(ids);
  out["fingerprint"] = json_string(config.fingerprint);
  if (config.local()) return out;
  out["agent"] = json_string(name_of(config.agent));
  out["repair"] = config.agent.repairs;
  out["max_tokens"] = config.max_tokens;
  if (config.reasoning != strata::llm::effort::unset)
    out["reasoning"] = json_string(to_string(config.reasoning));
  out["per_request"] = config.per_request;
  json::array files;
  for (const auto& file : config.model_files) files.push_back(json_string(file));
  if (!files.empty()) out["model_files"] = std::move(files);
  out["prompts_directory"] = json_string(config.prompts);
  out["prompts_fingerprint"] = json_string(config.prompts_fingerprint);
  if (!config.replay_of.empty()) out["replay_of"] = json_string(config.replay_of);
  return out;
}

std::string name_of(const AgentKind& agent) {
  std::string out = agent.form == AnswerForm::python ? "no-ir" : "";
  if (agent.guardian != Guardian::none)
    out += (out.empty() ? "" : ",") +
           std::string(agent.guardian == Guardian::always ? "guardian" : "guardian-if-refused");
  return out.empty() ? "single" : out;
}

RunConfig read_config(const std::filesystem::path& run) {
  const auto file = run / "config.json";
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw Failure(run.string() +
                  ": this is no run directory, it has no config.json; name a directory that strata run made");
  std::string problem;
  const json::value value = parse_json(read_whole_file(file, std::size_t{16} << 20U), problem);
  const auto damaged = [&](const std::string& why) {
    throw Failure(file.string() + ": damaged: " + why + "; start a new run");
  };
  if (!problem.empty()) damaged(problem);
  if (number_or(value, "version") != 1) damaged("its version is not 1");
  RunConfig config;
  config.model = text_or(value, "model");
  config.mode = text_or(value, "mode");
  config.tasks = text_or(value, "tasks_directory");
  config.fingerprint = text_or(value, "fingerprint");
  const double samples = number_or(value, "samples"), granularity = number_or(value, "granularity");
  if (!(samples >= 1 && samples <= 100'000)) damaged("'samples' is not in 1..100000");
  if (!(granularity >= 1 && granularity <= 1000)) damaged("'granularity' is not in 1..1000");
  config.samples = static_cast<int>(samples);
  config.granularity = static_cast<int>(granularity);
  const std::string seed = text_or(value, "seed");
  const auto [end, code] = std::from_chars(seed.data(), seed.data() + seed.size(), config.seed);
  if (code != std::errc{} || end != seed.data() + seed.size()) damaged("'seed' is no number");
  config.published = bool_or(value, "published", true); // 0.1.0 had no other check
  config.temperatures.clear();
  if (const auto* list = member(value, "temperatures"); list != nullptr && list->is_array())
    for (const auto& item : list->get_array()) {
      json::object one;
      one["t"] = item;
      config.temperatures.push_back(number_or(one, "t", -1));
    }
  if (config.temperatures.empty() || config.temperatures.size() > 64)
    damaged("'temperatures' is no list of numbers");
  for (const double t : config.temperatures)
    if (!(t >= 0 && t <= 2)) damaged("a temperature is not in 0..2");
  if (const auto* list = member(value, "tasks"); list != nullptr && list->is_array())
    for (const auto& item : list->get_array())
      if (item.is_string()) config.ids.emplace_back(item.get_string().c_str(), item.get_string().size());
  if (config.ids.empty()) damaged("'tasks' is no list of ids");
  if (config.local()) return config;
  const double repairs = number_or(value, "repair"), most = number_or(value, "max_tokens"),
               together = number_or(value, "per_request");
  if (!known_mode(config.mode)) damaged("its mode is unknown");
  if (!(repairs >= 0 && repairs <= 16)) damaged("'repair' is not in 0..16");
  if (!(most >= 1 && most <= 1'000'000)) damaged("'max_tokens' is not in 1..1000000");
  if (!(together >= 1 && together <= 128)) damaged("'per_request' is not in 1..128");
  try {
    config.agent = parse_agent(text_or(value, "agent"));
    if (const auto effort = text_or(value, "reasoning"); !effort.empty())
      config.reasoning = parse_effort(effort);
  } catch (const Failure& e) {
    damaged(e.what());
  }
  config.agent.repairs = static_cast<std::uint32_t>(repairs);
  config.max_tokens = static_cast<int>(most);
  config.per_request = static_cast<int>(together);
  if (const auto* list = member(value, "model_files"); list != nullptr && list->is_array())
    for (const auto& item : list->get_array())
      if (item.is_string())
        config.model_files.emplace_back(item.get_string().c_str(), item.get_string().size());
  config.prompts = text_or(value, "prompts_directory");
  config.prompts_fingerprint = text_or(value, "prompts_fingerprint");
  config.replay_of = text_or(value, "replay_of");
  return config;
}

void require_same(const RunCommand& command, const RunConfig& stored) {
  const auto differs = [](const char* option, const std::string& given, const std::string& was) {
    throw Failure(std::string("--resume: the run has ") + option + " " + was + ", not " + given +
                  "; leave the option out, or start a new run");
  };
  const auto number = [](double value) { return to_text(json::value(value)); };
  if (command.model && (*command.model == "local" || stored.local()) && *command.model != stored.model)
    differs("--model", *command.model, stored.model);
  if (command.mode && *command.mode != stored.mode) differs("--mode", *command.mode, stored.mode);
  if (command.samples && *command.samples != stored.samples)
    differs("--samples", std::to_string(*command.samples), std::to_string(stored.samples));
  if (command.granularity && *command.granularity != stored.granularity)
    differs("--granularity", std::to_string(*command.granularity), std::to_string(stored.granularity));
  if (command.seed && *command.seed != stored.seed)
    differs("--seed", std::to_string(*command.seed), std::to_string(stored.seed));
  if (command.published && !stored.published)
    throw Failure("--published: the run confirms what passes; leave the option out, or start a new run");
  if (command.temperature && parse_temperatures(*command.temperature) != stored.temperatures) {
    std::string was;
    for (const double t : stored.temperatures) was += (was.empty() ? "" : ",") + number(t);
    differs("--temperature", *command.temperature, was);
  }
  if (stored.local()) {
    refuse_for_local(command);
    return;
  }
  AgentKind agent = stored.agent;
  if (command.agent) agent = parse_agent(*command.agent);
  agent.repairs = stored.agent.repairs;
  if (agent != stored.agent) differs("--agent", name_of(agent), name_of(stored.agent));
  const auto same_number = [&](const char* option, const std::optional<int>& given, int was) {
    if (given && *given != was) differs(option, std::to_string(*given), std::to_string(was));
  };
  same_number("--repair", command.repairs, static_cast<int>(stored.agent.repairs));
  same_number("--max-tokens", command.max_tokens, stored.max_tokens);
  same_number("--per-request", command.per_request, stored.per_request);
  if (command.reasoning && parse_effort(*command.reasoning) != stored.reasoning)
    differs("--reasoning", *command.reasoning, std::string(to_string(stored.reasoning)));
}

void Fingerprint::add(std::string_view text) {
  for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  hash_ = (hash_ ^ 0xFFU) * 0x100000001B3ULL;
}
std::string Fingerprint::text() const {
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[i] = "0123456789abcdef"[(hash_ >> (60 - 4 * i)) & 15U];
  return out;
}

std::string fingerprint_of(const std::vector<std::shared_ptr<const step::Task>>& tasks) {
  Fingerprint all;
  for (const auto& task : tasks) {
    all.add(task->id);
    auto bare = *task;
    bare.impl.reset(); // an answer in the task file changes nothing
    all.add(step::to_yaml(bare));
  }
  return all.text();
}

} // namespace app
