// SPDX-License-Identifier: MIT
#include "step/tasks/write.hpp"

#include "step/tasks/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

using namespace step;

Task reread(const Task& task) {
  const std::string yaml = to_yaml(task);
  CAPTURE(yaml);
  return detail::TaskReader("again").read(parse_yaml(yaml, "again"), task.id);
}

void check_equal(const std::vector<Input>& a, const std::vector<Input>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].name == b[i].name);
    CHECK(a[i].type == b[i].type);
    CHECK(a[i].generator == b[i].generator);
    CHECK(a[i].min == b[i].min);
    CHECK(a[i].max == b[i].max);
  }
}

void check_equal(const Task& a, const Task& b) {
  CHECK(a.id == b.id);
  CHECK(a.test_name == b.test_name);
  CHECK(a.global.text == b.global.text);
  CHECK((a.global.tree == nullptr) == (b.global.tree == nullptr));
  check_equal(a.inputs, b.inputs);
  check_equal(a.parameters, b.parameters);
  REQUIRE(a.functions.size() == b.functions.size());
  for (std::size_t i = 0; i < a.functions.size(); ++i) {
    CHECK(a.functions[i].class_name == b.functions[i].class_name);
    CHECK(a.functions[i].name == b.functions[i].name);
    CHECK(a.functions[i].input == b.functions[i].input);
    CHECK(a.functions[i].output == b.functions[i].output);
    CHECK(a.functions[i].apply.text == b.functions[i].apply.text);
    CHECK(a.functions[i].init == b.functions[i].init);
  }
  REQUIRE(a.outputs.size() == b.outputs.size());
  for (std::size_t i = 0; i < a.outputs.size(); ++i) {
    CHECK(a.outputs[i].name == b.outputs[i].name);
    CHECK(a.outputs[i].type == b.outputs[i].type);
    REQUIRE(a.outputs[i].data_transform.size() == b.outputs[i].data_transform.size());
    for (std::size_t k = 0; k < a.outputs[i].data_transform.size(); ++k)
      CHECK(a.outputs[i].data_transform[k].text == b.outputs[i].data_transform[k].text);
  }
  CHECK(a.impl == b.impl);
}

const auto here = std::filesystem::path(STRATA_TEST_DIR "/step/tasks");

} // namespace

TEST_CASE("every bundled task and every spelling reloads to the same task") {
  for (const auto& task : load_tasks(here / "../../../tasks")) {
    CAPTURE(task->id);
    check_equal(*task, reread(*task));
  }
  const Task task = load_task(here / "data/every_form.yaml");
  check_equal(task, reread(task));
}

TEST_CASE("whatever a program contains comes back") {
  Task task = load_task(here / "data/every_form.yaml");
  for (const char* impl : {"return E0",
                           "return E0\n",
                           "return E0\n\n",
                           "\n\nreturn E0\n",
                           "  a = 1\n  return a\n",
                           " a\nb\n",
                           "",
                           " ",
                           "\n",
                           "a\n \nb\n",
                           "a\tb\nc\n",
                           "\ta\nb",
                           "a\r\nb\r\n",
                           "# c: [&x, *y, !!z]\n'\"\\n'\n",
                           "- a\n- b",
                           "impl: |\n  x\n",
                           "é ü 中文 🙂\nb\n",
                           "a \nb",
                           "a\nb ",
                           "a\n\n\n\nb\n",
                           "--- x\n...\n",
                           "%YAML\n",
                           "\\x41\\",
                           "a\n  b\n",
                           "{\n}\n"}) {
    CAPTURE(impl);
    task.impl = impl;
    CHECK(reread(task).impl == task.impl);
  }
  task.impl = std::string("x\ny\x01z\x7f", 6);
  CHECK(to_yaml(task).find("\\x01") != std::string::npos);
  task.test_name = "\"quoted\": [x]\nnext: 1";
  task.impl.reset();
  check_equal(task, reread(task));
}
