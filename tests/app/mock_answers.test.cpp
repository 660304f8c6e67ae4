// SPDX-License-Identifier: MIT
// What `strata mock-llm` answers: tasks and demonstrations are recognised in prompts as strata writes them
// and as others do, programs without their copies get them back from the guardian, and no prompt takes long.
#include "mock_answers.hpp"

#include "checker.hpp"
#include "mock_program_text.hpp"

#include "step/agents/prompts.hpp"
#include "step/language.hpp"
#include "step/tasks/load.hpp"
#include "strata/llm/mock/service.hpp"
#include "strata/random.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace llm = strata::llm;
using namespace step::agents;
using llm::mock::wrapping;
using Tasks = std::vector<std::shared_ptr<const step::Task>>;

const fs::path source(STRATA_SOURCE_DIR);

const Tasks& tasks() {
  static const Tasks all = step::load_tasks(source / "tasks");
  return all;
}
std::size_t index_of(std::string_view id) {
  for (std::size_t t = 0; t < tasks().size(); ++t)
    if (tasks()[t]->id == id) return t;
  FAIL("there is no task " << id);
  return 0;
}
/// The bundled program that solves the task.
std::string solution(std::size_t t) {
  const auto file = source / "step" / "solutions" / (tasks()[t]->id + ".yaml");
  return step::parse_yaml(step::read_file(file), file.string()).find("impl")->text;
}

/// The scripted server without its sockets, so that prompts go the whole way.
class Model {
 public:
  explicit Model(app::mock::ProposerSettings how = {.how = wrapping::none}, std::uint64_t seed = 0)
      : service_(settings_of(seed), app::mock::proposer_answers(tasks(), how)) {}

  std::string ask(const llm::conversation& said, std::uint64_t sample = 0, double temperature = 0.7) {
    boost::json::array messages;
    for (const auto& m : said) messages.push_back({{"role", to_string(m.from)}, {"content", m.text}});
    const boost::json::object body{
        {"model", "m"}, {"messages", messages}, {"seed", sample}, {"temperature", temperature}};
    const auto text = boost::json::serialize(body);
    llm::mock::incoming in;
    in.method = "POST";
    in.target = "/v1/chat/completions";
    in.authorization = "Bearer x";
    in.body = text;
    const auto reply = service_.handle(in, {});
    const auto json = boost::json::parse(reply.bytes.substr(reply.bytes.find("\r\n\r\n") + 4));
    std::string answer(json.at("choices").at(0).at("message").at("content").as_string());
    return answer.ends_with('\n') ? answer : answer + '\n';
  }
  std::string ask(const std::string& question, std::uint64_t sample = 0) {
    return ask(llm::conversation({{llm::role::user, question, false}}), sample);
  }

 private:
  static llm::mock::settings settings_of(std::uint64_t seed) {
    llm::mock::settings s;
    s.seed = seed;
    return s;
  }
  llm::mock::service service_;
};

/// Composing begins with a search that takes a while, so most tests share one.
Model& model() {
  static Model one;
  return one;
}

/// What the model says to the mark of a task alone: the proof that a prompt was understood as that task,
/// since draws depend on the task, on what is shown, on the temperature and on the sample, and on nothing
/// else.
const std::string& reference(std::size_t t, std::uint64_t sample = 0) {
  static std::map<std::pair<std::size_t, std::uint64_t>, std::string> known;
  auto& text = known[{t, sample}];
  if (text.empty()) text = model().ask("# task: " + tasks()[t]->id + "\n", sample);
  return text;
}

const fs::path prompts = source / "step" / "prompts";
const ProposerPrompt& prompt_of(AnswerForm form) {
  static const auto language = step::load_prompt(prompts / "proposer.yaml");
  static const ProposerPrompt yaml(language, prompts / "templates", AnswerForm::yaml);
  static const ProposerPrompt python(language, prompts / "templates", AnswerForm::python);
  return form == AnswerForm::yaml ? yaml : python;
}
bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
using Shown = std::vector<strata::demonstration<step::Language>>;

} // namespace

TEST_CASE("every task gets programs of its own, the same for equal questions, others for other samples") {
  std::set<std::string> different;
  for (std::size_t t = 0; t < tasks().size(); ++t) {
    std::string all;
    for (std::uint64_t sample = 0; sample < 3; ++sample) {
      CHECK(find_program(reference(t, sample)).program == reference(t, sample));
      all += reference(t, sample);
    }
    different.insert(all);
    CHECK(all != reference(t) + reference(t) + reference(t));
  }
  CHECK(different.size() == 26);
  Model again;
  CHECK(again.ask("# task: " + tasks()[4]->id, 1) == reference(4, 1));
  CHECK(again.ask("Some words.\n# task: " + tasks()[4]->id + "  \r\nMore words.", 1) == reference(4, 1));
  Model other({.how = wrapping::none}, 9);
  CHECK(other.ask("# task: " + tasks()[4]->id, 1) + other.ask("# task: " + tasks()[4]->id, 2) !=
        reference(4, 1) + reference(4, 2));
}

TEST_CASE("every bundled task, shown as strata shows it, is recognised as itself") {
  for (const auto form : {AnswerForm::yaml, AnswerForm::python})
    for (std::size_t t = 0; t < tasks().size(); ++t) {
      CAPTURE(tasks()[t]->id);
      const auto answer = model().ask(prompt_of(form).conversation(*tasks()[t], Shown{}, Turns::joined), 3);
      CHECK(find_program(answer, form, context_of(*tasks()[t])).program == reference(t, 3));
      CHECK(has(answer, "def program(") == (form == AnswerForm::python));
    }
}

TEST_CASE("however programs are wrapped, they are found in the answer") {
  for (const auto how : {wrapping::yaml, wrapping::varied}) {
    Model wrapped({.how = how});
    for (const auto form : {AnswerForm::yaml, AnswerForm::python})
      for (std::uint64_t sample = 0; sample < 24; ++sample) {
        const auto answer =
            wrapped.ask(prompt_of(form).conversation(*tasks()[5], Shown{}, Turns::joined), sample);
        CHECK(find_program(answer, form, context_of(*tasks()[5])).program == reference(5, sample));
      }
  }
}

TEST_CASE("a mark comes before test_name, and test_name before names") {
  const auto bmm = index_of("bmm/bmm_0"), rope = index_of("rope/G_0_3_02"),
             gemm = index_of("gemm-easy/G_0_6_02");
  const auto named = [](std::size_t t) { // all that names a task, without its label
    const auto text = yaml_of(*tasks()[t]);
    const auto at = text.find("test_name:");
    return text.substr(0, at) + text.substr(text.find('\n', at) + 1);
  };
  const std::string label = "test_name: \"" + tasks()[rope]->test_name + "\"\n" + named(rope);
  const std::string mark = "# task: gemm-easy/G_0_6_02\n";
  CHECK(model().ask(named(bmm)) == reference(bmm));
  CHECK(model().ask(label + named(bmm)) == reference(rope));
  CHECK(model().ask(named(bmm) + label) == reference(rope));
  CHECK(model().ask(mark + label + named(bmm)) == reference(gemm));
  CHECK(model().ask("# task: no/such\ntest_name: nobody\n" + named(bmm)) == reference(bmm));
  CHECK(model().ask("# task: bmm/bmm_0\n" + mark) == reference(gemm)); // the last one
  CHECK(model().ask(mark + "# task: no/such\n") == reference(gemm));
  const std::string system = "You write programs. " + mark;
  CHECK(model().ask(llm::conversation(system, "Please!")) == reference(gemm)); // wherever it stands
  for (const auto* none :
       {"", "What is the capital of France?", "# task:", "# task: ", "test_name:", "E0 E1 fn_mul"})
    CHECK(model().ask(std::string(none)) == "I could not find a task in this question.\n");
}

TEST_CASE("names alone tell most tasks apart") {
  const std::set<std::string> mistaken = {"gemm-easy/G_0_7_01", "rope/G_0_4_01"}; // for near relatives
  for (std::size_t t = 0; t < tasks().size(); ++t) {
    auto text = yaml_of(*tasks()[t]);
    const auto at = text.find("test_name:");
    text.erase(at, text.find('\n', at) - at);
    if (!mistaken.contains(tasks()[t]->id)) CHECK_MESSAGE(model().ask(text) == reference(t), tasks()[t]->id);
  }
}

TEST_CASE("demonstrations before the task are understood, in every form, and change the answers") {
  const auto a = index_of("gemm-easy/G_0_6_02"), b = index_of("bmm/bmm_1"), t = index_of("bmm/bmm_2");
  const auto of_a = solution(a), of_b = solution(b);
  const Shown shown{{&tasks()[a], &of_a, a, 0.5}, {&tasks()[b], &of_b, b, 0.5}};
  const auto marked = [](std::size_t of, const std::string& text) {
    return "# task: " + tasks()[of]->id + "\n" + text + "\n";
  };
  const std::string impl_a = answer_text(*tasks()[a], of_a, AnswerForm::yaml);
  const std::string def_b = answer_text(*tasks()[b], of_b, AnswerForm::python);
  int differences = 0;
  for (std::uint64_t sample = 0; sample < 5; ++sample) {
    std::set<std::string> answers;
    for (const auto form : {AnswerForm::yaml, AnswerForm::python})
      for (const auto turns : {Turns::joined, Turns::separate})
        answers.insert(
            find_program(model().ask(prompt_of(form).conversation(*tasks()[t], shown, turns), sample), form,
                         context_of(*tasks()[t]))
                .program);
    answers.insert(model().ask(marked(a, impl_a) + marked(b, def_b) + marked(t, ""), sample));
    answers.insert(model().ask(marked(a, "```\n" + of_a + "```") +
                                   marked(b, "Prose.\n\n" + of_b + "\nProse.") + marked(t, ""),
                               sample));
    CHECK(answers.size() == 1);
    differences += answers.contains(reference(t, sample)) ? 0 : 1;
  }
  CHECK(differences > 0);
  // an example of a task that is not ours teaches nothing, and is nobody else's
  const auto strange = "test_name: strange\n" + impl_a;
  const auto label = [](std::size_t of) {
    return "test_name: " + tasks()[of]->test_name + "\n" + yaml_of(*tasks()[of]);
  };
  for (std::uint64_t sample = 0; sample < 5; ++sample) {
    CHECK(model().ask(strange + label(t), sample) == reference(t, sample));
    CHECK(model().ask(label(a) + strange + label(t), sample) == reference(t, sample));
  }
}

TEST_CASE("the guardian gives every use of a stream a copy, and leaves the rest alone") {
  const GuardianPrompt guardian(prompts / "guardian.yaml", prompts / "templates");
  std::size_t repaired = 0;
  for (std::size_t t = 0; t < tasks().size(); ++t) {
    CAPTURE(tasks()[t]->id);
    const auto right = solution(t);
    const auto careless = app::mock::forget_copies(right);
    CHECK_FALSE(has(careless, "Copy"));
    const auto answer = model().ask(guardian.conversation(careless));
    const auto verdict = app::Checker(tasks()[t]).verify(answer);
    CHECK_MESSAGE(verdict.pass, answer, verdict.feedback());
    CHECK(verdict.affine_syntactic == step::Affine::pass);
    CHECK(has(answer, "step.Copy().apply(") == has(right, "step.Copy().apply("));
    repaired += answer != careless ? 1 : 0;
    CHECK(model().ask(guardian.conversation(right)) == right);
  }
  CHECK(repaired > 10);
  CHECK(model().ask(guardian.conversation("return E0\n")) == "return E0\n");
  CHECK(model().ask(
            guardian.conversation("E5 = step.Map(fn=fn_mul).apply((\n    E0,\n    E1,\n))\nreturn E5\n")) ==
        "E5 = step.Map(fn=fn_mul).apply((\n    E0,\n    E1,\n))\nreturn E5\n");
  // in other words than strata's, also behind a task
  const std::string twice = "E2 = step.Zip().apply((E0, E0))\nreturn E2\n";
  const std::string once =
      "E0_0, E0_1 = step.Copy().apply(E0)\nE2 = step.Zip().apply((E0_0, E0_1))\nreturn E2\n";
  CHECK(model().ask("Is every stream consumed once?\n\n" + twice) == once);
  CHECK(model().ask("```python\ndef program(E0):\n    " + twice.substr(0, twice.find('\n')) +
                    "\n    return E2\n```\n") == once);
  CHECK(model().ask(yaml_of(*tasks()[3]) + "\n\n```yaml\n" + answer_text({}, twice, AnswerForm::yaml) +
                    "```\n") == once);
  // a program before the task is a demonstration
  CHECK(model().ask(twice + "\n# task: " + tasks()[3]->id + "\n") == reference(3));
}

TEST_CASE("careless programs lack their copies as often as was asked for, and the guardian gives them back") {
  const GuardianPrompt guardian(prompts / "guardian.yaml", prompts / "templates");
  Model careless({.how = wrapping::none, .careless = 1}), half({.how = wrapping::none, .careless = 0.5});
  std::size_t with_copies = 0, without = 0;
  for (std::size_t t = 0; t < tasks().size(); ++t) {
    const app::Checker checker(tasks()[t]);
    const auto question = "# task: " + tasks()[t]->id + "\n";
    for (std::uint64_t sample = 0; sample < 6; ++sample) {
      const auto& careful = reference(t, sample);
      if (!has(careful, "Copy")) continue;
      CAPTURE(careful);
      ++with_copies;
      const auto forgotten = careless.ask(question, sample);
      CHECK_FALSE(has(forgotten, "Copy"));
      CHECK(checker.verify(forgotten).affine_syntactic != step::Affine::pass);
      const auto either = half.ask(question, sample);
      CHECK((either == careful || either == forgotten));
      without += either == forgotten ? 1 : 0;
      const auto before = checker.verify(careful);
      const auto after = checker.verify(model().ask(guardian.conversation(forgotten)));
      CHECK(after.affine_flow == step::Affine::pass);
      CHECK(after.affine_syntactic == step::Affine::pass);
      CHECK(after.pass == before.pass);
    }
  }
  CHECK(with_copies > 20);
  CHECK(without > with_copies / 4);
  CHECK(without < with_copies * 3 / 4);
}

TEST_CASE("a repair is another try in the same form") {
  const RepairPrompt repair(prompts / "templates");
  for (const auto form : {AnswerForm::yaml, AnswerForm::python}) {
    auto talk = prompt_of(form).conversation(*tasks()[7], Shown{}, Turns::joined);
    std::set<std::string> tries;
    for (int round = 0; round < 5; ++round) {
      const auto said = model().ask(talk, 3);
      CHECK(has(said, "def program(") == (form == AnswerForm::python));
      const auto program = find_program(said, form, context_of(*tasks()[7])).program;
      CHECK(app::Checker(tasks()[7]).verify(program).stage != step::Stage::parse);
      tries.insert(program);
      talk = repair.after(talk, said, program, "line 1, column 1: wrong", true);
    }
    CHECK(tries.size() > 1);
  }
}

TEST_CASE("no prompt takes long or crashes, whatever is in it") {
  const auto answers = app::mock::proposer_answers(tasks(), {});
  const auto ask = [&](std::string text) {
    llm::mock::call q;
    static std::uint64_t serial = 0;
    q.identity = ++serial; // nothing is remembered
    q.prompt.push_back({llm::role::user, std::move(text), llm::mock::cache_mark::none, true});
    const auto began = std::chrono::steady_clock::now();
    const auto answer = answers({q, q.prompt[0].text, 0}, 0);
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took < std::chrono::seconds(6)); // some 0.1 s; a square of the length would take minutes
    return answer;
  };
  const auto many = [](std::string_view part, std::size_t bytes = 1'000'000) {
    std::string out;
    while (out.size() < bytes) out += part;
    return out;
  };
  const auto numbered = [](std::string_view before, std::string_view behind, std::size_t bytes) {
    std::string out;
    for (int i = 0; out.size() < bytes; ++i)
      out += std::string(before) + std::to_string(i) + std::string(behind);
    return out;
  };
  std::string garbage;
  strata::random_stream random({1, 0, 0, 0});
  while (garbage.size() < 1'000'000) garbage += static_cast<char>(random.below(256));
  ask(garbage);
  ask(many("\xE2\x82")); // half of a character
  ask(many("\xF0\x9F\x92\n"));
  ask(std::string(1'000'000, '\0'));
  ask(many("E"));
  ask(many("E0 E1 E2 fn_mul fn_sum "));
  const std::string id = tasks()[0]->id, mark = "# task: " + id + "\n", label = "test_name: bmm_02\n";
  CHECK(has(ask(garbage + "\n" + mark), "return"));
  CHECK(has(ask(many(mark)), "return"));
  CHECK(has(ask(many(label)), "return"));
  ask(many("test_name:", 4'000'000));
  ask(many("# task:", 4'000'000));
  CHECK(has(ask(many(mark + ".apply(\n")), "return"));
  CHECK(has(ask(many(label + "E1 = x.apply(E0)\nreturn E1\n")), "return"));
  CHECK(
      has(ask(mark + many("E1 = x.apply((", 250'000) + "\nreturn E1\n" + mark), "return")); // a demonstration
  CHECK(has(ask(mark + "return " + many("(", 250'000) + "x.apply(1)\n" + mark), "return"));
  CHECK(has(ask(mark + many("def f(", 250'000) + "\n x.apply(1)\n return 1\n" + mark), "return"));
  for (const std::size_t bytes :
       {std::size_t{30'000}, std::size_t{250'000}, std::size_t{1'000'000}}) { // guardian's
    ask(numbered("a", " = x.apply(b)\n", bytes) + "return b\n");
    ask("a = x.apply(" + numbered("b", ",", bytes) + ")\nreturn a\n");
    ask("a = x.apply(" + many("b,", bytes) + ")\nreturn a\n");
    ask("a = x.apply(b, b, " + numbered("b_", ",", bytes) + ")\nreturn a\n");
    ask(many("x.apply(", bytes) + "\nreturn a\n");
    ask(many("impl:\n a.apply(b)\n", bytes) + "return a\n");
    ask(many("```\nx.apply(y)\nreturn y\n", bytes));
  }
}

TEST_CASE("copies are added where the program allows it") {
  using app::mock::repair_affine;
  CHECK(repair_affine("") == "");
  CHECK(repair_affine("return E0") == "return E0\n");
  // three uses, one of them in a keyword; names that are taken are not taken again
  CHECK(
      repair_affine(
          "E1_0 = 1\nE1 = a.apply(E0)\nE2 = b(fn=E1).apply((E1, E1))\nreturn c.apply([E1, E2])\n") ==
      "E1_0 = 1\nE1 = a.apply(E0)\nE1_1, E1_2 = step.Copy().apply(E1)\nE1_3, E1_4 = step.Copy().apply(E1_2)\n"
      "E2 = b(fn=E1).apply((E1_1, E1_3))\nreturn c.apply([E1_4, E2])\n");
  for (const auto* as_it_is :
       {"p = a.apply(E0)\nx = b.apply(p[0])\ny = b.apply(p[1])\n", // parts of a list are streams of their own
        "E1 = a.apply(E0)\nE1 = b.apply(E1)\nE1 = c.apply(E1)\n",  // assigned more than once
        "x = a.apply(y)\nz = b.apply(y)\ny = 1\n",                 // used before it is there
        "x = a.apply(E0.x)\nz = b.apply(E0.x)\n"})
    CHECK(repair_affine(as_it_is) == as_it_is);
  CHECK(app::mock::forget_copies(
            "a, b = step.Copy().apply(E0)\nc, d = step.Copy().apply(b)\nreturn x.apply((a, c, d))\n") ==
        "return x.apply((E0, E0, E0))\n");
}
