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
  /// Says in whose body a fault arose.
  template <class F> static auto located(const Function& fn, F f) {
    try {
      return f();
    } catch (Fault& fault) {
      if (fault.kind == FaultKind::limit) throw;
      throw Fault(FaultKind::value, "in the body of " + fn.name + ": " + fault.message);
    }
  }

 public:
  using Tensor = tensor::Tensor;

  explicit BodyCaller(const TaskInstance& instance)
      : instance_(instance), per_position_(instance.task().functions.size()) {}

  std::vector<Tensor> call(const Function& fn, std::span<const Tensor> state,
                           std::span<const Tensor> input) override {
    const bool batched = input[0].lead() > 0;
    auto no_batch = per_position_[static_cast<std::size_t>(&fn - instance_.task().functions.data())];
    return located(fn, [&] {
      if (!batched || !no_batch) {
        try {
          return call_body(fn, state, input, input[0].lead_sizes());
        } catch (const Fault& fault) {
          if (!batched || fault.kind != FaultKind::per_position) throw;
          no_batch = true;
        }
      }
      return call_each(fn, state, input);
    });
  }

  std::optional<operators::StreamData> fold(const Function& fn, const operators::StreamData& fields, int axes,
                                            int folded, bool every) override {
    if (!every && is_sum(fn))
      return {{BodyProgram::total(fields[0], axes - folded, folded, (*fn.init)[0]).with_lead(0)}};
    const auto* program = instance_.body(fn).program.get();
    if (program == nullptr || program->elementwise() == nullptr || !program->elementwise()->folds())
      return {};
    return program->elementwise()->fold(*fn.init, fields, axes, folded, every);
  }
  /// Whether fn is known to return `state[0] + input[0]` and nothing else.
  [[nodiscard]] bool is_sum(const Function& fn) const {
    const auto* program = instance_.body(fn).program.get();
    return program != nullptr && program->is_sum() && fn.input.fields == fn.output.fields;
  }

  /// Two arrays whose product is what fn gives for every position of a stream with `axes` axes; nothing when
  /// it is not known to compute a product.
  std::optional<BodyProgram::Product> product(const Function& fn, std::span<const Tensor> input) {
    const auto& body = instance_.body(fn);
    return located(fn, [&]() -> std::optional<BodyProgram::Product> {
      interp::Heap heap;
      auto out = body.program->run_to_product(heap, input);
      // it must be what the task declares, as it is not fitted to that
      if (!out || out->left.dtype() != instance_.precision() ||
          tensor::Shape(out->left.lead_sizes()) != tensor::Shape(input[0].lead_sizes()) ||
          tensor::Shape(out->left.element_sizes()) != body.output[0])
        return std::nullopt;
      return out;
    });
  }
  [[nodiscard]] bool is_product(const Function& fn) const {
    const auto* program = instance_.body(fn).program.get();
    return program != nullptr && program->is_product() && fn.output.fields.size() == 1;
  }

 private:
  std::vector<Tensor> call_body(const Function& fn, std::span<const Tensor> state,
                                std::span<const Tensor> input, std::span<const std::int64_t> lead_sizes) {
    const auto& body = instance_.body(fn);
    // what a call costs however few elements it computes; a fold makes one for every position
    Meter::current().step(2 + state.size() + input.size());
    if (body.program != nullptr && body.program->elementwise() != nullptr &&
        body.program->elementwise()->maps()) {
      const auto lead = static_cast<int>(lead_sizes.size());
      auto out = body.program->elementwise()->map(input, lead);
      for (auto& field : out) field = field.with_lead(lead);
      return out;
    }
    interp::Heap heap;
    if (body.program != nullptr)
      if (BodyProgram::Values values; body.program->run(heap, state, input, values))
        return all_fitted(fn, values, lead_sizes);
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
    return all_fitted(fn, items, lead_sizes);
  }

  std::vector<Tensor> all_fitted(const Function& fn, std::span<const interp::Value> items,
                                 std::span<const std::int64_t> lead_sizes) const {
    if (items.size() != fn.output.fields.size())
      throw Fault(FaultKind::value, "it returns " + std::to_string(items.size()) +
                                        " components, but its output_dtype " + fn.output.text() + " has " +
                                        std::to_string(fn.output.fields.size()));
    const auto& wanted = instance_.body(fn).output;
    std::vector<Tensor> out;
    out.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      out.push_back(fitted(items[i], fn.output.fields[i], wanted[i], lead_sizes));
    return out;
  }

  /// What a body returned as a tensor of the declared element axes and the wanted lead axes.
  Tensor fitted(interp::Value v, const Field& field, const tensor::Shape& wanted,
                std::span<const std::int64_t> lead_sizes) const {
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
    const auto mismatch = [&] {
      throw Fault(FaultKind::value, "it returns " + tensor::text(t.element_sizes()) + " where " +
                                        field.text() + " = " + tensor::text(wanted) + " is declared");
    };
    const int rank = wanted.size();
    while (t.rank() > rank && t.size(0) == 1) t = t.removed(lead); // (1, n) for a vector of n
    if (t.rank() > rank) mismatch();
    while (t.rank() < rank) t = t.inserted(lead);
    t = t.with_lead(lead);
    for (int i = 0; i < rank; ++i) {
      const auto size = wanted[i];
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

/// Evaluates one plan, node by node.
///
/// A product that is only ever added up is not computed: its operands pass through the views between Map and
/// Accum, and the Accum contracts them. A Repeat, Map and Accum that are a matrix product are thus computed
/// as one, and their largest stream never exists.
class PlanEvaluation {
 public:
  PlanEvaluation(const Plan& plan, const TaskInstance& instance)
      : plan_(plan), bindings_(instance.bindings()), caller_(instance), data_(plan.streams.size()),
        products_(plan.streams.size()) {
    std::copy(instance.inputs().begin(), instance.inputs().end(), data_.begin());
    find_readers();
  }

  /// The arrays of the plan's outputs. Faults carry the position of the operator that caused them.
  std::vector<operators::StreamData> run() {
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const auto& node = plan_.nodes[i];
      try {
        if (!in_products(node)) compute(node);
      } catch (Fault& fault) {
        fault.at = node.at;
        throw;
      }
      // arrays are dropped after their last reader, so that a long program holds few of them
      for (auto id : node.inputs)
        if (readers_[id].last == i) {
          data_[id].clear();
          products_[id].reset();
        }
    }
    std::vector<operators::StreamData> out;
    for (auto id : plan_.outputs) out.push_back(data_[id]);
    return out;
  }

 private:
  struct Readers {
    std::size_t last = 0; ///< the last node that reads the stream; past the end for an output
    std::size_t count = 0;
    bool only_added_up = false; ///< by one Accum, perhaps behind views
  };

  void find_readers() {
    readers_.resize(plan_.streams.size());
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i)
      for (auto id : plan_.nodes[i].inputs) {
        readers_[id].last = i;
        ++readers_[id].count;
      }
    for (auto id : plan_.outputs) {
      readers_[id].last = plan_.nodes.size();
      ++readers_[id].count;
    }
    for (std::size_t i = plan_.nodes.size(); i-- > 0;) {
      const auto& node = plan_.nodes[i];
      if (node.inputs.size() != 1 || readers_[node.inputs[0]].count != 1) continue;
      readers_[node.inputs[0]].only_added_up = is_total(node) || (node.op->view && added_up(node));
    }
  }
  [[nodiscard]] bool added_up(const PlanNode& node) const {
    return node.outputs == 1 && readers_[node.first_output].only_added_up;
  }
  [[nodiscard]] bool is_total(const PlanNode& node) const {
    return node.op->evaluate == operators::evaluate_accum && caller_.is_sum(*node.config.fn);
  }

  /// Computes the node with products that are left uncomputed, if it is part of such a chain.
  bool in_products(const PlanNode& node) {
    if (node.op->evaluate == operators::evaluate_map) {
      if (!added_up(node) || !caller_.is_product(*node.config.fn)) return false;
      operators::StreamData fields;
      const auto axes = static_cast<int>(plan_.streams[node.first_output].shape.size());
      for (auto id : node.inputs)
        for (const auto& field : data_[id]) fields.push_back(field.with_lead(axes));
      auto product = caller_.product(*node.config.fn, fields);
      if (!product) return false;
      product->left = product->left.with_lead(0);
      product->right = product->right.with_lead(0);
      products_[node.first_output] = std::move(product);
      return true;
    }
    if (node.inputs.empty() || !products_[node.inputs[0]]) return false;
    const auto& product = *products_[node.inputs[0]];
    if (is_total(node)) {
      const auto outer = static_cast<int>(plan_.streams[node.first_output].shape.size());
      auto total =
          BodyProgram::total(product, outer, static_cast<int>(node.config.count), (*node.config.fn->init)[0]);
      data_[node.first_output] = {total.with_lead(0)};
      return true;
    }
    const operators::StreamData operands{product.left, product.right};
    auto moved = evaluate_node(node, {&operands})[0];
    products_[node.first_output] = BodyProgram::Product{std::move(moved[0]), std::move(moved[1])};
    return true;
  }

  void compute(const PlanNode& node) {
    arguments_.clear();
    for (auto id : node.inputs) arguments_.push_back(&data_[id]);
    auto made = evaluate_node(node, arguments_);
    for (const auto& stream : made)
      for (const auto& array : stream) check_size(array);
    for (std::size_t k = 0; k < made.size(); ++k) data_[node.first_output + k] = std::move(made[k]);
  }
  std::vector<operators::StreamData>
  evaluate_node(const PlanNode& node, const std::vector<const operators::StreamData*>& arguments) {
    operators::EvaluationContext context{bindings_, caller_};
    const auto types = std::span(plan_.streams).subspan(node.first_output, node.outputs);
    return node.op->evaluate(node.config, arguments, types, context);
  }

  const Plan& plan_;
  Bindings bindings_; ///< Partition binds its fresh symbols
  BodyCaller caller_;
  std::vector<operators::StreamData> data_;                   ///< by StreamId; empty when not computed
  std::vector<std::optional<BodyProgram::Product>> products_; ///< by StreamId
  std::vector<Readers> readers_;
  std::vector<const operators::StreamData*> arguments_;
};

/// The arrays of the plan's outputs. Faults carry the position of the operator that caused them.
inline std::vector<operators::StreamData> evaluate(const Plan& plan, const TaskInstance& instance) {
  return PlanEvaluation(plan, instance).run();
}

} // namespace step
