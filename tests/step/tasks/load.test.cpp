// SPDX-License-Identifier: MIT
#include "step/tasks/load.hpp"
#include "step/tasks/program.hpp"
#include "step/tasks/prompt.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using namespace step;

/// A directory of our own, removed at the end.
struct Scratch {
  fs::path path = fs::temp_directory_path() / ("strata-load-" + std::to_string(::getpid()));
  Scratch() { fs::create_directories(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  fs::path write(const std::string& name, std::string_view text) const {
    const auto file = path / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  /// The message of the error that loading this text ends in, without the directory; "" when it loads.
  std::string error(std::string_view text) const {
    const auto file = write("t.yaml", text);
    try {
      (void)load_task(file);
      return "";
    } catch (const TaskError& e) {
      const std::string what = e.what();
      CHECK(what.starts_with(file.string()));
      CHECK(what.find('\n') == std::string::npos);
      return what.substr(file.string().size());
    }
  }
};

const fs::path data = fs::path(STRATA_TEST_DIR "/step/tasks") / "data";

const std::string good = R"(test_name: t
inputs:
  - name: E0
    dtype: fp32
    dims: [N, M]
    data_gen: torch.rand
fns:
  - name: Sum
    func_name: fn_sum
    apply: |
      return [state[0] + input[0]]
    init: [0]
    input_dtype: fp32
    output_dtype: fp32
outputs:
  - name: S0
    dtype: fp32
    dims: [M]
    data_transform:
      - |
        input_data['E0'].sum(dim=1)
)";

std::string with(std::string_view from, std::string_view to) {
  std::string text = good;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("every spelling of the format is read") {
  const Task task = load_task(data / "every_form.yaml");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(task.id == "data/every_form");
  CHECK(task.test_name == "every_form");
  CHECK(task.global.text == "E_value = 3\nctx[E] = E_value\n");
  CHECK(task.global.file_line == 5);
  REQUIRE(task.inputs.size() == 6);
  CHECK(task.inputs[0].type.text() == "fp32 [M]");
  CHECK(task.inputs[1].type.text() == "Buffer(fp32, [D]) [N, M]");
  CHECK(task.inputs[1].generator == Generator::normal);
  CHECK(task.inputs[2].type.text() == "Multihot(fp32, E) [N, M]");
  CHECK(task.inputs[2].generator == Generator::multihot);
  CHECK(task.inputs[2].min == 1);
  CHECK(task.inputs[2].max == 2);
  CHECK(task.inputs[3].type.text() == "Buffer(Multihot(fp32, M), [E]) [1]");
  CHECK(task.inputs[4].type.shape[0] == Dim(Symbol::named("K")) * Dim(Symbol::named("N")));
  CHECK(task.inputs[4].type.shape[1] == Dim(4));
  CHECK(task.inputs[5].type.text() == "fp32 [K, M]");
  CHECK(task.inputs[5].generator == Generator::binary);
  REQUIRE(task.parameters.size() == 1);
  CHECK(task.parameters[0].generator == Generator::zeros);
  REQUIRE(task.functions.size() == 5);
  CHECK(task.functions[0].input.text() == "[fp32, Multihot(fp32, E)]");
  CHECK(task.functions[0].output.text() == "[fp32, fp32, Buffer(fp32, [N, M])]");
  CHECK(task.functions[0].init == std::vector{-infinity, 0.0, -infinity});
  CHECK(task.functions[1].input.text() == "[Buffer(fp32, [D]), fp32]");
  CHECK(task.functions[1].init == std::vector{-infinity, -infinity});
  CHECK(task.functions[2].init == std::vector{-infinity});
  CHECK(task.functions[2].input.text() == "fp32");
  CHECK(task.functions[3].init == std::vector{-1.0});
  CHECK_FALSE(task.functions[4].init.has_value());
  CHECK(task.functions[4].apply.file_line == 69);
  CHECK(task.functions[4].apply.text == "\nreturn [input[0]]\n");
  REQUIRE(task.outputs.size() == 2);
  CHECK(task.outputs[0].data_transform.size() == 1);
  CHECK(task.outputs[1].data_transform.size() == 2);
  CHECK(task.outputs[1].data_transform[1].text == "input_data['E1']");
  CHECK(task.impl == "return E0, E1\n");
}

TEST_CASE("optional parts may be absent or empty") {
  const Scratch scratch;
  CHECK(scratch.error(good) == "");
  CHECK(scratch.error("global:\nparameters: []\nimpl:\n" + good) == "");
  CHECK(scratch.error("global: ''\nparameters:\n" + good) == "");
  CHECK(scratch.error(with("test_name: t\n", "")) == "");
  CHECK(scratch.error("---\n" + good + "...\n") == "");
  CHECK(scratch.error("\xEF\xBB\xBF" + good) == "");
  std::string windows;
  for (const char c : good) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(scratch.error(windows) == "");
  // a symbol that nobody predefines is bound by `global`, or reported by the verifier
  CHECK(scratch.error(with("[N, M]", "[Q, M]")) == "");
}

TEST_CASE("errors name the line, the reason and the remedy") {
  const Scratch scratch;
  CHECK(scratch.error("") == ": the file is empty; a task needs inputs and outputs");
  CHECK(scratch.error("# nothing\n") == ": the file is empty; a task needs inputs and outputs");
  CHECK(contains(scratch.error("just text"), ":1: a task is a mapping"));
  CHECK(contains(scratch.error("- a\n- b\n"), ":1: a task is a mapping"));
  CHECK(contains(scratch.error("a: [1, 2\n"), "not valid YAML"));
  CHECK(contains(scratch.error(good + "---\n" + good), "more than one YAML document"));
  CHECK(contains(scratch.error(good + "test_name: again\n"),
                 ":22: the key 'test_name' is there twice; remove one"));
  CHECK(contains(scratch.error("inputs: []\n" + good), "the key 'inputs' is there twice"));
  CHECK(contains(scratch.error("outputs: []\n"), "the key 'inputs' is missing or empty"));
  CHECK(contains(scratch.error(with("outputs:", "out:")), "the key 'outputs' is missing or empty"));
  CHECK(contains(scratch.error(with("inputs:\n  - name", "inputs: 3\nother:\n  - name")),
                 ":2: 'inputs' must be a list"));
  CHECK(contains(scratch.error(with("    dims: [N, M]\n", "")),
                 ":3: an input (E0) lacks the key 'dims'; add it"));
  CHECK(contains(scratch.error(with("    data_gen: torch.rand\n", "")), "lacks the key 'data_gen'"));
  CHECK(contains(scratch.error(with("torch.rand", "torch.randint")),
                 ":6: unknown data_gen 'torch.randint'; known are"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: fp16")),
                 ":4: 'dtype': unknown dtype 'fp16'; known are fp32"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: Buffer(fp32)")), "unknown dtype"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: Buffer(fp32, [])")), "a Buffer needs dims"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: Buffer(Buffer(fp32, [D]), [D])")),
                 "cannot hold a Buffer"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: [[fp32], fp32]")), "tuples are flat"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: {a: b}")), "this is no dtype"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: exec('x')")), "unknown dtype"));
  CHECK(contains(scratch.error(with("dtype: fp32", "dtype: Multihot(fp32, E)")),
                 "(or min and max, for a Multihot)") == false);
  CHECK(contains(scratch.error(with("    data_gen: torch.rand\n", "    min: 2\n    max: 1\n")),
                 "lacks the key 'data_gen'"));
  CHECK(contains(scratch.error(with("dtype: fp32\n    dims: [N, M]\n    data_gen: torch.rand",
                                    "dtype: Multihot(fp32, E)\n    dims: [N, M]\n    min: 2\n    max: 1")),
                 "has min > max"));
  CHECK(contains(scratch.error(with("dtype: fp32\n    dims: [N, M]\n    data_gen: torch.rand",
                                    "dtype: Multihot(fp32, 2)\n    dims: [N, M]\n    min: 1\n    max: 3")),
                 "has max > 2"));
  for (const char* dim : {"0", "-1", "1000000000", "1000001", "2 - 3"})
    CHECK(contains(scratch.error(with("[N, M]", "[N, " + std::string(dim) + "]")),
                   "is not in 1..1000000; correct it"));
  CHECK(scratch.error(with("[N, M]", "[N, 1000000]")) == "");
  CHECK(contains(scratch.error(with("[N, M]", "[N, 1.5]")), "a dim is an integer, a symbol"));
  CHECK(contains(scratch.error(with("[N, M]", "[N, 99999999999999999999]")), ":5: 'dims': "));
  CHECK(contains(scratch.error(with("[N, M]", "[N, M//0]")), "integer division by zero"));
  CHECK(contains(scratch.error(with("[N, M]", "[]")), "'dims' is empty"));
  CHECK(contains(scratch.error(with("[N, M]", "[N, [M]]")), "flat list"));
  CHECK(contains(scratch.error(with("[N, M]", "[1, 1, 1, 1, 1, 1, 1, 1, 1]")), "more than 7 dims"));
  CHECK(contains(scratch.error(with("[N, M]", "[N, import]")), "cannot be read"));
  CHECK(contains(scratch.error(with("[N, M]", "[*N, M]")), "anchor is not defined"));
  CHECK(contains(scratch.error(with("init: [0]", "init: [0, 0]")),
                 ":12: 'init' of fn_sum has 2 constants, its output_dtype 1 components"));
  for (const char* constant : {"nan", "zero", "'x'", "[0]", "float('nan')", "1 + 1"})
    CHECK(contains(scratch.error(with("init: [0]", "init: [" + std::string(constant) + "]")), ":12: 'init'"));
  CHECK(contains(scratch.error(with("return [state[0] + input[0]]", "x = 1\n      return [state[0] +")),
                 ":12: 'apply' cannot be parsed"));
  CHECK(contains(scratch.error(with("      - |\n", "      - a\n      - |\n")),
                 "has 2 data_transform, its dtype 1"));
}

TEST_CASE("names must be usable in programs and in generated code") {
  const Scratch scratch;
  for (const char* name : {"class", "None", "__import__", "step", "torch", "ctx", "input_data", "M", "E 0",
                           "0E", "a.b", "é", "a)b", "''"})
    CHECK(contains(scratch.error(with("name: E0", "name: " + std::string(name))), ":3: the name"));
  CHECK(contains(scratch.error(with("name: E0", "name: \"a\\nimport os\"")), "is not an identifier"));
  CHECK(contains(scratch.error(with("name: E0", "name: " + std::string(200, 'a'))), "longer than 100"));
  CHECK(contains(scratch.error(with("func_name: fn_sum", "func_name: lambda")),
                 ":9: the name 'lambda' is a Python keyword"));
  CHECK(contains(scratch.error(with("name: Sum", "name: 'Sum(x)'")), "is not an identifier"));
  CHECK(contains(scratch.error(with("func_name: fn_sum", "func_name: E0")), "the name 'E0' is given twice"));
  CHECK(contains(
      scratch.error(good + "parameters:\n  - {name: E0, dtype: fp32, dims: [M], data_gen: torch.rand}\n"),
      ":23: the name 'E0' is given twice"));
  CHECK(contains(scratch.error(with("name: E0", "name: [a]")), "must be a text"));
}

TEST_CASE("hostile files end in an error, quickly") {
  const Scratch scratch;
  CHECK(contains(scratch.error(std::string(11 << 20, 'a')), "larger than 1048576 bytes"));
  CHECK(contains(scratch.error(std::string("a: \0b", 5)), "control character (code 0)"));
  CHECK(contains(scratch.error("a: b\nc: \xff\xfe\n"), ":2: the text is not valid UTF-8"));
  CHECK(contains(scratch.error("\x7f"
                               "ELF\x01\x02"),
                 "control character"));
  CHECK(contains(scratch.error(std::string(1 << 19, '[')), "nested more than 32 deep"));
  CHECK(contains(scratch.error(std::string(1 << 19, '{')), ":1:"));
  std::string dashes, deep;
  for (int i = 0; i < 2000; ++i) dashes += "- ";
  for (int i = 0; i < 600; ++i) deep.append(static_cast<std::size_t>(i), ' ').append("a:\n");
  CHECK(contains(scratch.error(dashes + "a"), "nested more than 32 deep"));
  CHECK(contains(scratch.error(deep), "nested more than 32 deep"));
  CHECK(contains(scratch.error("a: &x [1]\nb: *x\n"), "anchors (&name) are not accepted"));
  CHECK(contains(scratch.error("a: &x\n  - *x\n"), "are not accepted"));
  CHECK(contains(scratch.error("a: !!binary aGk=\n"), "the tag"));
  std::string many = "a:\n";
  for (int i = 0; i < 60'000; ++i) many += "- b\n";
  CHECK(contains(scratch.error(many), "more than 50000 values"));
  std::string keys;
  for (int i = 0; i < 3000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  CHECK(contains(scratch.error(keys), "too many keys"));
  CHECK(scratch.error(std::string(1 << 19, '?')) != "");
  CHECK(scratch.error("? ? ? ? a\n") != "");
  CHECK(scratch.error("%TAG ! x\n---\n!a b") != "");
  CHECK(scratch.error("a: \"\\U99999999\"\n") != "");
  CHECK(scratch.error("a: |99\n  b\n") != "");
  CHECK(scratch.error("\t- a") != "");
  CHECK(scratch.error(with("[N, M]", "[" + std::string(3000, '(') + "N" + std::string(3000, ')') + "]")) !=
        "");
  CHECK(scratch.error(with("[N, M]", "[" + std::string(3000, '-') + "1]")) != "");
  CHECK_THROWS_AS((void)load_task(scratch.path), TaskError);
  CHECK_THROWS_AS((void)load_task(scratch.path / "none.yaml"), TaskError);
  CHECK_THROWS_AS((void)load_task("/dev/zero"), TaskError);
}

TEST_CASE("a directory is read recursively, sorted by id") {
  const Scratch scratch;
  CHECK_THROWS_AS((void)load_tasks(scratch.path), TaskError);
  CHECK_THROWS_AS((void)load_tasks(scratch.path / "none"), TaskError);
  scratch.write("b/x.yaml", good);
  scratch.write("a/y.yaml", good);
  scratch.write("a/README.md", "no task");
  const auto tasks = load_tasks(scratch.path);
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0]->id == "a/y");
  CHECK(tasks[1]->id == "b/x");
  scratch.write("a/z.yaml", "nonsense");
  CHECK_THROWS_AS((void)load_tasks(scratch.path), TaskError);
}

TEST_CASE("the bundled tasks load") {
  const auto tasks = load_tasks(fs::path(STRATA_TEST_DIR "/step/tasks") / "../../../tasks");
  CHECK(tasks.size() == 26);
  for (const auto& task : tasks) CHECK_FALSE(task->impl.has_value());
}

TEST_CASE("a program is plain text, or YAML with impl") {
  CHECK(read_program("return E0\n", "f").impl == "return E0\n");
  const auto yaml = read_program("test_name: x\nimpl: |\n  return E0\nglobal: |\n  evil()\n", "f");
  CHECK(yaml.impl == "return E0\n");
  CHECK(yaml.warnings ==
        std::vector<std::string>{"the key 'test_name' is ignored: an answer supplies impl only",
                                 "the key 'global' is ignored: an answer supplies impl only"});
  CHECK_THROWS_AS((void)read_program("impl: [1]\n", "f"), TaskError);
  CHECK_THROWS_AS((void)read_program("return E0", "f", true), TaskError);
  CHECK(read_program("x: int = 1\nreturn E0\n", "f").impl == "x: int = 1\nreturn E0\n");
}

TEST_CASE("a prompt file holds tasks with programs") {
  const Scratch scratch;
  std::string example;
  for (std::size_t begin = 0, end = 0; begin < good.size(); begin = end + 1) {
    end = good.find('\n', begin);
    example += (begin == 0 ? "      - " : "        ") + good.substr(begin, end - begin) + "\n";
  }
  const auto file = scratch.write(
      "p.yaml", "general:\n  desc: About.\nops:\n  - name: Accum\n    desc: Folds.\n    examples:\n" +
                    example + "        impl: return E0\npatterns: []\n");
  const Prompt prompt = load_prompt(file);
  CHECK(prompt.description == "About.");
  REQUIRE(prompt.operators.size() == 1);
  CHECK(prompt.operators[0].name == "Accum");
  REQUIRE(prompt.operators[0].examples.size() == 1);
  CHECK(prompt.operators[0].examples[0].id == "p:ops/Accum/1");
  CHECK(prompt.operators[0].examples[0].impl == "return E0");
  CHECK_THROWS_AS((void)load_prompt(scratch.write("q.yaml", "ops: 3\n")), TaskError);
  CHECK_THROWS_AS((void)load_prompt(scratch.write("q.yaml", "ops:\n  - name: a\n    examples: [{}]\n")),
                  TaskError);
}
