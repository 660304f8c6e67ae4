// SPDX-License-Identifier: MIT
// Ranges and meanings of the options of `strata run`.
// Every message names the option, the value, and what is accepted.
#include "run_config.hpp"

#include "failure.hpp"

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

} // namespace

RunConfig config_of(const RunCommand& command) {
  RunConfig config;
  config.model = command.model.value_or(config.model);
  config.mode = command.mode.value_or(config.mode);
  config.samples = command.samples.value_or(config.samples);
  config.granularity = command.granularity.value_or(config.granularity);
  config.seed = command.seed.value_or(config.seed);
  if (command.temperature) config.temperatures = parse_temperatures(*command.temperature);
  if (config.model != "local")
    throw Failure("--model: " + step::excerpt(config.model) +
                  " is not available in this build; available: local (the embedded proposer)");
  if (config.mode == "single-no-ir" || config.mode == "agent")
    throw Failure("--mode: '" + config.mode + "' needs a language model, and model '" + config.model +
                  "' is none; available: iterative, single");
  if (config.mode != "single" && config.mode != "iterative")
    throw Failure("--mode: " + step::excerpt(config.mode) + " is unknown; available: iterative, single");
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
  out["tasks_directory"] = json_string(config.tasks);
  json::array ids;
  for (const auto& id : config.ids) ids.push_back(json_string(id));
  out["tasks"] = std::move(ids);
  out["fingerprint"] = json_string(config.fingerprint);
  return out;
}

RunConfig read_config(const std::filesystem::path& run) {
  const auto file = run / "config.json";
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw Failure(run.string() +
                  ": this is no run directory, it has no config.json; name a directory that strata run made");
  std::string problem;
  const json::value value = parse_json(step::read_file(file, std::size_t{16} << 20U), problem);
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
  return config;
}

void require_same(const RunCommand& command, const RunConfig& stored) {
  const auto differs = [](const char* option, const std::string& given, const std::string& was) {
    throw Failure(std::string("--resume: the run has ") + option + " " + was + ", not " + given +
                  "; leave the option out, or start a new run");
  };
  const auto number = [](double value) { return to_text(json::value(value)); };
  if (command.model && *command.model != stored.model) differs("--model", *command.model, stored.model);
  if (command.mode && *command.mode != stored.mode) differs("--mode", *command.mode, stored.mode);
  if (command.samples && *command.samples != stored.samples)
    differs("--samples", std::to_string(*command.samples), std::to_string(stored.samples));
  if (command.granularity && *command.granularity != stored.granularity)
    differs("--granularity", std::to_string(*command.granularity), std::to_string(stored.granularity));
  if (command.seed && *command.seed != stored.seed)
    differs("--seed", std::to_string(*command.seed), std::to_string(stored.seed));
  if (command.temperature && parse_temperatures(*command.temperature) != stored.temperatures) {
    std::string was;
    for (const double t : stored.temperatures) was += (was.empty() ? "" : ",") + number(t);
    differs("--temperature", *command.temperature, was);
  }
}

std::string fingerprint_of(const std::vector<std::shared_ptr<const step::Task>>& tasks) {
  std::uint64_t hash = 0xCBF29CE484222325ULL; // FNV-1a
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    hash = (hash ^ 0xFFU) * 0x100000001B3ULL;
  };
  for (const auto& task : tasks) {
    add(task->id);
    auto bare = *task;
    bare.impl.reset(); // an answer in the task file changes nothing
    add(step::to_yaml(bare));
  }
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15U];
  return out;
}

} // namespace app
