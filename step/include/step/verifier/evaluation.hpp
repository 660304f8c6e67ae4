// SPDX-License-Identifier: MIT
// Evaluates a plan on the data of a task instance: operators over whole arrays, function bodies once for all
// positions, and position by position where a body's control flow depends on data.
#pragma once

#include "step/verifier/plan.hpp"
#include "step/verifier/task_instance.hpp"

#include <algorithm>
#include <vector>

namespace step {

/// Calls the bodies of the task's functions. One per evaluation; not thread-safe.
class BodyCaller : public operators::FunctionCaller {
 public:
  using Tensor = tensor::Tensor;

  explicit BodyCaller(const TaskInstance& instance)
      : instance_(instance), per_position_(instance.task().functions.size()) {}

  std::vector<Tensor> call(const Function& fn, std::span<const Tensor> state,
                           std::span<const Tensor> input) override {
    const auto index = static_cast<std::size_t>(&fn - instance_.task().functions.data());
    const bool batched = input[0].lead() > 0;
    try {
      if (!batched || !per_position_[index]) {
        try {
          return call_body(fn, state, input, input[0].lead_sizes());
        } catch (const Fault& fault) {
          if (!batched || fault.kind != FaultKind::per_position) throw;
          per_position_[index] = true;
        }
      }
      return call_each(fn, state, input);
    } catch (Fault& fault) {
      if (fault.kind == FaultKind::limit) throw;
      throw Fault(FaultKind::value, "in the body of " + fn.name + ": " + fault.message);
    }
  }

 private:
  std::vector<Tensor> call_body(const Function& fn, std::span<const Tensor> state,
                                std::span<const Tensor> input, std::span<const std::int64_t> lead_sizes) {
    const auto& body = instance_.body(fn);
    interp::Heap heap;
    SnippetHost host;
    interp::Interpreter in(heap, host);
    auto* frame = heap.make<interp::Frame>(*fn.apply.tree, nullptr, nullptr, false);
    frame->slots = body.root->slots;
    const auto bind = [&](std::uint32_t id, std::span<const Tensor> tensors) {
      if (id == TaskInstance::Body::none) return;
      std::vector<interp::Value> items;
      for (const auto& t : tensors) items.push_back(heap.make<vocabulary::TensorObject>(t));
      frame->slots[id] = heap.make<interp::List>(std::move(items));
    };
    bind(body.input, input);
    bind(body.state, state);
    const auto result = in.run(*fn.apply.tree, *frame);
    std::span<const interp::Value> items;
    if (!interp::sequence_items(result, items)) items = {&result, 1};
    if (items.size() != fn.output.fields.size())
      throw Fault(FaultKind::value, "it returns " + std::to_string(items.size()) +
                                        " components, but its output_dtype " + fn.output.text() + " has " +
                                        std::to_string(fn.output.fields.size()));
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < items.size(); ++i)
      out.push_back(fitted(items[i], fn.output.fields[i], lead_sizes));
    return out;
  }

  /// What a body returned as a tensor of the declared element axes and the wanted lead axes.
  Tensor fitted(interp::Value v, const Field& field, std::span<const std::int64_t> lead_sizes) {
    Tensor t;
    if (auto* object = v.as<vocabulary::TensorObject>())
      t = object->tensor.to(instance_.precision());
    else if (v.is_number())
      t = Tensor::scalar(tensor::Scalar(v.as_real()), instance_.precision());
    else
      throw Fault(FaultKind::value,
                  "it returns a " + std::string(interp::type_name(v)) + " where a tensor is needed");
    const auto lead = static_cast<int>(lead_sizes.size());
    if (t.lead() == 0)
      for (int i = 0; i < lead; ++i) t = t.inserted(i, lead_sizes[static_cast<std::size_t>(i)]);
    t = t.with_lead(lead);
    const auto wanted = field.axes(instance_.bindings());
    const auto mismatch = [&] {
      throw Fault(FaultKind::value, "it returns " + tensor::text(t.element_sizes()) + " where " +
                                        field.text() + " = " + tensor::text(wanted) + " is declared");
    };
    const auto rank = static_cast<int>(wanted.size());
    while (t.rank() > rank && t.size(0) == 1) t = t.removed(lead); // (1, n) for a vector of n
    if (t.rank() > rank) mismatch();
    while (t.rank() < rank) t = t.inserted(lead);
    t = t.with_lead(lead);
    for (int i = 0; i < rank; ++i) {
      const auto size = wanted[static_cast<std::size_t>(i)];
      if (t.size(i) == size) continue;
      if (t.size(i) != 1) mismatch();
      t = t.expanded(lead + i, size);
    }
    return t;
  }

  std::vector<Tensor> call_each(const Function& fn, std::span<const Tensor> state,
                                std::span<const Tensor> input) {
    const auto lead_sizes = input[0].lead_sizes();
    const std::vector<std::int64_t> extent(lead_sizes.begin(), lead_sizes.end());
    std::vector<Tensor> out;
    for (const auto& field : fn.output.fields) {
      tensor::Shape sizes(lead_sizes);
      for (auto axis : field.axes(instance_.bindings())) sizes.push_back(axis);
      out.push_back(Tensor::empty(sizes, instance_.precision(), static_cast<int>(extent.size())));
    }
    if (std::find(extent.begin(), extent.end(), 0) != extent.end()) return out;
    std::vector<std::int64_t> at(extent.size(), 0);
    std::vector<Tensor> state_here(state.size()), input_here(input.size());
    do {
      for (std::size_t i = 0; i < state.size(); ++i) state_here[i] = state[i].at(at);
      for (std::size_t i = 0; i < input.size(); ++i) input_here[i] = input[i].at(at);
      const auto result = call_body(fn, state_here, input_here, {});
      for (std::size_t i = 0; i < out.size(); ++i) {
        auto place = out[i].at(at);
        tensor::copy(place, result[i]);
      }
    } while (operators::next_position(at, extent));
    return out;
  }

  const TaskInstance& instance_;
  std::vector<bool> per_position_; ///< functions whose body cannot be batched
};

/// A view costs nothing, but a stream larger than all that may be allocated is refused even if nothing reads
/// it.
inline void check_size(const tensor::Tensor& array) {
  const auto limit = Meter::current().limits().elements;
  if (static_cast<std::uint64_t>(array.numel()) > limit)
    throw Fault(FaultKind::limit, "a stream of " + std::to_string(array.numel()) +
                                      " elements; the limit is " + std::to_string(limit));
}

/// The arrays of the plan's outputs. Faults carry the position of the operator that caused them.
inline std::vector<operators::StreamData> evaluate(const Plan& plan, const TaskInstance& instance) {
  auto bindings = instance.bindings();
  BodyCaller caller(instance);
  operators::EvaluationContext context{bindings, caller};
  std::vector<operators::StreamData> data(plan.streams.size());
  std::copy(instance.inputs().begin(), instance.inputs().end(), data.begin());
  // arrays are dropped after their last reader, so that a long program holds few of them
  std::vector<std::size_t> last_reader(plan.streams.size(), 0);
  for (std::size_t i = 0; i < plan.nodes.size(); ++i)
    for (auto id : plan.nodes[i].inputs) last_reader[id] = i;
  for (auto id : plan.outputs) last_reader[id] = plan.nodes.size();
  std::vector<const operators::StreamData*> arguments;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const auto& node = plan.nodes[i];
    arguments.clear();
    for (auto id : node.inputs) arguments.push_back(&data[id]);
    const auto types = std::span(plan.streams).subspan(node.first_output, node.outputs);
    try {
      auto made = node.op->evaluate(node.config, arguments, types, context);
      for (const auto& stream : made)
        for (const auto& array : stream) check_size(array);
      for (std::size_t k = 0; k < made.size(); ++k) data[node.first_output + k] = std::move(made[k]);
    } catch (Fault& fault) {
      fault.at = node.at;
      throw;
    }
    for (auto id : node.inputs)
      if (last_reader[id] == i) data[id].clear();
  }
  std::vector<operators::StreamData> out;
  for (auto id : plan.outputs) out.push_back(data[id]);
  return out;
}

} // namespace step
