// SPDX-License-Identifier: MIT
// A task at one choice of sizes, seed and precision: bound symbols, generated inputs, evaluated `global`, and
// the reference outputs. Immutable once made, so that the samples of a task share it between threads.
#pragma once

#include "step/tasks/inputs.hpp"
#include "step/tasks/task_error.hpp"
#include "step/verifier/body_program.hpp"
#include "step/verifier/program_host.hpp"
#include "step/verifier/snippet_host.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace step {

/// Sizes by symbol name, e.g. {{"M", 6}, {"N", 4}}; symbols that are not named keep their usual size.
struct SizeAssignment {
  std::vector<std::pair<std::string, std::int64_t>> sizes{};
};

/// Names and what they mean, for the root frame of a text.
using Environment = boost::unordered_flat_map<std::string_view, interp::Value, std::hash<std::string_view>>;

/// The root frame of a text: its free names looked up once.
inline interp::Frame* root_frame(interp::Heap& heap, const syntax::Tree& tree,
                                 const Environment& environment) {
  auto* frame = heap.make<interp::Frame>(tree, nullptr, nullptr, false);
  for (std::size_t id = 0; id < tree.names().size(); ++id) {
    if (const auto it = environment.find(tree.names()[id]); it != environment.end())
      frame->slots[id] = it->second;
    else if (auto* native = interp::builtin(tree.names()[id]))
      frame->slots[id] = native;
  }
  return frame;
}

class TaskInstance {
 public:
  /// Evaluates `global`, the inputs, the functions once, and the references: within `limits` each, and within
  /// `limits.seconds` together.
  /// Throws TaskError when the task's own text is at fault.
  TaskInstance(const Task& task, const SizeAssignment& sizes, std::uint64_t seed, tensor::DType precision,
               const Limits& limits, const InputVariation& variation = {})
      : task_(task), precision_(precision), seed_(seed), variation_(variation) {
    const tensor::FloatPrecision guard(precision);
    const Deadline deadline(limits.seconds);
    {
      const Meter meter(limits);
      evaluate("sizes", [&] { bind_symbols(sizes); });
      evaluate("global", [&] { run_global(sizes); });
    }
    {
      const Meter meter(limits);
      evaluate("inputs", [&] { generate_inputs(); });
    }
    bind_program_names();
    {
      const Meter meter(limits);
      for (const auto& fn : task.functions) {
        line_ = fn.apply.file_line;
        evaluate("the function " + fn.name, [&] { prepare(fn); });
      }
      line_ = 0;
    }
    heap_.freeze();
    const Meter meter(limits);
    interp::Heap scratch; // what the references compute on the way is not kept
    for (const auto& output : task.outputs)
      evaluate("data_transform of " + output.name, [&] { reference(scratch, output); });
    names_.clear();
  }
  TaskInstance(const TaskInstance&) = delete;
  TaskInstance& operator=(const TaskInstance&) = delete;

  [[nodiscard]] const Task& task() const { return task_; }
  [[nodiscard]] const Bindings& bindings() const { return bindings_; }
  [[nodiscard]] tensor::DType precision() const { return precision_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] const InputVariation& variation() const { return variation_; }
  /// What a program sees besides its inputs.
  [[nodiscard]] const Environment& program_names() const { return program_names_; }
  [[nodiscard]] const std::vector<operators::StreamData>& inputs() const { return inputs_; }
  /// The expected arrays, an entry per output, a tensor per field.
  [[nodiscard]] const std::vector<operators::StreamData>& expected() const { return expected_; }

  /// A function's body with its free names resolved.
  struct Body {
    interp::Frame* root = nullptr;
    std::uint32_t input = none,
                  state = none; ///< ids of the names `input` and `state`, when the body uses them
    static constexpr std::uint32_t none = ~0U;
    std::unique_ptr<const BodyProgram> program; ///< null when the body must be interpreted
    std::vector<tensor::Shape> output;          ///< the sizes of one position, a field each
  };
  [[nodiscard]] const Body& body(const Function& fn) const {
    return bodies_[static_cast<std::size_t>(&fn - task_.functions.data())];
  }

 private:
  template <class F> void evaluate(const std::string& what, F f) {
    try {
      f();
    } catch (const Fault& fault) {
      const auto line = line_ == 0 ? 0 : line_ + (fault.at.line == 0 ? 0 : fault.at.line - 1);
      throw TaskError(task_.file, line, task_.id + ": " + what + ": " + fault.message);
    }
  }

  void bind_symbols(const SizeAssignment& sizes) {
    ctx_ = heap_.make<interp::Dict>();
    const auto symbol = [&](Symbol s) {
      const auto name = keep(s.name());
      auto [it, added] = names_.try_emplace(name);
      if (added) it->second = heap_.make<interp::DimObject>(Dim(s));
      return it->second;
    };
    for (const auto* name : {"M", "N", "K", "D", "E"}) symbol(Symbol::named(name));
    const auto bind = [&](std::string_view name, std::int64_t size) {
      if (size < 1 || size > 1'000'000)
        throw Fault(FaultKind::type, "the size of " + std::string(name) + " must be from 1 to 1000000, got " +
                                         std::to_string(size));
      const auto s = Symbol::named(name);
      bindings_.set(s, size);
      ctx_->table.set(symbol(s), interp::Value::integer(size));
      names_[keep(std::string(name) + "_value")] = interp::Value::integer(size);
    };
    for (const auto& [name, size] : default_sizes) bind(name, size);
    for (const auto& [name, size] : sizes.sizes) bind(name, size);
    names_[keep("ctx")] = ctx_;
    names_[keep("torch")] = heap_.make<interp::Module>("torch");
    names_[keep("math")] = heap_.make<interp::Module>("math");
    names_[keep("sympy")] = heap_.make<interp::Module>("sympy");
    input_data_ = heap_.make<interp::Dict>();
    names_[keep("input_data")] = input_data_;
  }

  void run_global(const SizeAssignment& sizes) {
    if (task_.global.tree == nullptr) return;
    line_ = task_.global.file_line;
    run(heap_, task_.global,
        [&](interp::Interpreter& in, interp::Frame& root) { in.run(*task_.global.tree, root); });
    for (const auto& [name, size] : sizes.sizes) { // what the caller asks for outranks the file
      ctx_->table.set(heap_.make<interp::DimObject>(Dim(Symbol::named(name))), interp::Value::integer(size));
      names_[keep(name + "_value")] = interp::Value::integer(size);
    }
    for (const auto& entry : ctx_->table.entries()) {
      if (!entry.key.is_set()) continue;
      auto* dim = entry.key.as<interp::DimObject>();
      if (dim == nullptr || !dim->dim.symbol() || !entry.value.is_int() || entry.value.as_int() < 1 ||
          entry.value.as_int() > 1'000'000)
        throw Fault(FaultKind::type, "ctx must map symbols to sizes from 1 to 1000000");
      bindings_.set(*dim->dim.symbol(), entry.value.as_int());
    }
    line_ = 0;
  }

  /// Runs f with a root frame over the current names, and keeps the names the text has bound.
  template <class F> void run(interp::Heap& heap, const Snippet& snippet, F f) {
    SnippetHost host;
    interp::Interpreter in(heap, host);
    auto* root = root_frame(heap, *snippet.tree, names_);
    f(in, *root);
    for (std::size_t id = 0; id < root->slots.size(); ++id)
      if (root->slots[id].is_set()) names_[keep(std::string(snippet.tree->names()[id]))] = root->slots[id];
  }

  void generate_inputs() {
    std::uint64_t ordinal = 0;
    for (const auto& input : task_.inputs) {
      auto& stream = inputs_.emplace_back();
      auto* fields = input.type.dtype.is_tuple() ? heap_.make<interp::List>() : nullptr;
      for (const auto& field : input.type.dtype.fields) {
        auto one = input;
        one.type.dtype.fields = {field};
        auto array =
            generate(one, bindings_, seed_, ordinal++, precision_, variation_.factor(one.generator, false));
        array.freeze();
        stream.push_back(array);
        auto* object = heap_.make<vocabulary::TensorObject>(array);
        if (fields != nullptr)
          fields->items.push_back(object);
        else
          input_data_->table.set(heap_.make<interp::String>(input.name), object);
      }
      if (fields != nullptr) input_data_->table.set(heap_.make<interp::String>(input.name), fields);
    }
    for (const auto& parameter : task_.parameters) {
      auto array = generate(parameter, bindings_, seed_, ordinal++, precision_,
                            variation_.factor(parameter.generator, true));
      array.freeze();
      input_data_->table.set(heap_.make<interp::String>(parameter.name),
                             heap_.make<vocabulary::TensorObject>(std::move(array)));
    }
  }

  void bind_program_names() {
    program_names_[keep("step")] = heap_.make<interp::Module>("step");
    program_names_[keep("ctx")] = ctx_;
    for (const auto& [symbol, size] : bindings_.all()) {
      program_names_[keep(symbol.name())] = heap_.make<interp::DimObject>(Dim(symbol));
      program_names_[keep(symbol.name() + "_value")] = interp::Value::integer(size);
    }
    for (const auto& fn : task_.functions) program_names_[keep(fn.name)] = heap_.make<FunctionHandle>(fn);
  }

  void prepare(const Function& fn) {
    Body body;
    body.root = root_frame(heap_, *fn.apply.tree, names_);
    const auto& names = fn.apply.tree->names();
    for (std::uint32_t id = 0; id < names.size(); ++id) {
      if (names[id] == "input") body.input = id;
      if (names[id] == "state") body.state = id;
    }
    for (const auto* dtype : {&fn.input, &fn.output})
      for (const auto& field : dtype->fields)
        for (const auto size : field.axes(bindings_))
          if (size < 1)
            throw Fault(FaultKind::type, "its dtypes have a dim of size " + std::to_string(size) +
                                             "; sizes must be at least 1");
    for (const auto& field : fn.output.fields) body.output.emplace_back(field.axes(bindings_));
    body.program = BodyProgram::record(fn, heap_, *body.root, body.state, body.input, bindings_, precision_);
    bodies_.push_back(std::move(body));
  }

  void reference(interp::Heap& scratch, const Output& output) {
    auto& arrays = expected_.emplace_back();
    for (const auto& snippet : output.data_transform) {
      line_ = snippet.file_line;
      run(scratch, snippet, [&](interp::Interpreter& in, interp::Frame& root) {
        auto* t = in.run_to_value(*snippet.tree, root).as<vocabulary::TensorObject>();
        if (t == nullptr) throw Fault(FaultKind::type, "the expected value must be a tensor");
        arrays.push_back(t->tensor.to(precision_).contiguous());
        arrays.back().freeze();
      });
    }
    line_ = 0;
  }

  std::string_view keep(std::string name) { return *kept_.emplace(std::move(name)).first; }

  const Task& task_;
  tensor::DType precision_;
  std::uint64_t seed_;
  InputVariation variation_;
  std::uint32_t line_ = 0; ///< line of the file on which the snippet being evaluated starts
  interp::Heap heap_;
  std::unordered_set<std::string> kept_; ///< storage of the names below; nodes do not move
  Bindings bindings_;
  Environment names_, program_names_;
  interp::Dict* ctx_ = nullptr;
  interp::Dict* input_data_ = nullptr;
  std::vector<operators::StreamData> inputs_, expected_;
  std::vector<Body> bodies_;
};

} // namespace step

#ifndef STEP_SEPARATE_COMPILATION
#include "step/verifier/body_program_source.hpp"
#endif
