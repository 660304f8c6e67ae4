// SPDX-License-Identifier: MIT
#include "step/agents/template.hpp"

#include <doctest/doctest.h>

using step::TaskError;
using step::agents::Template;
using step::agents::TemplateFile;

namespace {
Template make(std::string_view text) { return {text, "a.yaml", 5, {"task", "name"}}; }
} // namespace

TEST_CASE("values are put in as they are") {
  CHECK(make("no placeholder").render({}) == "no placeholder");
  CHECK(make("{{name}}: {{ task }}!").render({{"name", "N"}, {"task", "{{name}}"}}) == "N: {{name}}!");
  CHECK(make("a {b} }} {{name}}").render({{"name", "c"}}) == "a {b} }} c");
  CHECK(make("{{name}}{{name}}").render({{"name", "x"}}) == "xx");
}

TEST_CASE("lines of a value are indented like their placeholder") {
  CHECK(make("impl: |\n  {{task}}\nend").render({{"task", "a\n\n b\n"}}) == "impl: |\n  a\n\n   b\nend");
  CHECK(make("x {{task}}").render({{"task", "a\nb"}}) == "x a\nb"); // not the first on its line
}

TEST_CASE("a line without anything but empty values is left out") {
  CHECK(make("a\n  {{task}}\nb\n").render({}) == "a\nb\n");
  CHECK(make("a\n{{task}}").render({{"task", "\n"}}) == "a\n");
  CHECK(make("a\n{{task}} b\n").render({}) == "a\n b\n");
  CHECK(make("a\n\n{{task}}\n\nb\n").render({}) == "a\n\n\nb\n"); // blank lines of the author stay
}

TEST_CASE("a placeholder that does not exist is an error of the file, with its line") {
  CHECK_THROWS_WITH_AS(make("a\nb {{tusk}}"),
                       "a.yaml:6: there is no placeholder '{{tusk}}'; there are: {{task}}, {{name}}",
                       TaskError);
  CHECK_THROWS_WITH_AS(make("a {{task\n}}"),
                       "a.yaml:5: '{{' without '}}' on the same line; close the placeholder", TaskError);
  CHECK_THROWS_AS(make("{{}}"), TaskError);
  CHECK_THROWS_AS(make("{{"), TaskError);
  CHECK_THROWS_WITH_AS(Template("{{x}}", "f", 1, {}),
                       "f:1: there is no placeholder '{{x}}' here: this text takes none", TaskError);
}

TEST_CASE("files of templates") {
  const TemplateFile file("# a comment\nuser: |\n  Do it.\n\n  {{task}}\nother: {a: 1}\nempty:\n", "t.yaml");
  CHECK(file.part("user", {"task"}).render({{"task", "x"}}) == "Do it.\n\nx\n");
  CHECK_THROWS_WITH_AS((void)file.part("user", {"name"}),
                       "t.yaml:5: there is no placeholder '{{task}}'; there are: {{name}}", TaskError);
  CHECK_THROWS_WITH_AS((void)file.part("system", {}), doctest::Contains("the key 'system' is missing"),
                       TaskError);
  CHECK_THROWS_AS((void)file.part("empty", {}), TaskError);
  CHECK_THROWS_AS((void)file.part("other", {}), TaskError);
  CHECK_THROWS_WITH_AS(file.require_only({"user", "empty"}),
                       "t.yaml:6: there is no part 'other'; there are: user, empty", TaskError);
  CHECK_THROWS_AS(TemplateFile("- a\n", "t.yaml"), TaskError);
  CHECK_THROWS_AS(TemplateFile(std::filesystem::path("/nowhere/t.yaml")), TaskError);
}
