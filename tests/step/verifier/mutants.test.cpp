// SPDX-License-Identifier: MIT
// Of all programs that differ from a bundled solution in one place, none passes that is not equivalent to it.
#include "step/verifier/mutants.hpp"

#include "step/tasks/load.hpp"
#include "step/tasks/program.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

using namespace step;

namespace {

/// "task | mutant" -> why it computes the same. A line is "task | mutant | reason"; "#" begins a comment.
std::map<std::string, std::string> equivalent_mutants() {
  std::map<std::string, std::string> out;
  std::ifstream in(STRATA_TEST_DIR "/step/verifier/equivalent_mutants.txt");
  REQUIRE(in.is_open());
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto bar = line.rfind(" | ");
    REQUIRE_MESSAGE(bar != std::string::npos, line);
    REQUIRE_MESSAGE(out.emplace(line.substr(0, bar), line.substr(bar + 3)).second, "listed twice: " << line);
  }
  return out;
}

} // namespace

TEST_CASE("one function more or less, and any other single change of a solution, fails or is known to be "
          "equivalent") {
  auto known = equivalent_mutants();
  std::size_t tasks = 0, mutants = 0, typed = 0, hidden = 0;
  for (const auto& task : load_tasks(std::filesystem::path("tasks"))) {
    ++tasks;
    const Verifier verifier(task);
    const auto file = "step/solutions/" + task->id + ".yaml";
    const step_test::ProgramGraph graph(verifier, read_program(read_file(file), file, true).impl);
    REQUIRE_MESSAGE(verifier.verify(graph.text()).pass, task->id << "\n" << graph.text());
    std::set<std::string> names;
    graph.each_mutant([&](const std::string& what, const std::string& impl) {
      const auto name = task->id + " | " + what;
      REQUIRE_MESSAGE(names.insert(name).second, "two mutants are called " << name);
      ++mutants;
      const auto v = verifier.verify(impl);
      CHECK_MESSAGE(v.stage != Stage::parse, v.feedback() << "\n" << impl);
      CHECK_MESSAGE(v.stage != Stage::names, v.feedback() << "\n" << impl);
      if (v.stage == Stage::passed || v.stage == Stage::values) ++typed;
      if (!v.pass && v.published) ++hidden;
      if (v.pass && known.erase(name) == 0) FAIL_CHECK(name << " passes\n" << impl);
    });
  }
  for (const auto& [name, reason] : known) FAIL_CHECK(name << " is listed, but is no mutant that passes");
  CHECK(tasks == 26);
  CHECK(typed > 700);
  CHECK(hidden > 10); // the published check lets these pass
  MESSAGE(mutants << " mutants, " << typed << " of them with the types of the task; " << hidden
                  << " pass the published check only");
}
