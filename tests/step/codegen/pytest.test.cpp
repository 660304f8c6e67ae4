// SPDX-License-Identifier: MIT
#include "step/codegen/pytest.hpp"

#include "step/tasks/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace step;

const auto here = std::filesystem::path(STRATA_TEST_DIR "/step/codegen");

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string body_of(const std::string& file) {
  const auto begin = file.find("\ndef body(");
  return file.substr(begin + 1, file.find("\ndef check_shape") - begin - 1);
}

/// Every line that begins in column 1 must be one of ours.
void check_outline(const std::string& file) {
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = file.find('\n', begin);
    const std::string line = file.substr(begin, end - begin);
    CAPTURE(line);
    CHECK(!line.starts_with("intruder"));
    begin = end + 1;
  }
}

Task every_form() {
  Task task = load_task(here / "../tasks/data/every_form.yaml");
  return task;
}

} // namespace

TEST_CASE("the parts of a task stand in the file") {
  const auto task = load_task(here / "../../../tasks/moe/G_0_6_05.yaml");
  const std::string file = pytest_file(task, "return E0\n");
  CHECK(contains(file, "ctx = {M: M_value, N: N_value, K: K_value, D: D_value}\n"));
  CHECK(contains(file, "\nE_value = 3\nctx[E] = E_value\n"));
  CHECK(contains(file, "\nclass WeightedSum(step.Fn):\n    def __init__(self, input, output):\n"));
  CHECK(contains(file, "    def getInit(self):\n        return [0]\n\n    def apply(self, state, input):\n"
                       "        return [state[0] + input[1] * input[0]]\n"));
  CHECK(contains(file, "E1 = step.Stream(\"E1\", step.Multihot(step.Scalar(\"float\"), E), 1, [N, M])"));
  CHECK(contains(file, "input_data[\"E1\"] = multihot(sizes([M, N, E]), 0, 3)"));
  CHECK(contains(file, "\ndef test_moe_G_0_6_05():\n    torch.manual_seed(42)\n"));
  CHECK(contains(file, "    S0_0 = (torch.stack("));
  CHECK(body_of(file) == "def body(E0, E1, E2):\n    return E0\n\n");
}

TEST_CASE("every form of the format can be written") {
  const std::string file = pytest_file(every_form(), "return E0, E1");
  CHECK(contains(file, "class Fourth(step.Fn)"));
  CHECK(contains(file, "class Fourth_(step.Fn)"));
  CHECK(contains(file, "fn_plain = Fourth_("));
  CHECK(contains(file, "return [-torch.inf, 0, -torch.inf]"));
  CHECK(contains(file, "[K*N, 4, D//2 + 1]"));
  CHECK(contains(file, "S1_0 = input_data['E5']"));
  CHECK(contains(file, "S1_1 = input_data['E1']"));
}

TEST_CASE("the program keeps its meaning and stays in its place") {
  const auto task = load_task(here / "../../../tasks/bmm/bmm_0.yaml");
  const auto body = [&](std::string_view impl) {
    const std::string file = pytest_file(task, impl);
    check_outline(file);
    return body_of(file).substr(sizeof("def body(E0, E1):\n") - 1);
  };
  CHECK(body("a = 1\nif a:\n\treturn E0\n") == "    a = 1\n    if a:\n    \treturn E0\n\n");
  CHECK(body("    a = 1\n    return E0\n") == "    a = 1\n    return E0\n\n");
  CHECK(body("a = '''x\n  y\n'''\nreturn E0\n") == "    a = '''x\n  y\n'''\n    return E0\n\n");
  CHECK(body("a = [1,\n2]\nreturn E0") == "    a = [1,\n    2]\n    return E0\n\n");
  CHECK(body("") == "\n    pass\n\n");
  CHECK(body("# nothing\n") == "    # nothing\n    pass\n\n");
  for (const char* impl :
       {// what is not complete Python
        "return E0\n'''", "return (E0", "return E0)\nintruder = 1", "  return E0\nintruder = 1\n",
        "a = 'x\nintruder = 1", "\\\n", "def f(:\n", "return E0\n\"\"\"\nintruder()",
        "x = f'{'\nintruder()\n", "\xff\xfe",
        // what the language refuses
        "import os\nreturn E0", "import os; os.system('true')\nreturn E0", "return E0.__class__",
        "return eval('E0')", "return torch.load('x')", "try:\n  return E0\nfinally:\n  pass",
        "fn_sum = 1\nreturn E0", "torch = 1\nreturn E0", "M = 1\nreturn E0",
        // what Python does not compile inside a function
        "from step import *\nreturn E0", "def f():\n  nonlocal q\nreturn E0",
        "def f():\n  q = 1\ndef g():\n  nonlocal q\nreturn E0"}) {
    CAPTURE(std::string(impl));
    CHECK_THROWS_AS((void)body(impl), Fault);
  }
  const auto nested = [](std::size_t levels, const std::string& statement) {
    std::string out;
    for (std::size_t i = 0; i < levels; ++i) out += std::string(i, ' ') + statement + "\n";
    return out + std::string(levels, ' ') + "pass\nreturn E0\n";
  };
  CHECK(contains(body(nested(20, "for x in [1]:")), "for x in [1]:"));
  CHECK_THROWS_AS((void)body(nested(21, "for x in [1]:")), Fault);
  CHECK_THROWS_AS((void)body(nested(101, "if True:")), Fault);
  CHECK_THROWS_AS((void)body("return " + std::string(160, '(') + "E0" + std::string(160, ')')), Fault);
  CHECK(contains(body("q = 1\ndef f():\n  nonlocal q\n  q = 2\nreturn E0"), "nonlocal q"));
  CHECK(contains(body("def f():\n  nonlocal E0\n  E0 = E1\nf()\nreturn E0"), "nonlocal E0"));
  check_outline(pytest_file(task, "a = 1\r\nreturn E0\rintruder()\n"));
}

TEST_CASE("names of the task win over those of the generated code") {
  Task task = every_form();
  task.inputs[0].name = "body";
  task.functions[0].name = "check_data";
  task.functions[1].class_name = "int";
  task.outputs[0].name = "expected";
  task.id = "x/\"\"\"\nintruder()\n";
  const std::string file = pytest_file(task, "return body\n");
  check_outline(file);
  CHECK(contains(file, "def body_(body, E1"));
  CHECK(contains(file, "def check_data_(stream"));
  CHECK(contains(file, "\ncheck_data = Fused("));
  CHECK(contains(file, "class int_(step.Fn)"));
  CHECK(contains(file, "def test_x_____intruder___():"));
  task.functions[0].name = "Q";
  task.inputs[0].type.shape = {Symbol::named("Q")};
  CHECK_THROWS_AS((void)pytest_file(task, "return 1"), TaskError);
}

TEST_CASE("a reference must end in an expression") {
  Task task = every_form();
  task.outputs[0].data_transform[0].text = "x = 1\n";
  CHECK_THROWS_AS((void)pytest_file(task, "return 1"), TaskError);
  task.outputs[0].data_transform[0].text = "x = 1; (x +\n 1)  # two\n";
  CHECK(contains(pytest_file(task, "return 1"), "    x = 1; S0_0 = (x +\n     1)  # two\n"));
  task.outputs[0].data_transform[0].text = "é = 'é'; é";
  CHECK(contains(pytest_file(task, "return 1"), "    é = 'é'; S0_0 = é\n"));
}

TEST_CASE("a task's own code cannot reach around the language, and its texts stay in their place") {
  const auto with = [](const std::string& code) {
    Task task = every_form();
    task.outputs[0].data_transform[0].text = code;
    return task;
  };
  for (const char* code : {"__import__('os').system('true')", "x = 1; return x", "().__class__", "eval('1')",
                           "from step import *\n1", "import os\n1", "1)\nintruder()\n(1", "'''"}) {
    CAPTURE(code);
    CHECK_THROWS_AS((void)pytest_file(with(code), "return 1"), TaskError);
  }
  Task task = every_form();
  task.id = "x: coding=utf-7 +AAo-intruder()";
  const std::string file = pytest_file(task, "return 1");
  CHECK(file.starts_with("# -*- coding: utf-8 -*-\n"));
  check_outline(file);
}

TEST_CASE("string literals are escaped") {
  CHECK(codegen::python_string("a\"b\\c\n\x01é") == "\"a\\\"b\\\\c\\n\\U00000001\\U000000e9\"");
  CHECK(codegen::python_string("\xff") == "\"\\U0000fffd\"");
}
