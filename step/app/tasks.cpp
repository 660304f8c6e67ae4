// SPDX-License-Identifier: MIT
// `strata tasks`: lists tasks, and with --check verifies every bundled solution and every prompt example at
// several sizes and seeds.
#include "checker.hpp"
#include "data.hpp"
#include "failure.hpp"
#include "options.hpp"
#include "verdict_text.hpp"

#include "step/tasks/load.hpp"
#include "step/tasks/program.hpp"
#include "step/tasks/prompt.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

namespace app {

namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(width, out.size()), ' ');
  return out;
}

template <class Items, class Text> std::string joined(const Items& items, Text&& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + text(item);
  return out;
}

std::string group_of(const step::Task& task) { return task.id.substr(0, task.id.rfind('/')); }

std::string interface_of(const step::Input& i) { return i.name + ": " + i.type.text(); }
std::string interface_of(const step::Output& o) { return o.name + ": " + o.type.text(); }

/// What a check is about: a task with a program that should pass.
struct Example {
  std::shared_ptr<const step::Task> task;
  std::string kind;    ///< "solution" or "prompt"
  std::string problem; ///< why there is nothing to verify
};

std::vector<Example> examples_of(const TasksCommand& command,
                                 const std::vector<std::shared_ptr<const step::Task>>& all) {
  std::vector<Example> out;
  const auto solutions = solutions_directory(command.data);
  for (const auto& task : all) {
    const auto file = solutions / (task->id + ".yaml");
    auto copy = *task;
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
      copy.impl = step::read_program(step::read_file(file), file.string(), true).impl;
      out.push_back({std::make_shared<const step::Task>(std::move(copy)), "solution", ""});
    } else {
      out.push_back({task, "solution", "there is no " + file.string()});
    }
  }
  std::vector<std::filesystem::path> prompts;
  for (const auto& entry : std::filesystem::directory_iterator(prompts_directory(command.data)))
    if (entry.path().extension() == ".yaml") prompts.push_back(entry.path());
  std::sort(prompts.begin(), prompts.end());
  for (const auto& file : prompts) {
    auto prompt = step::load_prompt(file);
    const auto add = [&](std::vector<step::Task>& examples) {
      for (auto& e : examples) {
        const bool has = e.impl.has_value();
        out.push_back({std::make_shared<const step::Task>(std::move(e)), "prompt",
                       has ? "" : "the example has no impl"});
      }
    };
    for (auto* entries : {&prompt.operators, &prompt.patterns})
      for (auto& entry : *entries) add(entry.examples);
    add(prompt.examples);
  }
  return out;
}

CheckSettings thorough(bool published) {
  CheckSettings settings;
  settings.published = published;
  settings.seeds = 3;
  settings.extra_sizes = {{{"M", 3}, {"N", 4}, {"K", 5}, {"D", 6}},
                          {{"M", 4}, {"N", 3}, {"K", 3}, {"D", 8}},
                          {{"M", 7}, {"N", 5}, {"K", 4}, {"D", 2}},
                          {{"M", 6}, {"N", 8}, {"K", 7}, {"D", 10}},
                          {{"M", 10}, {"N", 9}, {"K", 12}, {"D", 20}}};
  return settings;
}

int check(const TasksCommand& command, const std::vector<std::shared_ptr<const step::Task>>& all) {
  const auto settings = thorough(command.published);
  json::array rows;
  std::size_t failed = 0;
  const auto examples = examples_of(command, all);
  for (const Example& example : examples) {
    std::string message = example.problem;
    bool pass = false;
    if (message.empty()) {
      try {
        const auto verdict = Checker(example.task, settings).verify(*example.task->impl);
        pass = verdict.pass;
        message = pass ? "" : std::string(step::name_of(verdict.stage)) + ": " + verdict.feedback();
      } catch (const step::TaskError& e) {
        message = e.what();
      }
    }
    failed += pass ? 0 : 1;
    if (command.json) {
      json::object row;
      row["task"] = json_string(example.task->id);
      row["kind"] = json_string(example.kind);
      row["pass"] = pass;
      row["message"] = json_string(message);
      rows.push_back(std::move(row));
    } else {
      std::cout << (pass ? "ok    " : "FAIL  ") << padded(example.kind, 10) << printable(example.task->id);
      if (!message.empty()) std::cout << "  " << printable(message);
      std::cout << std::endl;
    }
  }
  if (command.json) {
    json::object out;
    out["checked"] = examples.size();
    out["failed"] = failed;
    out["examples"] = std::move(rows);
    std::cout << to_text(out) << '\n';
  } else {
    std::cout << examples.size() << " programs checked, " << failed << " failed ("
              << settings.extra_sizes.size() + 1 << " choices of sizes, " << settings.seeds << " seeds each"
              << (command.published ? ")\n" : "; confirmed)\n");
  }
  return failed == 0 ? Exit::done : Exit::negative;
}

void list_json(const std::vector<std::shared_ptr<const step::Task>>& all) {
  json::array rows;
  for (const auto& task : all) {
    json::object row;
    row["id"] = json_string(task->id);
    row["group"] = json_string(group_of(*task));
    row["test_name"] = json_string(task->test_name);
    json::array functions, inputs, parameters, outputs;
    for (const auto& f : task->functions) functions.push_back(json_string(f.name));
    for (const auto& i : task->inputs) inputs.push_back(json_string(interface_of(i)));
    for (const auto& p : task->parameters) parameters.push_back(json_string(interface_of(p)));
    for (const auto& o : task->outputs) outputs.push_back(json_string(interface_of(o)));
    row["functions"] = std::move(functions);
    row["inputs"] = std::move(inputs);
    row["parameters"] = std::move(parameters);
    row["outputs"] = std::move(outputs);
    row["file"] = json_string(task->file);
    rows.push_back(std::move(row));
  }
  json::object out;
  out["tasks"] = std::move(rows);
  std::cout << to_text(out) << '\n';
}

void list(const std::vector<std::shared_ptr<const step::Task>>& all) {
  std::size_t width = 4;
  for (const auto& task : all) width = std::max(width, task->id.size() + 2);
  std::cout << padded("id", width) << padded("fns", 5) << padded("params", 8) << "inputs -> outputs\n";
  for (const auto& task : all)
    std::cout << printable(padded(task->id, width)) << padded(std::to_string(task->functions.size()), 5)
              << padded(std::to_string(task->parameters.size()), 8)
              << printable(joined(task->inputs, [](const auto& i) { return interface_of(i); })) << " -> "
              << printable(joined(task->outputs, [](const auto& o) { return interface_of(o); })) << '\n';
  std::cout << all.size() << " tasks\n";
}

} // namespace

int tasks(const TasksCommand& command) {
  const auto all = step::load_tasks(tasks_directory(command.data));
  if (command.check) return check(command, all);
  if (command.json)
    list_json(all);
  else
    list(all);
  return Exit::done;
}

} // namespace app
