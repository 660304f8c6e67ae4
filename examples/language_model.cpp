// SPDX-License-Identifier: MIT
// The toy language of toy_language.cpp written by a language model: what to ask, how to read the answer, and
// around it a client, a run store and a budget. Needs no key: without an argument it asks a scripted server
// of its own; with one, for instance openai:gpt-6-luna, it asks that model.
#include "strata/agents/agent.hpp"
#include "strata/agents/budget.hpp"
#include "strata/agents/ledger.hpp"
#include "strata/llm/engine.hpp"
#include "strata/llm/mock/server.hpp"
#include "strata/store/recorded_client.hpp"
#include "strata/strata.hpp"

#include <filesystem>
#include <iostream>
#include <string>

namespace llm = strata::llm;
namespace agents = strata::agents;
namespace store = strata::store;

struct numerals {
  using task = int;
  using program = std::string;
};
const std::vector<std::string> words = {"zero", "one", "two",   "three", "four",
                                        "five", "six", "seven", "eight", "nine"};

std::string spell(int n) {
  return (n > 9 ? spell(n / 10) + " " : "") + words[static_cast<std::size_t>(n % 10)];
}

// What the model is told, and how its answer becomes a program.
agents::stages<numerals> conversation_about_numerals() {
  agents::stages<numerals> how;
  how.propose = [](const strata::job<numerals>& job) {
    std::string text;
    for (const auto& shown : job.demonstrations())
      text += std::to_string(*shown.task) + " is: " + *shown.program + "\n";
    return llm::conversation{"Write the digits of numbers as words.",
                             text + std::to_string(job.task()) + " is:"};
  };
  how.read = [](const strata::job<numerals>&, const llm::choice& said) {
    return agents::reading<numerals>{said.text.substr(0, said.text.find('\n')), ""};
  };
  return how;
}

// The scripted model knows no digit but those that it is shown alone; it guesses the others.
std::string answer(const llm::mock::question& q, std::uint64_t sample) {
  const std::string prompt(q.last_user);
  const auto number = prompt.substr(prompt.rfind('\n') + 1, prompt.rfind(" is:") - prompt.rfind('\n') - 1);
  std::string out;
  for (std::size_t i = 0; i < number.size(); ++i) {
    const auto shown = ("\n" + prompt).find("\n" + number.substr(i, 1) + " is: ");
    auto word = words[strata::random_stream({sample, static_cast<std::uint32_t>(i), 0, 0}).below(10)];
    if (shown != std::string::npos) word = prompt.substr(shown + 6, prompt.find('\n', shown) - shown - 6);
    out += (i > 0 ? " " : "") + word;
  }
  return out;
}

int main(int argc, char** argv) {
  llm::mock::server scripted({}, answer);
  scripted.start();
  llm::catalogue known = llm::catalogue::load(STRATA_SOURCE_DIR "/data/models.yaml");
  llm::model_access model = known.resolve(
      argc > 1 ? argv[1] : scripted.url() + "/v1#scripted",
      argc > 1 ? llm::process_environment() : [](const std::string&) { return std::string("unused"); });

  const std::vector<int> tasks = {1, 2, 3, 4, 5, 6, 7, 42, 1234, 76543, 1234567, 7654321};
  const auto file =
      std::filesystem::temp_directory_path() / ("numerals-" + std::to_string(::getpid()) + ".db");
  bool solved = false;
  for (const char* const part : {"asked", "repeated from the store"}) {
    store::run_store replies(file, store::mode::create_or_resume, {.keys = llm::redactor(model.key)});
    store::recorder record(replies);
    agents::budget budget({.requests = 2000});
    agents::ledger book;
    llm::engine engine; // after all that it delivers to: it ends first
    engine.start();
    store::recorded_client client(record, agents::budgeted(engine.open(model), budget), "numerals");
    agents::agent<numerals, decltype(client)> sampler(
        client, conversation_about_numerals(),
        {.number = {.tasks = tasks.size(), .samples = 16},
         .on_charge = [&book](const agents::charge& c) { book.add(c); },
         .on_stopped = [&engine](const llm::failure*) { engine.drain("the run is being ended"); }});
    strata::from_predicate verifier{[](int n, const std::string& program) { return program == spell(n); }};

    const auto report = strata::improve<numerals>(tasks, sampler, verifier, {.sampling = {.samples = 16}});

    solved = report.why == strata::ended::solved_all;
    std::cout << part << ": " << report.solved() << " of " << tasks.size() << " tasks solved in "
              << report.steps.size() << " steps with " << book.total().requests << " requests and "
              << book.total().used.input + book.total().used.output << " tokens; " << record.counters().asked
              << " requests sent\n";
    if (const auto& why = sampler.stopped()) std::cout << "stopped: " << why->message << '\n';
  }
  for (const char* const more : {"", "-wal", "-shm", ".lock", ".reserve"})
    std::filesystem::remove(file.string() + more);
  return solved ? 0 : 1;
}
