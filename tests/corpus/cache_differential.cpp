// SPDX-License-Identifier: MIT
// Families of mutated programs, verified with a cache, without one, and with a cache in reverse order: the
// verdicts must be equal. Also: no program that passes is isomorphic to one that does not, unless it is that
// it uses a name which the task reserves. Usage: cache_differential PROGRAMS [SEED]
#include "program_mutations.hpp"

#include "step/syntax/normal_form.hpp"
#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <boost/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

const std::string root = STRATA_SOURCE_DIR "/";

struct Subject {
  std::shared_ptr<const step::Task> task;
  std::vector<std::string> programs; ///< of the corpus
};

std::vector<Subject> subjects() {
  std::map<std::string, Subject> by_id;
  for (const auto& folder : {root + "tasks", root + "tests/corpus/tasks"})
    for (const auto& task : step::load_tasks(folder)) by_id[task->id].task = task;
  std::ifstream in(root + "tests/corpus/programs.jsonl");
  for (std::string line; std::getline(in, line);) {
    const auto o = boost::json::parse(line);
    by_id[std::string(o.at("task").as_string())].programs.emplace_back(o.at("impl").as_string());
  }
  std::vector<Subject> out;
  for (auto& [id, subject] : by_id)
    if (subject.task && !subject.programs.empty()) out.push_back(std::move(subject));
  return out;
}

std::vector<std::string> vocabulary_of(const step::Task& task) {
  std::vector<std::string> names{"len", "sum", "list", "sorted", "print", "step", "fn",  "a",
                                 "b",   "n",   "L",    "N",      "S",     "M",    "self"};
  for (const auto& op : step::operators::table) names.emplace_back(op.name);
  for (const auto& f : task.functions) names.push_back(f.name);
  for (const auto& i : task.inputs) names.push_back(i.name);
  return names;
}

bool equal(const step::Verdict& a, const step::Verdict& b) {
  return a.pass == b.pass && a.functional == b.functional && a.stage == b.stage &&
         a.affine_flow == b.affine_flow && a.affine_syntactic == b.affine_syntactic && a.at == b.at &&
         a.message == b.message && a.warnings == b.warnings;
}

/// Whether it may happen that two runs of one program end differently: by the clock.
bool by_time(const step::Verdict& v) { return v.stage == step::Stage::limit; }

struct Count {
  std::size_t programs = 0, passing = 0, different = 0, joined = 0;
};

void show(const char* what, const step::Task& task, const std::string& program, const step::Verdict& want,
          const std::string& other) {
  std::cerr << "\n==== " << what << " (" << task.id << "): " << name_of(want.stage) << ' ' << want.message
            << "\n"
            << program << "---- and\n"
            << other << '\n';
}

step::VerifyOptions options() {
  step::VerifyOptions o;
  o.limits = {.steps = 20'000, .work = 2'000'000, .elements = 400'000};
  return o;
}

/// Without a cache.
const step::Verifier& verifier_of(const Subject& subject) {
  static std::unordered_map<const step::Task*, std::unique_ptr<step::Verifier>> all;
  auto& verifier = all[subject.task.get()];
  if (!verifier) verifier = std::make_unique<step::Verifier>(subject.task, options());
  return *verifier;
}

/// Programs of one family, at first its parent: mostly one that passes.
std::vector<std::string> family(mutations::Mutator& mutate, const Subject& subject, std::size_t size) {
  const auto* base = &subject.programs[mutate.below(subject.programs.size())];
  for (int attempt = 0; attempt < 8 && !verifier_of(subject).verify(*base).pass; ++attempt)
    base = &subject.programs[mutate.below(subject.programs.size())];
  std::vector<std::string> out{mutate(*base, mutate.below(3))};
  while (out.size() < size) {
    auto program = mutate(out[mutate.below(out.size())], 1);
    out.push_back(std::move(program));
  }
  return out;
}

void check(const Subject& subject, const std::vector<std::string>& programs, Count& count) {
  auto caching = options();
  caching.cache_bytes = std::size_t{1} << 22U;
  const auto& without = verifier_of(subject);
  const step::Verifier forward(subject.task, caching), backward(subject.task, caching);

  std::vector<step::Verdict> want;
  std::unordered_map<std::string, std::size_t> classes;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    want.push_back(without.verify(programs[i]));
    ++count.programs;
    count.passing += want[i].pass ? 1 : 0;
    if (want[i].stage == step::Stage::parse) continue; // the form does not know which names a task reserves
    try {
      const auto form = step::syntax::normal_form(step::syntax::parse(programs[i]));
      const auto [at, added] = classes.emplace(form, i);
      if (!added && want[at->second].pass != want[i].pass && ++count.joined <= 10)
        show("isomorphic, but one passes", *subject.task, programs[i], want[i], programs[at->second]);
    } catch (const step::Fault&) { // no program
    }
  }
  const auto compare = [&](const step::Verifier& verifier, std::size_t i) {
    const auto got = verifier.verify(programs[i]);
    if (equal(got, want[i]) || (by_time(got) && by_time(want[i]))) return;
    if (++count.different <= 10)
      show("another verdict from the cache", *subject.task, programs[i], want[i],
           std::string(name_of(got.stage)) + ' ' + got.message);
  };
  for (std::size_t i = 0; i < programs.size(); ++i) compare(forward, i);
  for (std::size_t i = programs.size(); i-- > 0;) compare(backward, i);
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t most = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto all = subjects();
  Count count;
  for (std::uint32_t round = 0; count.programs < most; ++round) {
    const auto& subject = all[round % all.size()];
    mutations::Mutator mutate(vocabulary_of(*subject.task), {seed, round, 0, 0});
    check(subject, family(mutate, subject, 40), count);
  }
  std::cout << count.programs << " programs, " << count.passing << " passing: " << count.different
            << " verdicts of the cache differ, " << count.joined
            << " programs joined with one of another outcome\n";
  if (count.passing * 20 < count.programs) {
    std::cerr << "too few programs pass for this to say much\n";
    return 1;
  }
  return count.different + count.joined == 0 ? 0 : 1;
}
