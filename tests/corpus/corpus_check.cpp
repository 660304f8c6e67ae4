// SPDX-License-Identifier: MIT
// Verifies every program of the regression corpus and compares with the stored verdicts of the reference
// implementation: functional, the syntactic affine outcome, no program that cheats passes, none takes a
// second.
#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>

namespace json = boost::json;

namespace {

const std::string corpus = STRATA_SOURCE_DIR "/tests/corpus/";

std::map<std::string, std::unique_ptr<step::Verifier>> verifiers() {
  std::map<std::string, std::unique_ptr<step::Verifier>> out;
  for (const auto& folder : {std::string(STRATA_SOURCE_DIR "/tasks"), corpus + "tasks"})
    for (const auto& task : step::load_tasks(folder))
      out[task->id] = std::make_unique<step::Verifier>(task, step::VerifyOptions{.published = true});
  return out;
}

std::string text_of(const json::value& v) {
  if (v.is_bool()) return v.as_bool() ? "true" : "false";
  if (!v.is_string()) return "?";
  const std::string text(v.as_string());
  return text == "pass" ? "true" : text == "violation" ? "false" : text;
}

std::string text_of(step::Affine a) {
  return a == step::Affine::pass ? "true" : a == step::Affine::violation ? "false" : "error";
}

} // namespace

int main(int argc, char**) {
  const bool verbose = argc > 1;
  const auto all = verifiers();
  std::ifstream programs(corpus + "programs.jsonl"), verdicts(corpus + "verdicts.jsonl");
  int count = 0, functional = 0, affine = 0, cheats = 0, slow = 0, missing = 0;
  double slowest = 0;
  for (std::string line, expected_line;
       std::getline(programs, line) && std::getline(verdicts, expected_line);) {
    const auto program = json::parse(line).as_object(), expected = json::parse(expected_line).as_object();
    if (program.at("id") != expected.at("id"))
      return std::cerr << "programs and verdicts are out of step\n", 1;
    const auto it = all.find(std::string(program.at("task").as_string()));
    if (it == all.end()) {
      ++missing;
      continue;
    }
    ++count;
    const auto begin = std::chrono::steady_clock::now();
    const auto v = it->second->verify(program.at("impl").as_string());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    slowest = std::max(slowest, seconds.count());
    const auto kind = text_of(expected.at("kind"));
    const bool outside = kind == "cheat" || kind == "hostile";
    bool wrong = false;
    if (v.functional != expected.at("functional").as_bool()) functional += wrong = true;
    if (!outside && text_of(v.affine_syntactic) != text_of(expected.at("affine_syntactic")))
      affine += wrong = true;
    if (outside && (v.pass || v.functional)) cheats += wrong = true;
    if (wrong || verbose)
      std::cout << (wrong ? "DIFFERS " : "") << text_of(program.at("id")) << " (" << kind << ", " << it->first
                << "): ours functional=" << v.functional << " syntactic=" << text_of(v.affine_syntactic)
                << " [" << step::name_of(v.stage) << "] " << v.feedback() << "\n         expected "
                << json::serialize(expected) << "\n";
#ifdef STRATA_CHECK_SPEED // a debug or sanitizer build is no measure of speed
    if (seconds.count() > 1) {
      ++slow;
      std::cout << "SLOW " << text_of(program.at("id")) << ": " << seconds.count() << " s\n";
    }
#endif
  }
  std::cout << count << " programs: " << functional << " differ in `functional`, " << affine
            << " in `affine_syntactic`, " << cheats << " cheats passed, " << missing
            << " without a task; slowest " << slowest << " s\n";
  return count >= 400 && functional == 0 && affine == 0 && cheats == 0 && slow == 0 && missing == 0 ? 0 : 1;
}
