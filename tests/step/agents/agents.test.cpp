// SPDX-License-Identifier: MIT
// The bundled prompts with scripted models: what every kind of agent says, and what it makes of the answers.
#include "step/agents/agents.hpp"

#include "step/tasks/load.hpp"
#include "strata/agents/scripted_client.hpp"
#include "strata/concepts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace {

namespace llm = strata::llm;
namespace fs = std::filesystem;
using namespace step::agents;
using scripted::reply_of;
using step::Language;
using client = scripted::client;

const fs::path source(STRATA_SOURCE_DIR);
const fs::path prompts = source / "step" / "prompts";

const std::vector<Language::task>& tasks() {
  static const auto all = step::load_tasks(source / "tasks");
  return all;
}
const std::string shown_program = "E9 = step.Map(fn=shown).apply(E0)\nreturn E9\n";
const std::string answer_program = "E5 = step.Promote(b=1).apply(E0)\nreturn E5\n";

std::string yaml(std::string_view program) {
  return "Here it is.\n```yaml\n" + answer_text({}, program, AnswerForm::yaml) + "```\n";
}

struct step_of_two {
  explicit step_of_two(bool shown, std::size_t samples = 2)
      : batch(tasks(), open,
              shown ? std::vector<strata::demonstration<Language>>{{&tasks()[2], &shown_program, 2, 0.1}}
                    : std::vector<strata::demonstration<Language>>{},
              {.samples = samples, .temperatures = {0.7}}) {}
  std::vector<std::size_t> open{0, 1};
  strata::job_batch<Language> batch;
};

using result = std::map<std::tuple<std::size_t, std::size_t>, strata::draw<Language>>;

result run(client model, AgentKind kind, bool shown = true, AgentChecks checks = {}) {
  const AgentPrompts all(prompts, kind);
  auto sampler =
      make_agent(all, std::move(checks), {.number = {.tasks = tasks().size(), .samples = 2}}, model);
  static_assert(strata::Sampler<decltype(sampler), Language>);
  const step_of_two s(shown);
  result out;
  auto take = [&](const strata::job<Language>& j, strata::draw<Language>&& d) {
    out.emplace(std::tuple(j.task_index(), j.sample()), std::move(d));
  };
  sampler.sample(s.batch.jobs(), strata::sink<Language>(take));
  return out;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
std::string last(const llm::chat_request& q) { return q.messages.messages().back().text; }

} // namespace

TEST_CASE("a single model is told the language, then the demonstrations, then the task") {
  auto profile = scripted::priced();
  profile.speaks = llm::protocol::anthropic_messages;
  client model([](const auto&, auto) { return reply_of({yaml(answer_program)}); }, profile);
  for (const auto& [key, d] : run(model, {})) CHECK(d.program == answer_program);
  const auto asked = model.asked();
  REQUIRE(asked.size() == 4);
  for (const auto& q : asked) {
    const auto& m = q.messages.messages();
    REQUIRE(m.size() == 3);
    CHECK(m[0].from == llm::role::system);
    CHECK(m[0] == asked[0].messages.messages()[0]);
    CHECK(m[1] == asked[0].messages.messages()[1]);
    for (const auto& one : m) CHECK(one.shared_prefix);
    for (const auto* part :
         {"## Map", "## Accum", "larger_of_two", "impl: |\n  return step.Map(fn=fn_larger)",
          "dims [N, M] hold the array", "Answer with one YAML block", "column_maxima"})
      CHECK_MESSAGE(has(m[0].text, part), part);
    CHECK(has(m[1].text, "  E9 = step.Map(fn=shown).apply(E0)\n  return E9\n"));
    CHECK(has(m[1].text, tasks()[2]->functions[0].name));
    CHECK(!has(m[2].text, "E9"));
    CHECK(has(m[2].text, "data_transform:"));
    for (const auto& one : m) {
      CHECK(!has(one.text, "{{"));
      CHECK(!has(one.text, "\n\n\n\n"));
    }
  }
  CHECK(has(last(asked.front()), tasks()[0]->outputs[0].name));
}

TEST_CASE("one message of the user where two in a row are not taken, none of demonstrations without any") {
  client model([](const auto&, auto) { return reply_of({yaml(answer_program)}); }, scripted::priced());
  run(model, {});
  auto asked = model.asked();
  REQUIRE(asked[0].messages.messages().size() == 2);
  CHECK(last(asked[0]).find("E9 = ") < last(asked[0]).find("Write the program for this task"));
  client other([](const auto&, auto) { return reply_of({yaml(answer_program)}); }, scripted::priced());
  run(other, {}, false);
  CHECK(!has(last(other.asked()[0]), "other tasks"));
}

TEST_CASE("every bundled task is shown in both forms and reads back") {
  for (const auto& t : tasks()) {
    CAPTURE(t->id);
    const auto again = step::detail::TaskReader("again").read(step::parse_yaml(yaml_of(*t), "again"), t->id);
    CHECK(again.functions.size() == t->functions.size());
    CHECK(!again.impl);
    const auto python = python_of(*t);
    for (const auto& i : t->inputs) CHECK(has(python, i.name + ": step.Stream(dtype="));
    for (const auto& f : t->functions) CHECK(has(python, "def " + f.name + "("));
    for (const auto& o : t->outputs) CHECK(has(python, "def " + o.name));
    CHECK(has(python, "    return "));
    for (const auto form : {AnswerForm::yaml, AnswerForm::python}) {
      const auto found = find_program(answer_text(*t, answer_program, form), form, context_of(*t));
      CHECK(found.program == answer_program);
    }
  }
}

TEST_CASE("without the structural IR everything is Python") {
  client model(
      [](const auto&, auto) {
        return reply_of(
            {"```python\ndef program(a):\n    E5 = step.Promote(b=1).apply(E0)\n    return E5\n```"});
      },
      scripted::priced());
  for (const auto& [key, d] : run(model, {.form = AnswerForm::python}))
    CHECK(has(d.program.value(), answer_program));
  const auto& m = model.asked()[0].messages.messages();
  CHECK(has(m[0].text, "def program(E0, E1):\n    return step.Map(fn=fn_larger).apply((E0, E1))\n"));
  CHECK(has(m[1].text, "    E9 = step.Map(fn=shown).apply(E0)\n    return E9\n"));
  for (const auto& one : m) {
    CHECK(!has(one.text, "impl"));
    CHECK(!has(one.text, "YAML"));
    CHECK(!has(one.text, "data_transform"));
  }
}

TEST_CASE("the guardian sees the rule and the proposed program, and nothing of the task") {
  client model(
      [](const llm::chat_request& q, auto) {
        const bool guard = has(q.messages.messages()[0].text, "You check STeP programs");
        return reply_of(
            {yaml(guard ? "E0_0, E0_1 = step.Copy().apply(E0)\n" + answer_program : answer_program)});
      },
      scripted::priced());
  const auto drawn = run(model, {.guardian = Guardian::always});
  CHECK(drawn.size() == 4);
  for (const auto& [key, d] : drawn)
    CHECK(d.program == "E0_0, E0_1 = step.Copy().apply(E0)\n" + answer_program);
  std::size_t guards = 0;
  for (const auto& q : model.asked()) {
    const auto& m = q.messages.messages();
    if (!has(m[0].text, "You check STeP programs")) continue;
    ++guards;
    REQUIRE(m.size() == 2);
    CHECK(has(m[0].text, "E1_2, E1_3 = step.Copy().apply(E1_1)"));
    CHECK(m[1].text == "Program:\n```yaml\nimpl: |\n  E5 = step.Promote(b=1).apply(E0)\n  return E5\n```\n");
    for (const auto* part : {"data_transform", "dtype", "test_name", "{{"}) {
      CHECK(!has(m[0].text, part));
      CHECK(!has(m[1].text, part));
    }
  }
  CHECK(guards == 4);
}

TEST_CASE("the guardian only where the affine check fails") {
  client model([](const llm::chat_request&, auto) { return reply_of({yaml(answer_program)}); },
               scripted::priced());
  const AgentKind kind{.guardian = Guardian::if_refused};
  run(model, kind, true, {.affine = [](const step::Task& t, const std::string& p) {
        CHECK(p == answer_program);
        return t.id == tasks()[0]->id;
      }});
  CHECK(model.asked().size() == 4 + 2);
  CHECK_THROWS_AS(run(model, kind), std::invalid_argument);
}

TEST_CASE("a repair's prompt is bounded, however long the answer, its program and the feedback") {
  const RepairPrompt repair(std::filesystem::path(STRATA_SOURCE_DIR) / "step/prompts/templates");
  const strata::llm::conversation asked("be brief", "solve it");
  const std::string long_text(5'000'000, 'x'), program = "E1 = step.Copy().apply(E0)\nreturn E1\n";
  for (const bool readable : {true, false}) {
    const auto said = repair.after(asked, program, program, "it is wrong", readable);
    REQUIRE(said.messages().size() == 4);
    CHECK(said.messages()[2].text == program);
    CHECK(said.messages()[3].text.find("it is wrong") != std::string::npos);
    const auto much = repair.after(asked, long_text, long_text, "\x1b" + long_text + "the end", readable);
    CHECK(much.messages()[2].text.size() <= RepairPrompt::longest_quote);
    CHECK(much.messages()[3].text.size() <= RepairPrompt::longest_quote + 3'000);
    CHECK(much.messages()[3].text.find("the end") != std::string::npos);
    CHECK(much.messages()[3].text.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("repairs show the program and what the verifier says, and unreadable answers too") {
  client model(
      [](const llm::chat_request& q, auto) {
        if (has(last(q), "dims are wrong")) return reply_of({yaml(answer_program)});
        if (has(last(q), "no program that returns")) return reply_of({yaml("return E0\n")});
        return reply_of({"I am not sure."});
      },
      scripted::priced());
  AgentChecks checks{.verify = [](const step::Task&, const std::string& p) {
    return strata::verdict{.passed = p == answer_program, .feedback = "line 1: the dims are wrong"};
  }};
  for (const auto& [key, d] : run(model, {.repairs = 2}, true, checks)) CHECK(d.program == answer_program);
  CHECK(model.asked().size() == 12);
  const auto& m = model.asked().back().messages.messages();
  REQUIRE(m.size() == 6);
  CHECK(m[2].from == llm::role::assistant);
  CHECK(m[2].text == "I am not sure.");
  CHECK(m[4].text == "impl: |\n  return E0\n");
  CHECK(has(m[5].text, "line 1: the dims are wrong"));
  // one round is not enough
  for (const auto& [key, d] : run(model, {.repairs = 1}, true, checks)) CHECK(d.program == "return E0\n");
  for (const auto& [key, d] : run(model, {}, true))
    CHECK(has(d.program.value(), "# no program: no_program\n# I am"));
  CHECK_THROWS_AS(run(model, {.repairs = 1}), std::invalid_argument);
}

TEST_CASE("what cannot be read stands for a wrong program that says why") {
  const auto& t = *tasks()[0];
  const auto read = [&](llm::choice c) { return AgentPrompts::read(t, c, AnswerForm::yaml); };
  CHECK(has(read({.text = ""}).problem, "empty"));
  CHECK(has(read({.text = "", .why = llm::finish::refusal}).program, "refused"));
  CHECK(has(read({.text = "impl: |\n  E1 = f(", .why = llm::finish::length}).problem, "cut off"));
  CHECK(has(read({.text = std::string(400'000, 'x')}).problem, "too long"));
  CHECK(read({.text = std::string(400'000, '\n')}).program.size() < 20'000);
  CHECK(read({.text = "impl: |\n  return E0", .why = llm::finish::length}).program == "return E0\n");
}

TEST_CASE("the estimate of a step counts what an agent asks for") {
  const step_of_two s(true);
  const strata::agents::agent_settings settings{.number = {.tasks = tasks().size(), .samples = 2}};
  const auto model = scripted::priced();
  const auto count = [&](AgentKind kind) {
    const AgentPrompts all(prompts, kind);
    return strata::agents::estimate_of(model, all.plan(s.batch.jobs(), settings, Turns::joined),
                                       std::chrono::system_clock::now());
  };
  CHECK(count({}).requests == strata::agents::range{4, 4});
  CHECK(count({.guardian = Guardian::always}).requests == strata::agents::range{8, 8});
  CHECK(count({.guardian = Guardian::if_refused}).requests == strata::agents::range{4, 8});
  CHECK(count({.guardian = Guardian::always, .repairs = 2}).requests == strata::agents::range{8, 4 + 12 + 8});
  CHECK(count({}).input.low > 4 * 3000); // the operator reference
  CHECK(count({}).input.low < 4 * 12000);
  CHECK(count({}).cost_low > 0);
}

TEST_CASE("a template of the user's own with a mistake is refused when it is read") {
  const auto own = fs::temp_directory_path() / "strata-agents-test-templates";
  fs::remove_all(own);
  fs::copy(prompts, own, fs::copy_options::recursive);
  std::ofstream(own / "templates" / "guardian.yaml")
      << "system: a\nexample: b\nuser: |\n  Hello\n  {{task}}\n";
  CHECK_THROWS_WITH_AS(
      AgentPrompts(own, {.guardian = Guardian::always}),
      doctest::Contains("guardian.yaml:5: there is no placeholder '{{task}}'; there are: {{proposed}}"),
      step::TaskError);
  CHECK_NOTHROW(AgentPrompts(own, {})); // it is not read
  fs::remove_all(own);
}
