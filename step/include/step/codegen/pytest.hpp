// SPDX-License-Identifier: MIT
// A task and a program as a pytest file for the language's Python prototype (`import step`): the same
// functions, inputs, program text and reference, so that a verdict can be checked against the prototype.
#pragma once

#include "step/codegen/python_text.hpp"
#include "step/syntax/rules.hpp"
#include "step/tasks/task.hpp"
#include "step/tasks/task_error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace step {

namespace codegen {

class PytestFile {
 public:
  PytestFile(const Task& task, std::string_view impl) : task_(task), impl_(impl) {}

  std::string text() {
    reserve_names();
    header();
    snippet(task_.global, 0, "", false);
    if (task_.global.tree) out_ += '\n';
    helpers();
    for (const Function& f : task_.functions) function(f);
    body();
    checks();
    test();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const { throw TaskError(task_.file, 0, reason); }

  /// A name for our own use that the task does not use.
  std::string own(std::string name) {
    while (!names_.insert(name).second) name += '_';
    return name;
  }
  static void symbols_in(const Dim& dim, std::set<std::string>& out) {
    const std::string text = dim.text();
    const auto word = [](char c) { return c == '_' || (c >= '0' && c <= '9') || (c | 32) >= 'a'; };
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i;
      while (end < text.size() && word(text[end])) ++end;
      if (end > i && (text[i] < '0' || text[i] > '9')) out.insert(text.substr(i, end - i));
      i = std::max(end, i + 1);
    }
  }
  void symbols_in(const DType& dtype) {
    for (const Field& field : dtype.fields) {
      for (const Dim& dim : field.buffer) symbols_in(dim, symbols_);
      if (field.experts) symbols_in(*field.experts, symbols_);
    }
  }
  void symbols_in(const StreamType& type) {
    symbols_in(type.dtype);
    for (const Dim& dim : type.shape) symbols_in(dim, symbols_);
  }
  void reserve_names() {
    symbols_ = {"M", "N", "K", "D", "E"};
    for (const auto* list : {&task_.inputs, &task_.parameters})
      for (const Input& input : *list) symbols_in(input.type);
    for (const Function& f : task_.functions) symbols_in(f.input), symbols_in(f.output);
    for (const Output& o : task_.outputs) symbols_in(o.type);
    // what the generated code itself relies on
    names_ = {"step", "torch", "ctx", "input_data", "int",        "len",        "list",
              "zip",  "dict",  "all", "tuple",      "isinstance", "SyntaxError"};
    names_.insert(symbols_.begin(), symbols_.end());
    for (const Input& i : task_.inputs) task_name(i.name);
    for (const Function& f : task_.functions) task_name(f.name);
    for (const auto* snippet : snippets())
      if (snippet->tree) names_.insert(snippet->tree->names().begin(), snippet->tree->names().end());
    sympy_ = own("sympy");
    sizes_ = own("sizes");
    multihot_ = own("multihot");
    body_ = own("body");
    check_shape_ = own("check_shape");
    check_data_ = own("check_data");
    expected_ = own("expected");
    outputs_ = own("outputs");
  }
  void task_name(const std::string& name) {
    if (!names_.insert(name).second)
      fail("the name " + excerpt(name) + " means two things in this task; rename one of them");
  }
  std::vector<const Snippet*> snippets() const {
    std::vector<const Snippet*> out{&task_.global};
    for (const Function& f : task_.functions) out.push_back(&f.apply);
    for (const Output& o : task_.outputs)
      for (const Snippet& s : o.data_transform) out.push_back(&s);
    return out;
  }

  static std::string list(const Shape& dims, bool outermost_first = false) {
    std::string out = "[";
    for (std::size_t i = 0; i < dims.size(); ++i)
      out += (i != 0 ? ", " : "") + dims[outermost_first ? dims.size() - 1 - i : i].text();
    return out + "]";
  }
  static std::string dtype(const Field& field) {
    std::string element = "step.Scalar(\"float\")";
    if (field.experts) element = "step.Multihot(" + element + ", " + field.experts->text() + ")";
    return field.is_buffer() ? "step.Buffer(" + element + ", " + list(field.buffer) + ")" : element;
  }
  static std::string dtype(const DType& dtype_) {
    if (!dtype_.is_tuple()) return dtype(dtype_.fields.at(0));
    std::string out = "step.STuple((";
    for (std::size_t i = 0; i < dtype_.fields.size(); ++i)
      out += (i != 0 ? ", " : "") + dtype(dtype_.fields[i]);
    return out + "))";
  }
  static std::string number(double value) {
    if (std::isnan(value)) return "torch.nan";
    if (std::isinf(value)) return value < 0 ? "-torch.inf" : "torch.inf";
    std::array<char, 40> buffer{};
    return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
  }

  /// Reflection that a task's own code has no use for either: what it reaches is not in the language.
  static void require_plain(const syntax::Node& node, bool may_return) {
    using syntax::Kind;
    const auto refuse = [&](std::string_view what) {
      throw Fault{FaultKind::rejected, excerpt(what) + " cannot be used here", node.at};
    };
    if (node.kind == Kind::return_value && !may_return) refuse("return");
    if ((node.kind == Kind::attribute || node.kind == Kind::alias) && node.text.starts_with('_'))
      refuse(node.text);
    if (node.kind == Kind::name)
      for (const std::string_view word :
           {"exec", "eval", "compile", "getattr", "setattr", "delattr", "globals", "locals", "vars", "type",
            "open", "super", "breakpoint", "memoryview", "help", "exit", "quit"})
        if (node.text == word || node.text.starts_with("__")) refuse(node.text);
    may_return = may_return || node.kind == Kind::function;
    for (const auto* child : node.children)
      if (child != nullptr) require_plain(*child, may_return);
  }

  void snippet(const Snippet& s, std::size_t indent, std::string_view prefix, bool may_return) {
    if (!s.tree) return;
    try {
      const PythonBlock block(s.text);
      require_plain(*block.tree().root, may_return);
      if (!prefix.empty() && !block.last_is_expression())
        throw TaskError(task_.file, s.file_line,
                        "the last statement of a data_transform must be an expression: the "
                        "expected value; add it");
      out_ += block.indented(indent, prefix);
      if (!block.has_statements() && indent > 0) out_.append(indent, ' ').append("pass\n");
    } catch (const Fault& fault) {
      throw TaskError(task_.file, s.file_line,
                      "the snippet cannot be written as Python: " + fault.message + "; correct it");
    }
  }

  void header() {
    // the first line fixes the encoding, whatever the next one says
    out_ = "# -*- coding: utf-8 -*-\n# The task " + python_comment(task_.id) +
           " and a program for it, as a test for the Python prototype.\n" +
           "# Generated by `strata codegen`.\nimport " +
           (sympy_ == "sympy" ? "sympy" : "sympy as " + sympy_) + "\nimport torch\n\nimport step\n\n";
    std::string left, right;
    for (const auto& symbol : symbols_) {
      left += (left.empty() ? "" : ", ") + symbol;
      right += (right.empty() ? "" : ", ") + python_string(symbol);
    }
    out_ += left + " = [" + sympy_ + ".Symbol(name, integer=True) for name in (" + right + ")]\n" +
            "M_value, N_value, K_value, D_value = 5, 7, 9, 16\n"
            "ctx = {M: M_value, N: N_value, K: K_value, D: D_value}\n"
            "input_data = {}\n\n";
  }
  void helpers() {
    out_ += "\ndef " + sizes_ + "(dims):\n    return [int(" + sympy_ +
            ".sympify(dim).subs(ctx)) for dim in dims]\n\n";
    const auto is_multihot = [](const Input& i) { return i.generator == Generator::multihot; };
    if (std::any_of(task_.inputs.begin(), task_.inputs.end(), is_multihot) ||
        std::any_of(task_.parameters.begin(), task_.parameters.end(), is_multihot))
      out_ += "\ndef " + multihot_ +
              "(shape, low, high):\n"
              "    rows = torch.zeros(shape).reshape(-1, shape[-1])\n"
              "    for row in rows:\n"
              "        ones = int(torch.randint(low, high + 1, (1,)))\n"
              "        row[torch.randperm(shape[-1])[:ones]] = 1\n"
              "    return rows.reshape(shape)\n\n";
  }
  void function(const Function& f) {
    const std::string name = names_.count(f.class_name) == 0 ? own(f.class_name) : own(f.class_name + "_");
    out_ += "\nclass " + name +
            "(step.Fn):\n    def __init__(self, input, output):\n        step.Fn.__init__(self, " +
            python_string(f.class_name) + ", input, output)\n\n";
    if (f.init) {
      out_ += "    def getInit(self):\n        return [";
      for (std::size_t i = 0; i < f.init->size(); ++i) out_ += (i != 0 ? ", " : "") + number((*f.init)[i]);
      out_ += "]\n\n";
    }
    out_ += std::string("    def apply(self, ") + (f.init ? "state, " : "") + "input):\n";
    snippet(f.apply, 8, "", true);
    out_ += "\n\n" + f.name + " = " + name + "(" + dtype(f.input) + ", " + dtype(f.output) + ")\n\n";
  }
  void body() {
    out_ += "\ndef " + body_ + "(";
    for (std::size_t i = 0; i < task_.inputs.size(); ++i) out_ += (i != 0 ? ", " : "") + task_.inputs[i].name;
    out_ += "):\n";
    std::vector<std::string> inputs;
    for (const Input& i : task_.inputs) inputs.push_back(i.name);
    const PythonBlock block(impl_, inputs);
    syntax::RuleContext rules;
    rules.reserved = {"step", "torch", "ctx", "input_data", "check_data", "check_shape"};
    for (const Function& f : task_.functions) rules.reserved.insert(f.name);
    std::set<std::string> known; // the rules keep views
    for (const auto& symbol : symbols_) known.insert({symbol, symbol + "_value"});
    rules.reserved.insert(known.begin(), known.end());
    syntax::check_program_rules(block.tree(), rules);
    out_ += block.indented(4);
    if (!block.has_statements()) out_ += "    pass\n";
    out_ += "\n\n";
  }
  void checks() {
    out_ += "def " + check_shape_ + "(stream, dtype, dims):\n" +
            "    assert stream.dtype == dtype, f\"dtype {stream.dtype}, expected {dtype}\"\n"
            "    same = [" +
            sympy_ + ".expand(got - want) == 0 for got, want in zip(stream.shape, dims)]\n" +
            "    assert stream.rank == len(dims) - 1 and all(same), f\"shape {stream.shape}, expected "
            "{dims}\"\n\n\n"
            "def " +
            check_data_ + "(stream, arrays):\n" +
            "    assert len(stream.data) == len(arrays)\n"
            "    for got, want in zip(stream.data, arrays):\n"
            "        torch.testing.assert_close(got, want, rtol=1.3e-6, atol=1e-5, check_dtype=False)\n\n\n"
            "def " +
            expected_ + "():\n";
    std::string result;
    for (const Output& o : task_.outputs) {
      std::string arrays;
      for (std::size_t i = 0; i < o.data_transform.size(); ++i) {
        const std::string name = own(o.name + "_" + std::to_string(i));
        snippet(o.data_transform[i], 4, name + " = ", false);
        arrays += (arrays.empty() ? "" : ", ") + name;
      }
      result += (result.empty() ? "[" : ", [") + arrays + "]";
    }
    out_ += "    return [" + result + "]\n\n\n";
  }
  void generate(const Input& input) {
    const Field& field = input.type.dtype.fields.at(0);
    Shape axes(input.type.shape.rbegin(), input.type.shape.rend());
    axes.insert(axes.end(), field.buffer.rbegin(), field.buffer.rend());
    if (field.experts) axes.push_back(*field.experts);
    const std::string shape = sizes_ + "(" + list(axes) + ")";
    out_ += "    input_data[" + python_string(input.name) + "] = ";
    switch (input.generator) {
    case Generator::uniform:
      out_ += "torch.rand(" + shape + ")";
      break;
    case Generator::normal:
      out_ += "torch.randn(" + shape + ")";
      break;
    case Generator::ones:
      out_ += "torch.ones(" + shape + ")";
      break;
    case Generator::zeros:
      out_ += "torch.zeros(" + shape + ")";
      break;
    case Generator::binary:
      out_ += "torch.randint(0, 2, " + shape + ").float()";
      break;
    case Generator::multihot:
      out_ +=
          multihot_ + "(" + shape + ", " + std::to_string(input.min) + ", " + std::to_string(input.max) + ")";
      break;
    }
    out_ += '\n';
  }
  void test() {
    std::string name = "test_";
    for (const char c : task_.id) name += is_word(c) ? c : '_';
    out_ += "def " + own(name) + "():\n    torch.manual_seed(42)\n";
    for (const Input& i : task_.inputs) generate(i);
    for (const Input& p : task_.parameters) generate(p);
    std::string arguments;
    for (const Input& i : task_.inputs) {
      const std::string stream = i.name;
      out_ += "    " + stream + " = step.Stream(" + python_string(i.name) + ", " + dtype(i.type.dtype) +
              ", " + std::to_string(i.type.rank()) + ", " + list(i.type.shape) + ")\n    " + stream +
              ".ctx = dict(ctx)\n    " + stream + ".data = [input_data[" + python_string(i.name) +
              "].clone()]\n";
      arguments += (arguments.empty() ? "" : ", ") + i.name;
    }
    out_ += "    " + outputs_ + " = " + body_ + "(" + arguments + ")\n";
    out_ += "    if not isinstance(" + outputs_ + ", (tuple, list)):\n        " + outputs_ + " = [" +
            outputs_ + "]\n";
    out_ += "    assert len(" + outputs_ + ") == " + std::to_string(task_.outputs.size()) + "\n";
    std::size_t index = 0;
    for (const Output& o : task_.outputs)
      out_ += "    " + check_shape_ + "(" + outputs_ + "[" + std::to_string(index++) + "], " +
              dtype(o.type.dtype) + ", " + list(o.type.shape) + ")\n";
    const std::string arrays = expected_ + "()";
    out_ += "    for stream, arrays in zip(" + outputs_ + ", " + arrays + "):\n        " + check_data_ +
            "(stream, arrays)\n";
  }
  static bool is_word(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  const Task& task_;
  std::string_view impl_;
  std::string out_;
  std::set<std::string> symbols_;
  std::set<std::string, std::less<>> names_;
  std::string sympy_, sizes_, multihot_, body_, check_shape_, check_data_, expected_, outputs_;
};

} // namespace codegen

/// The file's text, which Python compiles. Throws Fault for a program that the language refuses or that
/// Python does not compile inside a function; whether its names and types are right is for the verifier to
/// say, before. Throws TaskError when the task cannot be expressed. O(texts).
[[nodiscard]] inline std::string pytest_file(const Task& task, std::string_view impl) {
  return codegen::PytestFile(task, impl).text();
}

} // namespace step
