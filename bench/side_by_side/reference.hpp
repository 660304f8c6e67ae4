// SPDX-License-Identifier: MIT
// The reference expressions of a task on prepared inputs, to be evaluated again and again: parsed and bound
// once, then interpreted every time, as PyTorch's side runs code that was compiled once.
#pragma once

#include "fixtures.hpp"

#include "step/interpreter/interpreter.hpp"

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

class Reference {
 public:
  /// At the given sizes, in float32. Throws TaskError when the task is at fault.
  Reference(const step::Task& task, const step::SizeAssignment& sizes, std::uint64_t seed)
      : task_(with_references(task)), instance_(*task_, sizes, seed, step::tensor::DType::float32, generous) {
    for (std::size_t i = task.functions.size(); i < task_->functions.size(); ++i) {
      const auto& snippet = task_->functions[i].apply;
      snippets_.push_back({snippet.tree.get(), &instance_.body(task_->functions[i]).root->slots, {}});
    }
    // a later expression may use a name that an earlier one has bound
    for (std::size_t i = 0; i < snippets_.size(); ++i)
      for (std::size_t later = i + 1; later < snippets_.size(); ++later)
        for (std::uint32_t a = 0; a < snippets_[i].tree->names().size(); ++a)
          for (std::uint32_t b = 0; b < snippets_[later].tree->names().size(); ++b)
            if (snippets_[i].tree->names()[a] == snippets_[later].tree->names()[b])
              snippets_[i].handed_on.push_back({a, later, b});
  }

  [[nodiscard]] const step::TaskInstance& instance() const { return instance_; }
  /// The task that the instance is of: plans to be evaluated on it must be made for this copy.
  [[nodiscard]] const std::shared_ptr<const step::Task>& task() const { return task_; }

  /// What the expressions see as `input_data`: names of inputs and parameters, and their tensors (a list of
  /// them where an input has several fields).
  [[nodiscard]] const step::interp::Dict& input_data() const {
    for (const auto& s : snippets_)
      for (std::size_t id = 0; id < s.tree->names().size(); ++id)
        if (s.tree->names()[id] == "input_data")
          if (auto* dict = (*s.slots)[id].as<step::interp::Dict>()) return *dict;
    throw std::runtime_error(task_->id + ": no reference expression uses input_data");
  }

  /// The value of every expression, in order: outputs, and fields within an output.
  [[nodiscard]] std::vector<step::tensor::Tensor> evaluate() const {
    step::Meter meter(generous);
    const step::tensor::FloatPrecision precision(instance_.precision());
    step::interp::Heap heap;
    step::SnippetHost host;
    step::interp::Interpreter in(heap, host);
    std::vector<step::interp::Frame*> frames;
    for (const auto& s : snippets_) {
      frames.push_back(heap.make<step::interp::Frame>(*s.tree, nullptr, nullptr, false));
      frames.back()->slots = *s.slots;
    }
    std::vector<step::tensor::Tensor> out;
    for (std::size_t i = 0; i < snippets_.size(); ++i) {
      const auto value = in.run_to_value(*snippets_[i].tree, *frames[i]);
      out.push_back(value.as<step::vocabulary::TensorObject>()->tensor);
      for (const auto& [from, later, to] : snippets_[i].handed_on)
        if (frames[i]->slots[from].is_set()) frames[later]->slots[to] = frames[i]->slots[from];
    }
    return out;
  }

 private:
  struct HandedOn {
    std::uint32_t from;
    std::size_t later;
    std::uint32_t to;
  };
  struct Expression {
    const step::syntax::Tree* tree;
    const std::vector<step::interp::Value>* slots; ///< the names it finds, by id
    std::vector<HandedOn> handed_on;
  };

  /// The task with each reference expression as the body of one more function, because an instance resolves
  /// the names of function bodies once and for all.
  static std::shared_ptr<const step::Task> with_references(step::Task task) {
    for (const auto& output : task.outputs)
      for (const auto& snippet : output.data_transform) {
        step::Function fn;
        fn.name = "reference_" + std::to_string(task.functions.size());
        fn.apply = snippet;
        task.functions.push_back(std::move(fn));
      }
    return std::make_shared<const step::Task>(std::move(task));
  }

  std::shared_ptr<const step::Task> task_;
  step::TaskInstance instance_;
  std::vector<Expression> snippets_;
};

} // namespace bench
