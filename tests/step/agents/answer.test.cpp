// SPDX-License-Identifier: MIT
// Answers as models write them, and what is found in them; and anything else, which must end soon.
#include "step/agents/answer.hpp"

#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

using step::agents::AnswerForm;
using step::agents::AnswerProblem;
using step::agents::find_program;

namespace {

const std::string two = "E1 = step.Map(fn=fn_exp).apply(E0)\nreturn step.Accum(fn=fn_sum, b=1).apply(E1)\n";
const step::agents::AnswerContext context{{"E0", "E1"}, {"fn_exp", "fn_sum"}};

std::string program(std::string_view text, AnswerForm form = AnswerForm::yaml, bool cut = false) {
  const auto found = find_program(text, form, context, cut);
  return found.ok() ? found.program : "<" + std::string(to_string(found.problem)) + ">";
}

std::string indented(std::string_view text, std::string_view margin) {
  std::string out;
  for (const auto line : step::agents::detail::lines_of(text)) out.append(margin).append(line).append("\n");
  return out;
}

} // namespace

TEST_CASE("an answer in the form that was asked for") {
  CHECK(program("```yaml\nimpl: |\n" + indented(two, "  ") + "```") == two);
  CHECK(program("```yaml\nimpl: |\n" + indented(two, "  ") + "```\n") == two);
  CHECK(program("```yml\nimpl: |-\n" + indented(two, "    ") + "```") == two);
  CHECK(program("~~~\nimpl: >\n" + indented(two, " ") + "~~~") == two);
  CHECK(program("impl: |\n" + indented(two, "  ")) == two); // no fence
}

TEST_CASE("YAML as models get it wrong") {
  CHECK(program("```yaml\nimpl:\n" + indented(two, "  ") + "```") == two); // no |
  CHECK(program("```yaml\nimpl: |\n" + two + "```") == two);               // not indented
  CHECK(program("```yaml\nimpl:\n\n" + two + "```") == two);               // neither
  CHECK(program("```yaml\nimpl: |  # the program\n" + indented(two, "  ") + "```") == two);
  CHECK(program("```yaml\n- impl: |\n" + indented(two, "    ") + "```") == two);
  CHECK(program("```yaml\n\"impl\": |\n" + indented(two, "  ") + "```") == two);
  CHECK(program("**impl:** |\n" + indented(two, "  ")) == two);
  CHECK(program("```yaml\nimpl: return E0\n```") == "return E0\n");
  CHECK(program("```yaml\nimpl: 'return E0'\n```") == "return E0\n");
  CHECK(program("```json\n{\"impl\": \"E1 = f(E0)\\nreturn E1\"}\n```") == "E1 = f(E0)\nreturn E1\n");
  CHECK(program("```json\n{\n  \"impl\": \"x = \\\"a\\\"\\nreturn E1\"\n}\n```") == "x = \"a\"\nreturn E1\n");
  CHECK(program("```yaml\ntest_name: a\nimpl: |\n" + indented(two, "  ") + "notes: none\n```") == two);
  CHECK(program("```yaml\ntask:\n  impl: |\n" + indented(two, "    ") + "  other: 1\n```") == two);
}

TEST_CASE("prose around it") {
  CHECK(program("Here is the program:\n\n```yaml\nimpl: |\n" + indented(two, "  ") +
                "```\n\n**Explanation**\n- first `exp`, then the sum: return of the rows.\n") == two);
  CHECK(program("To solve this I return the sums.\n\nimpl: |\n" + indented(two, "  ") +
                "\nThis returns one value per row.\n") == two);
  CHECK(program("I think about dims.\n\n" + two + "\nThis is it.") == two);
  CHECK(program("First the input is used twice, so we need a copy.\n\n1. Copy it.\n   ```yaml\n   impl: |\n" +
                indented(two, "     ") + "   ```\n") == two);
  CHECK(program("<think>\nimpl: |\n  return E9\n</think>\n```yaml\nimpl: |\n" + indented(two, "  ") +
                "```") == two);
  CHECK(program("impl: |\n  return E9\n</think>\nimpl: |\n" + indented(two, "  ")) == two);
}

TEST_CASE("of several programs the last one wins, in the form that was asked for") {
  const std::string draft = "```yaml\nimpl: |\n  return E0\n```\nWait, that is wrong.\n";
  const std::string last = "```yaml\nimpl: |\n" + indented(two, "  ") + "```\n";
  CHECK(program(draft + last) == two);
  CHECK(program(last + "In Python this is\n```python\nreturn x\n```\n") == two);
  CHECK(program(last + "```\nE1: [N, M]\n```\n") == two); // no program
  CHECK(program("```python\ndef program(E0, E1):\n    return E0\n```\n" + last, AnswerForm::python) ==
        "return E0\n");
  CHECK(program("```yaml\nimpl: |\n  return E0\n```\nor\n```yaml\nimpl: |\n  E1 =\n```") == "return E0\n");
}

TEST_CASE("bare code") {
  CHECK(program("```python\n" + two + "```") == two);
  CHECK(program("```\n" + indented(two, "    ") + "```") == two);
  CHECK(program(two) == two);
  CHECK(program("return step.Map(fn=fn_exp).apply(E0)") == "return step.Map(fn=fn_exp).apply(E0)\n");
  CHECK(program("```python\nE1, E2 = step.Copy().apply(E0)\nreturn (\n    E1,\n    E2,\n)\n```") ==
        "E1, E2 = step.Copy().apply(E0)\nreturn (\n    E1,\n    E2,\n)\n");
}

TEST_CASE("functions") {
  const auto py = [](std::string_view text) { return program(text, AnswerForm::python); };
  CHECK(py("```python\ndef program(E0, E1):\n" + indented(two, "    ") + "```") == two);
  CHECK(py("def program(E0, E1):\n" + indented(two, "    ") + "\nThat is all.") == two);
  CHECK(py("```python\nimport step\n\ndef fn_exp(input):\n    return [torch.exp(input[0])]\n\ndef main(E0: "
           "step.Stream, E1=None) -> step.Stream:\n    \"\"\"Sums.\"\"\"\n" +
           indented(two, "    ") + "\nprint(main(E0, E1))\n```") == two);
  CHECK(py("```python\nclass P:\n    def forward(self, E0, E1):\n" + indented(two, "        ") + "```") ==
        two);
  CHECK(py("```python\ndef program(a, b):\n    return a\n```") == "a = E0\nb = E1\nreturn a\n");
  CHECK(py("```python\ndef program(\n    E0,\n    E1,\n):\n" + indented(two, "    ") + "```") == two);
  CHECK(py("```python\ndef program(E0, E1): return E0\n```") == "return E0\n");
  CHECK(py("```python\ndef helper(x):\n    return step.Map(fn=fn_exp).apply(x)\ndef program(E0, E1):\n    "
           "return "
           "helper(E0), step.Map(fn=fn_exp).apply(E1)\n```") ==
        "def helper(x):\n    return step.Map(fn=fn_exp).apply(x)\nreturn helper(E0), "
        "step.Map(fn=fn_exp).apply(E1)\n");
  // also where YAML was asked for, and within it
  CHECK(program("```python\ndef program(E0, E1):\n" + indented(two, "    ") + "```") == two);
  CHECK(program("```yaml\nimpl: |\n  def program(E0, E1):\n" + indented(two, "      ") + "```") == two);
  // helpers inside a program stay
  CHECK(program("```yaml\nimpl: |\n  def f(x):\n    return x\n  return f(E0)\n```") ==
        "def f(x):\n  return x\nreturn f(E0)\n");
}

TEST_CASE("line ends of other systems") {
  std::string windows;
  for (const char c : "```yaml\nimpl: |\n" + indented(two, "  ") + "```\n") {
    if (c == '\n') windows += '\r';
    windows += c;
  }
  CHECK(program(windows) == two);
  CHECK(program("\xEF\xBB\xBFimpl: |\r  return E0\r") == "return E0\n");
}

TEST_CASE("answers without a program say why") {
  CHECK(program("") == "<empty>");
  CHECK(program(" \r\n\t") == "<empty>");
  CHECK(program("<think>\nI return to this.") == "<empty>");
  CHECK(program("I cannot help with that.") == "<no_program>");
  CHECK(program("Please return the sum of both.") == "<no_program>");
  CHECK(program("```yaml\nimpl: |\n  E1 = f(E0)\n```") == "<no_program>");
  CHECK(program(std::string(300'000, 'a')) == "<too_long>");
  // cut off
  CHECK(program("```yaml\nimpl: |\n  E1 = step.Map(fn=fn_ex", AnswerForm::yaml, true) == "<truncated>");
  CHECK(program("```yaml\nimpl: |\n  E1 = step.Map(fn=fn_ex") == "<truncated>");
  CHECK(program("```yaml\nimpl: |\n  return step.Map(fn=fn_ex", AnswerForm::yaml, true) == "<truncated>");
  CHECK(program("", AnswerForm::yaml, true) == "<truncated>");
  CHECK(program("Let me think about the dims", AnswerForm::yaml, true) == "<truncated>");
  // the fence was cut off, or the prose after it
  CHECK(program("```yaml\nimpl: |\n" + indented(two, "  "), AnswerForm::yaml, true) == two);
  CHECK(program("```yaml\nimpl: |\n" + indented(two, "  ") + "```\nThis wor", AnswerForm::yaml, true) == two);
}

TEST_CASE("an extracted program is found again in every frame") {
  const std::vector<std::string> programs = {two, "return E0\n", "x = 1\n\n# a note\nreturn f(\n    E0)\n",
                                             "for i in range(2):\n  E0 = f(E0)\nreturn E0, E1\n"};
  for (const auto& p : programs) {
    CAPTURE(p);
    for (const std::string fence : {"```", "````", "~~~"})
      for (const std::string margin : {"  ", "    ", "\t"}) {
        CHECK(program("Text.\n" + fence + "yaml\nimpl: |\n" + indented(p, margin) + fence + "\nText.") == p);
        CHECK(program(fence + "python\ndef program(E0, E1):\n" + indented(p, margin) + fence,
                      AnswerForm::python) == p);
      }
    CHECK(program("impl: |\n" + indented(p, "  ") + "Done.\n") == p);
  }
}

TEST_CASE("whatever the text, it ends soon and a program has a return") {
  const std::vector<std::string> pieces = {
      "```",     "~~~",      "yaml", "\n",        "\n  ", "\n    ", "impl:", " |",     "def f(", "a, b",
      "):",      "return ",  "E0",   "step.Map(", ")",    "\"",     "'",     "\\",     "{",      "}",
      "<think>", "</think>", "\r",   "\t",        "#",    "=",      "\xff",  ".apply("};
  strata::random_stream random({7, 0, 0, 0});
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random.below(40); n > 0; --n) text += pieces[random.below(pieces.size())];
    const auto form = random.chance(0.5) ? AnswerForm::yaml : AnswerForm::python;
    const auto found = find_program(text, form, context, random.chance(0.3));
    if (found.ok()) {
      CAPTURE(text);
      CHECK(found.program.find("return") != std::string::npos);
      CHECK(found.program.size() < 2 * text.size() + 64);
    } else {
      CHECK(found.program.empty());
    }
  }
}

TEST_CASE("long hostile texts take no more than linear time") {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string piece :
       {"impl:\n", "```\n", "return\n", "def f(\n", "def f():\n return f()\n", "(", "\n ", "a\n",
        "impl: \"\n", "def f(): return 1\n", "```yaml\nimpl: |\n return\n", "{\"impl\":'"}) {
    std::string text;
    while (text.size() + piece.size() < step::agents::longest_answer) text += piece;
    (void)find_program(text, AnswerForm::yaml, context);
    (void)find_program(text, AnswerForm::python, context, true);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
