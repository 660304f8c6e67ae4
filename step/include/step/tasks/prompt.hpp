// SPDX-License-Identifier: MIT
// Prompt files: what a model is told about the language, with worked examples that are whole tasks.
// Reading one checks every example as a task, so that a broken example is found at once.
#pragma once

#include "step/tasks/load.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step {

/// An operator or a usage pattern: its description, and tasks with the program that solves them.
struct PromptEntry {
  std::string name;
  std::string description;
  std::vector<Task> examples;
};

struct Prompt {
  std::string description; ///< `general.desc`
  std::vector<PromptEntry> operators;
  std::vector<PromptEntry> patterns;
  std::vector<Task> examples; ///< demonstrations
};

namespace detail {

class PromptReader {
 public:
  explicit PromptReader(std::string file, std::string id) : file_(std::move(file)), id_(std::move(id)) {}

  Prompt read(const Yaml& root) const {
    if (!root.is_mapping())
      throw TaskError(file_, root.line, "a prompt is a mapping with the keys general, ops and patterns");
    Prompt out;
    if (const Yaml* general = root.find("general"); general != nullptr && general->is_mapping())
      out.description = text(*general, "desc");
    out.operators = entries(root, "ops");
    out.patterns = entries(root, "patterns");
    out.examples = tasks(root, "examples", "examples");
    return out;
  }

 private:
  std::string text(const Yaml& entry, std::string_view key) const {
    const Yaml* value = entry.find(key);
    if (value == nullptr) return "";
    if (!value->is_scalar())
      throw TaskError(file_, value->line, excerpt(key) + " must be a text; write a block (|)");
    return value->text;
  }
  const std::vector<Yaml>& list(const Yaml& entry, std::string_view key) const {
    static const std::vector<Yaml> none;
    const Yaml* value = entry.find(key);
    if (value == nullptr) return none;
    if (!value->is_sequence())
      throw TaskError(file_, value->line, excerpt(key) + " must be a list; start with '- '");
    return value->items;
  }
  std::vector<PromptEntry> entries(const Yaml& root, std::string_view key) const {
    std::vector<PromptEntry> out;
    for (const Yaml& item : list(root, key)) {
      if (!item.is_mapping())
        throw TaskError(file_, item.line,
                        "an entry of " + excerpt(key) + " must be a mapping with name and desc");
      PromptEntry entry;
      entry.name = text(item, "name");
      entry.description = text(item, "desc");
      entry.examples = tasks(item, "examples", std::string(key) + "/" + entry.name);
      out.push_back(std::move(entry));
    }
    return out;
  }
  std::vector<Task> tasks(const Yaml& entry, std::string_view key, const std::string& where) const {
    std::vector<Task> out;
    for (const Yaml& item : list(entry, key))
      out.push_back(TaskReader(file_).read(item, id_ + ":" + where + "/" + std::to_string(out.size() + 1)));
    return out;
  }

  std::string file_, id_;
};

} // namespace detail

/// Reads a prompt file. Ids of its examples are `file:ops/name/1` and so on. Throws TaskError, nothing else.
/// O(file).
[[nodiscard]] inline Prompt load_prompt(const std::filesystem::path& file) {
  const Yaml root = parse_yaml(read_file(file), file.string());
  return detail::PromptReader(file.string(), file.stem().string()).read(root);
}

} // namespace step
