// SPDX-License-Identifier: MIT
// `strata models`: what there is to name after `--model`, what it costs today, and which keys are set.
#include "failure.hpp"
#include "json.hpp"
#include "model_catalogue.hpp"
#include "options.hpp"
#include "verdict_text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace app {

namespace {

namespace llm = strata::llm;

struct Row {
  llm::model_profile model;
  const llm::price* today; // null: not known
  bool key = false;
};

std::vector<Row> rows_of(const llm::catalogue& known) {
  std::vector<Row> rows;
  const auto env = llm::process_environment();
  const llm::environment no_keys = [&](const std::string& variable) { // they are not looked for in names
    return variable.ends_with("_API_KEY") ? std::string() : env(variable);
  };
  const auto now = std::chrono::system_clock::now();
  for (const auto& name : known.models()) {
    Row row{known.describe(name, no_keys), nullptr};
    row.key = std::any_of(row.model.key_variables.begin(), row.model.key_variables.end(),
                          [&](const std::string& variable) { return !env(variable).empty(); });
    rows.push_back(std::move(row));
  }
  for (Row& row : rows) row.today = row.model.price_at(now, 0); // points into the row
  return rows;
}

std::string dollars(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

json::object to_json(const Row& row) {
  json::object out;
  out["model"] = json_string(row.model.spec);
  out["server"] = json_string(row.model.base_url);
  out["key_set"] = row.key;
  if (row.today != nullptr)
    out["usd_per_million_tokens"] = {{"input", row.today->input},
                                     {"cached", row.today->cached},
                                     {"cache_write", row.today->cache_write},
                                     {"output", row.today->output}};
  out["takes_temperature"] = row.model.takes.temperature;
  out["samples_per_request"] = row.model.takes.max_n;
  out["note"] = json_string(row.model.note);
  return out;
}

} // namespace

int models(const ModelsCommand& command) {
  const auto rows = rows_of(model_catalogue(command.files));
  if (command.json) {
    json::array list;
    for (const Row& row : rows) list.push_back(to_json(row));
    json::object out;
    out["models"] = std::move(list);
    std::cout << to_text(out) << '\n';
    return Exit::done;
  }
  std::size_t widest = 5;
  for (const Row& row : rows) widest = std::max(widest, printable(row.model.spec).size());
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  std::cout << padded("model", widest) << "   input  cached  output  $ per million tokens\n";
  for (const Row& row : rows) {
    std::string prices(24, ' ');
    if (row.today != nullptr) {
      char text[64];
      std::snprintf(text, sizeof text, "%8s%8s%8s", dollars(row.today->input).c_str(),
                    dollars(row.today->cached).c_str(), dollars(row.today->output).c_str());
      prices = text;
    }
    std::string line = padded(printable(row.model.spec), widest) + prices;
    if (!row.key && !row.model.key_variables.empty()) line += "  no " + row.model.key_variables.front();
    if (!row.model.note.empty()) line += "  " + printable(row.model.note);
    std::cout << line << '\n';
  }
  std::cout << "Any other name of a provider works, too: anthropic, openai, deepseek, together, openrouter, "
               "gemini; and "
               "http://HOST:PORT/v1#NAME.\n";
  return Exit::done;
}

} // namespace app
