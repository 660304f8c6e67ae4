// SPDX-License-Identifier: MIT
// Reads tasks from YAML: the published benchmark's format, unknown keys ignored. Files are untrusted:
// whatever they hold, the result is a consistent Task or a TaskError that says where and what to do.
#pragma once

#include "step/meter.hpp"
#include "step/syntax/parser.hpp"
#include "step/tasks/document.hpp"
#include "step/tasks/expressions.hpp"
#include "step/tasks/names.hpp"
#include "step/tasks/task.hpp"
#include "step/tasks/task_error.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace step {

namespace detail {

/// Turns a YAML mapping into a task; `file` is for messages.
class TaskReader {
 public:
  explicit TaskReader(std::string file) : file_(std::move(file)) {}

  Task read(const Yaml& root, std::string id) const {
    if (!root.is_mapping())
      fail(root.line, "a task is a mapping with the keys inputs, fns and outputs; this is something else");
    Task task;
    task.id = std::move(id);
    task.file = file_;
    task.test_name = task.id;
    if (const Yaml* name = root.find("test_name")) task.test_name = scalar(*name, "test_name");
    if (const Yaml* global = root.find("global")) task.global = snippet(*global, "global");
    for (const Yaml* entry : entries(root, "inputs", true)) task.inputs.push_back(input(*entry, "an input"));
    for (const Yaml* entry : entries(root, "parameters", false))
      task.parameters.push_back(input(*entry, "a parameter"));
    for (const Yaml* entry : entries(root, "fns", false)) task.functions.push_back(function(*entry));
    for (const Yaml* entry : entries(root, "outputs", true)) task.outputs.push_back(output(*entry));
    require_unique(root, task);
    if (const Yaml* impl = root.find("impl")) task.impl = scalar(*impl, "impl");
    return task;
  }

 private:
  static constexpr std::size_t most_entries = 256, most_dims = 8, most_axes = 12;

  [[noreturn]] void fail(std::uint32_t line, std::string_view reason) const {
    throw TaskError(file_, line, reason);
  }

  /// The mappings of a list.
  std::vector<const Yaml*> entries(const Yaml& root, std::string_view key, bool needed) const {
    const Yaml* list = root.find(key);
    const std::string name = excerpt(key);
    if (list == nullptr || (list->is_sequence() && list->items.empty())) {
      if (needed)
        fail(root.line, "the key " + name + " is missing or empty; a task needs at least one entry there");
      return {};
    }
    if (!list->is_sequence()) fail(list->line, name + " must be a list; start each entry with '- '");
    if (list->items.size() > most_entries)
      fail(list->line, name + " has more than " + std::to_string(most_entries) + " entries; shorten it");
    std::vector<const Yaml*> out;
    for (const Yaml& item : list->items) {
      if (!item.is_mapping())
        fail(item.line, "an entry of " + name + " must be a mapping with the key 'name'");
      out.push_back(&item);
    }
    return out;
  }
  const Yaml& need(const Yaml& entry, std::string_view key, std::string_view what) const {
    if (const Yaml* value = entry.find(key)) return *value;
    fail(entry.line, std::string(what) + " lacks the key " + excerpt(key) + "; add it");
  }
  const std::string& scalar(const Yaml& value, std::string_view key) const {
    if (!value.is_scalar())
      fail(value.line, excerpt(key) + " must be a text; write it as one value or as a block (|)");
    return value.text;
  }
  /// A name that programs or generated code will contain.
  std::string name(const Yaml& entry, std::string_view key, std::string_view what) const {
    const Yaml& value = need(entry, key, what);
    const std::string& text = scalar(value, key);
    if (const auto why = why_no_name(text); !why.empty())
      fail(value.line, "the name " + excerpt(text) + " " + why + "; choose another");
    return text;
  }
  Snippet snippet(const Yaml& value, std::string_view key) const {
    Snippet out;
    out.text = scalar(value, key);
    out.file_line = value.text_line;
    try {
      out.tree = std::make_shared<const syntax::Tree>(syntax::parse(out.text));
    } catch (const Fault& fault) {
      const std::uint32_t offset = fault.at.line > 0 ? fault.at.line - 1 : 0;
      fail(out.file_line + offset,
           excerpt(key) + " cannot be parsed: " + fault.message + "; correct the snippet");
    }
    return out;
  }
  template <class F> auto reading(const Yaml& value, std::string_view key, F&& read) const {
    try {
      return read();
    } catch (const ExpressionError& e) {
      fail(value.line, excerpt(key) + ": " + e.message);
    }
  }

  Shape dims(const Yaml& entry, std::string_view what) const {
    const Yaml& value = need(entry, "dims", what);
    Shape shape = reading(value, "dims", [&] {
      if (value.is_scalar()) return parse_dims(value.text);
      if (!value.is_sequence()) throw ExpressionError{"dims must be a list such as [N, M]; write one"};
      Shape out;
      for (const Yaml& item : value.items) {
        if (item.is_null()) continue; // a trailing comma
        if (!item.is_scalar()) throw ExpressionError{"dims must be a flat list such as [N, M]; write one"};
        if (out.size() == most_dims) break;
        out.push_back(parse_dim(item.text));
      }
      return out;
    });
    if (shape.empty()) fail(value.line, "'dims' is empty; give at least one dim, such as [M] or [1]");
    if (shape.size() >= most_dims) fail(value.line, "'dims' has more than 7 dims; use fewer");
    return shape;
  }
  /// A flow list without quotes, such as `[fp32, Multihot(fp32, E)]`, arrives cut at its commas: put together
  /// the text again.
  static std::string joined(const Yaml& value) {
    if (!value.is_sequence()) return value.text;
    std::string out = "[";
    for (std::size_t i = 0; i < value.items.size(); ++i) out += (i != 0 ? ", " : "") + joined(value.items[i]);
    return out + "]";
  }
  DType dtype(const Yaml& entry, std::string_view key, std::string_view what) const {
    const Yaml& value = need(entry, key, what);
    return reading(value, key, [&] {
      if (value.is_mapping() || value.is_null())
        throw ExpressionError{"this is no dtype; " + std::string(known_dtypes)};
      if (value.is_sequence())
        for (const Yaml& item : value.items)
          if (item.is_mapping()) throw ExpressionError{"this is no dtype; " + std::string(known_dtypes)};
      return parse_dtype(joined(value));
    });
  }
  StreamType type(const Yaml& entry, std::string_view what) const {
    StreamType out{dtype(entry, "dtype", what), dims(entry, what)};
    for (const Field& field : out.dtype.fields)
      if (out.shape.size() + field.buffer.size() + (field.experts ? 1 : 0) > most_axes)
        fail(entry.line, std::string(what) + " has more than " + std::to_string(most_axes) +
                             " axes in its array; use fewer dims");
    return out;
  }

  std::int64_t integer(const Yaml& entry, std::string_view key) const {
    const Yaml& value = need(entry, key, "a Multihot input");
    const std::string& text = scalar(value, key);
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || end != text.data() + text.size() || out < 0 || out > largest_dim)
      fail(value.line, excerpt(key) + " must be an integer in 0.." + std::to_string(largest_dim) +
                           "; it is " + excerpt(text));
    return out;
  }
  Input input(const Yaml& entry, std::string_view what) const {
    Input out;
    out.name = name(entry, "name", what);
    const std::string whole = std::string(what) + " (" + out.name + ")";
    out.type = type(entry, whole);
    if (out.type.dtype.is_tuple())
      fail(entry.line, whole + " cannot be a tuple; make one entry per component");
    if (out.type.dtype.fields[0].experts && (entry.find("min") != nullptr || entry.find("max") != nullptr)) {
      out.generator = Generator::multihot;
      out.min = integer(entry, "min");
      out.max = integer(entry, "max");
      if (out.min > out.max) fail(entry.line, whole + " has min > max; exchange them");
      const Dim& experts = *out.type.dtype.fields[0].experts;
      if (experts.is_constant() && out.max > experts.constant())
        fail(entry.line, whole + " has max > " + experts.text() + ", its length; lower it");
      return out;
    }
    const Yaml* source = entry.find("data_gen");
    if (source == nullptr)
      fail(entry.line, whole + " lacks the key 'data_gen' (or min and max, for a Multihot); add it");
    const std::string& text = scalar(*source, "data_gen");
    const std::string_view word = text.starts_with("torch.") ? std::string_view(text).substr(6) : text;
    if (word == "rand")
      out.generator = Generator::uniform;
    else if (word == "randn")
      out.generator = Generator::normal;
    else if (word == "ones")
      out.generator = Generator::ones;
    else if (word == "zeros")
      out.generator = Generator::zeros;
    else if (word == "binary")
      out.generator = Generator::binary;
    else
      fail(source->line, "unknown data_gen " + excerpt(text) +
                             "; known are torch.rand, torch.randn, torch.ones, torch.zeros and binary");
    return out;
  }
  Function function(const Yaml& entry) const {
    Function out;
    out.name = name(entry, "func_name", "a function");
    const std::string whole = "the function " + out.name;
    out.class_name = name(entry, "name", whole);
    out.input = dtype(entry, "input_dtype", whole);
    out.output = dtype(entry, "output_dtype", whole);
    out.apply = snippet(need(entry, "apply", whole), "apply");
    if (const Yaml* init = entry.find("init")) {
      std::vector<double> constants;
      if (init->is_mapping())
        fail(init->line, "'init' must be a list of constants such as [0, -inf]; write one");
      if (init->is_scalar()) constants.push_back(constant(*init));
      for (const Yaml& item : init->items) constants.push_back(constant(item));
      if (constants.size() != out.output.fields.size())
        fail(init->line, "'init' of " + out.name + " has " + std::to_string(constants.size()) +
                             " constants, its output_dtype " + std::to_string(out.output.fields.size()) +
                             " components; give one constant per component");
      out.init = std::move(constants);
    }
    return out;
  }
  double constant(const Yaml& value) const {
    return reading(value, "init", [&] { return parse_constant(scalar(value, "init")); });
  }
  Output output(const Yaml& entry) const {
    Output out;
    out.name = name(entry, "name", "an output");
    const std::string whole = "the output " + out.name;
    out.type = type(entry, whole);
    const Yaml& transforms = need(entry, "data_transform", whole);
    if (transforms.is_scalar()) out.data_transform.push_back(snippet(transforms, "data_transform"));
    if (transforms.is_mapping())
      fail(transforms.line, "'data_transform' must be a list of snippets; start each with '- |'");
    for (const Yaml& item : transforms.items) out.data_transform.push_back(snippet(item, "data_transform"));
    const std::size_t fields = out.type.dtype.fields.size();
    if (out.data_transform.size() != fields)
      fail(transforms.line, whole + " has " + std::to_string(out.data_transform.size()) +
                                " data_transform, its dtype " + std::to_string(fields) +
                                " components; give one snippet per component");
    return out;
  }

  /// Names share scopes: inputs, functions and symbols in a program, inputs and parameters in `input_data`.
  void require_unique(const Yaml& root, const Task& task) const {
    std::vector<std::pair<std::string_view, std::string_view>> program, data, outputs; // name, list
    for (const auto& i : task.inputs)
      program.emplace_back(i.name, "inputs"), data.emplace_back(i.name, "inputs");
    for (const auto& p : task.parameters) data.emplace_back(p.name, "parameters");
    for (const auto& f : task.functions) program.emplace_back(f.name, "fns");
    for (const auto& o : task.outputs) outputs.emplace_back(o.name, "outputs");
    for (auto* scope : {&program, &data, &outputs}) {
      std::sort(scope->begin(), scope->end());
      const auto twice = std::adjacent_find(scope->begin(), scope->end(),
                                            [](const auto& a, const auto& b) { return a.first == b.first; });
      if (twice == scope->end()) continue;
      const Yaml* list = root.find((twice + 1)->second);
      fail(list != nullptr ? list->line : root.line,
           "the name " + excerpt(twice->first) + " is given twice; rename one of the two");
    }
  }

  std::string file_;
};

} // namespace detail

/// Reads one task from the text of a file; `file` is for messages. Throws TaskError, nothing else. O(text).
[[nodiscard]] inline Task read_task(std::string_view text, const std::string& file, std::string id) {
  const Yaml root = parse_yaml(text, file);
  const Meter meter({.steps = 1'000'000}); // for the arithmetic of its dims
  if (root.is_null()) throw TaskError(file, 0, "the file is empty; a task needs inputs and outputs");
  return detail::TaskReader(file).read(root, std::move(id));
}

/// Reads one task. An empty id becomes folder/basename of the file. Throws TaskError, nothing else. O(file).
[[nodiscard]] inline Task load_task(const std::filesystem::path& file, std::string id = "") {
  std::error_code error;
  const auto kind = std::filesystem::status(file, error).type();
  if (kind == std::filesystem::file_type::fifo || kind == std::filesystem::file_type::socket ||
      kind == std::filesystem::file_type::character || kind == std::filesystem::file_type::block)
    throw TaskError(file.string(), 0, "this is no regular file, so reading it may never end; name a file");
  const std::string text = read_file(file);
  if (id.empty()) {
    const auto folder = std::filesystem::absolute(file).lexically_normal().parent_path().filename().string();
    id = (folder.empty() ? "" : folder + "/") + file.stem().string();
  }
  return read_task(text, file.string(), std::move(id));
}

/// Every `*.yaml` below the directory, symbolic links to directories not followed, sorted by id (the path
/// below the directory without extension). Throws TaskError for the first file that is no task, and when
/// there is none.
[[nodiscard]] inline std::vector<std::shared_ptr<const Task>>
load_tasks(const std::filesystem::path& directory) {
  namespace fs = std::filesystem;
  constexpr std::size_t most = 100'000;
  std::error_code error;
  if (!fs::is_directory(directory, error))
    throw TaskError(directory.string(), 0, "there is no such directory; name one with task files (*.yaml)");
  std::vector<std::pair<std::string, fs::path>> files;
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && it != end; it.increment(error)) {
    if (it.depth() > 16) it.disable_recursion_pending();
    if (it->path().extension() != ".yaml" || it->is_directory(error)) continue;
    files.emplace_back(it->path().lexically_relative(directory).replace_extension().generic_string(),
                       it->path());
    if (files.size() > most)
      throw TaskError(directory.string(), 0,
                      "more than " + std::to_string(most) + " task files; name a smaller directory");
  }
  if (error) throw TaskError(directory.string(), 0, "cannot list the directory: " + error.message());
  if (files.empty())
    throw TaskError(directory.string(), 0, "no task files (*.yaml) below it; name another directory");
  std::sort(files.begin(), files.end());
  std::vector<std::shared_ptr<const Task>> tasks;
  tasks.reserve(files.size());
  for (auto& [id, file] : files) tasks.push_back(std::make_shared<const Task>(load_task(file, id)));
  return tasks;
}

} // namespace step
