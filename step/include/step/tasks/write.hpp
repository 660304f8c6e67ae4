// SPDX-License-Identifier: MIT
// The reverse of load.hpp: a task as YAML, for the solutions of a run and for tests.
// What is written reloads to the same task, whatever its texts contain.
#pragma once

#include "step/tasks/task.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace step {

namespace detail {

/// A double-quoted YAML scalar.
inline std::string yaml_quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7f)
      out.append("\\x").append(1, hex[byte >> 4U]).append(1, hex[byte & 15U]);
    else
      out.push_back(c);
  }
  return out + "\"";
}

/// A text after "key: " or "- ": a literal block where that keeps every character, else in double quotes.
inline std::string yaml_text(std::string_view text, std::size_t indent) {
  const bool block = text.find('\n') != std::string_view::npos && text.front() != '\n' &&
                     text.find_first_of("\r\t") == std::string_view::npos &&
                     text.find_first_not_of(" \n") != std::string_view::npos && !text.ends_with("\n\n") &&
                     text.find(" \n") == std::string_view::npos && !text.ends_with(' ');
  bool printable = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    printable = printable && (byte >= 0x20 || c == '\n') && byte != 0x7f;
  }
  if (!block || !printable) return yaml_quoted(text);
  std::string out = "|";
  if (text.front() == ' ') out += "2"; // else the first line would decide the indentation
  if (!text.ends_with('\n')) out += "-";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out += '\n';
    if (end > begin) out.append(indent, ' ').append(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

inline std::string yaml_dtype(const DType& dtype) {
  if (!dtype.is_tuple()) return dtype.fields[0].text();
  std::string out = "[";
  for (std::size_t i = 0; i < dtype.fields.size(); ++i)
    out += (i != 0 ? ", " : "") + yaml_quoted(dtype.fields[i].text());
  return out + "]";
}

inline std::string yaml_dims(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::string dim = shape[i].text();
    const bool plain =
        dim.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
        std::string::npos;
    out += (i != 0 ? ", " : "") + (plain ? dim : yaml_quoted(dim));
  }
  return out + "]";
}

inline std::string yaml_constant(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

inline void write_inputs(std::string& out, std::string_view key, const std::vector<Input>& inputs) {
  if (inputs.empty()) return;
  out.append(key).append(":\n");
  for (const Input& input : inputs) {
    out += "  - name: " + yaml_quoted(input.name) + "\n    dtype: " + yaml_dtype(input.type.dtype) +
           "\n    dims: " + yaml_dims(input.type.shape) + "\n";
    static constexpr std::string_view names[] = {"torch.rand", "torch.randn", "torch.ones", "torch.zeros",
                                                 "binary"};
    if (input.generator == Generator::multihot)
      out += "    min: " + std::to_string(input.min) + "\n    max: " + std::to_string(input.max) + "\n";
    else
      out.append("    data_gen: ").append(names[static_cast<std::size_t>(input.generator)]).append("\n");
  }
}

} // namespace detail

/// The task as a YAML document in the format that load.hpp reads. O(task).
[[nodiscard]] inline std::string to_yaml(const Task& task) {
  using namespace detail;
  std::string out = "test_name: " + yaml_quoted(task.test_name) + "\n";
  if (task.global.tree) out += "global: " + yaml_text(task.global.text, 2) + "\n";
  write_inputs(out, "inputs", task.inputs);
  write_inputs(out, "parameters", task.parameters);
  if (!task.functions.empty()) out += "fns:\n";
  for (const Function& f : task.functions) {
    out += "  - name: " + yaml_quoted(f.class_name) + "\n    func_name: " + yaml_quoted(f.name) +
           "\n    apply: " + yaml_text(f.apply.text, 6) + "\n";
    if (f.init) {
      out += "    init: [";
      for (std::size_t i = 0; i < f.init->size(); ++i)
        out += (i != 0 ? ", " : "") + yaml_constant((*f.init)[i]);
      out += "]\n";
    }
    out += "    input_dtype: " + yaml_dtype(f.input) + "\n    output_dtype: " + yaml_dtype(f.output) + "\n";
  }
  out += "outputs:\n";
  for (const Output& o : task.outputs) {
    out += "  - name: " + yaml_quoted(o.name) + "\n    dtype: " + yaml_dtype(o.type.dtype) +
           "\n    dims: " + yaml_dims(o.type.shape) + "\n    data_transform:\n";
    for (const Snippet& s : o.data_transform) out += "      - " + yaml_text(s.text, 8) + "\n";
  }
  if (task.impl) out += "impl: " + yaml_text(*task.impl, 2) + "\n";
  return out;
}

} // namespace step
