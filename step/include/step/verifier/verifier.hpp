// SPDX-License-Identifier: MIT
// Verifies programs against one task: parse, names, types, affine rule, outputs, values. A failing program is
// a verdict; the only exceptions are for a task that is itself broken.
#pragma once

#include "step/affine/syntactic.hpp"
#include "step/syntax/parser.hpp"
#include "step/syntax/rules.hpp"
#include "step/verifier/evaluation.hpp"
#include "step/verifier/verdict.hpp"
#include "step/verifier/verdict_cache.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace step {

struct VerifyOptions {
  AffineRule affine = AffineRule::flow;
  /// Checked besides the default sizes, in double precision: at larger sizes float32 rounding alone can
  /// exceed the tolerance.
  std::vector<SizeAssignment> extra_sizes{};
  int seeds = 1;           ///< seeds per choice of sizes; those after the first in double precision
  std::uint64_t seed = 42; ///< the first
  Limits limits{};         ///< per evaluation
  /// Memory for verdicts that are remembered, so that a program that comes again is not verified again; 0:
  /// none.
  std::size_t cache_bytes = 0;
};

/// Immutable after construction: verify() may be called from many threads at once.
class Verifier {
 public:
  static constexpr double absolute_tolerance = 1e-5, relative_tolerance = 1.3e-6;

  /// Evaluates the task's references at every choice of sizes and seed. Throws TaskError when that fails.
  explicit Verifier(std::shared_ptr<const Task> task, VerifyOptions options = {})
      : task_(std::move(task)), options_(std::move(options)) {
    if (options_.cache_bytes > 0) cache_ = std::make_unique<VerdictCache>(options_.cache_bytes);
    std::vector<SizeAssignment> sizes{{}};
    sizes.insert(sizes.end(), options_.extra_sizes.begin(), options_.extra_sizes.end());
    for (const auto& s : sizes)
      for (int k = 0; k < std::max(options_.seeds, 1); ++k) {
        const auto precision = instances_.empty() ? tensor::DType::float32 : tensor::DType::float64;
        instances_.push_back(std::make_unique<const TaskInstance>(
            *task_, s, options_.seed + static_cast<unsigned>(k), precision, options_.limits));
      }
    for (const auto& [name, value] : instances_[0]->program_names()) reserved_.reserved.insert(name);
    for (const auto* name : {"check_data", "check_shape", "input_data", "torch"})
      reserved_.reserved.insert(name);
  }

  [[nodiscard]] const Task& task() const { return *task_; }
  [[nodiscard]] const TaskInstance& instance() const { return *instances_[0]; }

  /// Complexity: linear in the text and in the elements computed, both bounded by the limits; in the text
  /// alone when the verdict is remembered.
  [[nodiscard]] Verdict verify(std::string_view impl) const {
    if (!cache_) return compute(impl);
    auto key = "text " + std::string(impl);
    if (auto known = cache_->find(key)) return *std::move(known);
    auto verdict = compute(impl);
    cache_->keep(std::move(key), verdict);
    return verdict;
  }

  /// Takes a verdict as given, for a program that has been verified before (in an earlier run).
  void remember(std::string_view impl, const Verdict& verdict) const {
    if (cache_) cache_->keep("text " + std::string(impl), verdict);
  }

  /// The plan of a program that parses and types at the default sizes. Throws Fault.
  [[nodiscard]] Plan plan(const syntax::Tree& tree) const {
    Plan p;
    trace(p, tree, *instances_[0]);
    return p;
  }

 private:
  [[nodiscard]] Verdict compute(std::string_view impl) const {
    const Deadline deadline(options_.limits.seconds);
    Verdict v;
    syntax::Tree tree;
    try {
      Meter meter(options_.limits);
      tree = syntax::parse(impl);
      v.affine_syntactic = syntactic(affine::check_syntactic(tree));
      syntax::check_program_rules(tree, reserved_);
    } catch (const Fault& fault) {
      if (tree.root == nullptr)
        v.affine_syntactic = syntactic(affine::check_syntactic(impl)); // it knows all of Python
      return failed(std::move(v), fault);
    }
    std::string key;
    if (cache_ && options_.affine == AffineRule::flow) { // the syntactic checker's result depends on names
      key = "tree " + program_key(tree, [this](std::string_view name) { return is_known(name); });
      if (auto known = cache_->find(key)) {
        known->affine_syntactic = v.affine_syntactic;
        return *std::move(known);
      }
    }
    for (const auto& instance : instances_) {
      check(v, tree, *instance);
      if (!v.functional) break;
    }
    const auto deciding = options_.affine == AffineRule::flow ? v.affine_flow : v.affine_syntactic;
    v.pass = v.functional && deciding == Affine::pass;
    // what names a place in the text holds for this text only
    if (!key.empty() && v.at.line == 0 && v.warnings.empty()) cache_->keep(std::move(key), v);
    return v;
  }
  /// Whether the name means something before a program binds any.
  [[nodiscard]] bool is_known(std::string_view name) const {
    if (reserved_.reserved.contains(name) || interp::builtin(name) != nullptr) return true;
    return std::any_of(task_->inputs.begin(), task_->inputs.end(),
                       [&](const Input& input) { return input.name == name; });
  }

  static Affine syntactic(const affine::SyntacticReport& report) {
    switch (report.outcome) {
    case affine::Outcome::pass:
      return Affine::pass;
    case affine::Outcome::violation:
      return Affine::violation;
    default:
      return Affine::error;
    }
  }

  static Verdict failed(Verdict v, const Fault& fault, bool computing = false) {
    v.pass = v.functional = false;
    v.at = fault.at;
    v.message = fault.message;
    v.timed_out = fault.timed_out;
    switch (fault.kind) {
    case FaultKind::syntax:
    case FaultKind::rejected:
      v.stage = Stage::parse;
      break;
    case FaultKind::name:
      v.stage = Stage::names;
      break;
    case FaultKind::type:
      v.stage = computing ? Stage::values : Stage::type;
      break;
    case FaultKind::value:
    case FaultKind::per_position:
      v.stage = Stage::values;
      break;
    case FaultKind::limit:
      v.stage = Stage::limit;
      break;
    }
    return v;
  }

  void trace(Plan& plan, const syntax::Tree& tree, const TaskInstance& instance) const {
    const Meter meter(Meter::for_program(options_.limits));
    interp::Heap heap;
    auto* root = root_frame(heap, tree, instance.program_names());
    plan.streams.reserve(32); // enough for most programs
    plan.nodes.reserve(16);
    for (std::size_t i = 0; i < task_->inputs.size(); ++i) {
      plan.streams.push_back(task_->inputs[i].type);
      for (std::size_t id = 0; id < tree.names().size(); ++id)
        if (tree.names()[id] == task_->inputs[i].name)
          root->slots[id] = heap.make<StreamObject>(static_cast<StreamId>(i));
    }
    ProgramHost host(plan, instance.bindings());
    interp::Interpreter in(heap, host);
    host.finish(in.run(tree, *root));
  }

  /// One run at one choice of sizes and seed; fills in the verdict.
  void check(Verdict& v, const syntax::Tree& tree, const TaskInstance& instance) const {
    Meter meter(options_.limits);
    const tensor::FloatPrecision precision(instance.precision());
    Plan plan;
    bool computing = false;
    try {
      trace(plan, tree, instance);
      note_affine(v, plan);
      if (auto wrong = output_mismatch(plan); !wrong.empty()) {
        v.functional = false;
        report(v, Stage::shape, std::move(wrong));
        return;
      }
      computing = true;
      const auto got = evaluate(plan, instance);
      auto wrong = value_mismatch(plan, got, instance);
      v.functional = wrong.empty();
      if (!v.functional)
        report(v, Stage::values, std::move(wrong) + at_sizes(instance));
      else if (v.stage == Stage::parse)
        v.stage = Stage::passed;
    } catch (const Fault& fault) {
      if (plan.reuse) note_affine(v, plan);
      if (v.stage == Stage::affine && computing) { // the affine stage comes first
        v.functional = false;
        return;
      }
      v.warnings = std::move(plan.warnings);
      v = failed(std::move(v), fault, computing);
    }
  }

  void note_affine(Verdict& v, const Plan& plan) const {
    v.warnings = plan.warnings;
    if (v.affine_flow != Affine::violation) v.affine_flow = plan.reuse ? Affine::violation : Affine::pass;
    if (v.stage == Stage::affine) return;
    if (options_.affine == AffineRule::flow && plan.reuse) {
      v.stage = Stage::affine;
      v.at = plan.reuse->second;
      v.message = (plan.reuse->first == plan.reuse->second
                       ? std::string("a stream is consumed twice in one call")
                       : "a stream is consumed twice: first on line " +
                             std::to_string(plan.reuse->first.line) + ", again here") +
                  "; every stream may be consumed at most once, make a second one with "
                  "step.Copy().apply(..)";
    } else if (options_.affine == AffineRule::syntactic && v.affine_syntactic != Affine::pass) {
      v.stage = Stage::affine;
      v.message = "the syntactic affine check counts a name more than once; use step.Copy";
    }
  }

  /// Sets stage and message unless an earlier stage has already failed.
  static void report(Verdict& v, Stage stage, std::string message) {
    if (v.stage == Stage::affine) return;
    v.stage = stage;
    v.at = {};
    v.message = std::move(message);
  }

  [[nodiscard]] std::string output_mismatch(const Plan& plan) const {
    if (plan.outputs.size() != task_->outputs.size())
      return "the task has " + std::to_string(task_->outputs.size()) + " output(s), the program returns " +
             std::to_string(plan.outputs.size());
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const auto& want = task_->outputs[i];
      const auto& got = plan.streams[plan.outputs[i]];
      if (got.dtype != want.type.dtype)
        return want.name + " must hold " + want.type.dtype.text() + ", but the program returns " +
               got.dtype.text();
      if (got.shape != want.type.shape)
        return want.name + " must have dims " + text(want.type.shape) +
               " (innermost first), but the program returns " + text(got.shape);
    }
    return {};
  }

  [[nodiscard]] std::string value_mismatch(const Plan&, const std::vector<operators::StreamData>& got,
                                           const TaskInstance& instance) const {
    for (std::size_t i = 0; i < got.size(); ++i)
      for (std::size_t f = 0; f < got[i].size(); ++f) {
        const auto& expected = instance.expected()[i];
        if (f >= expected.size())
          return task_->outputs[i].name + " has no reference for component " + std::to_string(f);
        auto wrong = difference(got[i][f].to(instance.precision()).contiguous(), expected[f]);
        if (!wrong.empty()) return task_->outputs[i].name + " " + wrong;
      }
    return {};
  }

  static std::string difference(const tensor::Tensor& got, const tensor::Tensor& want) {
    if (got.sizes() != want.sizes())
      return "has an array of shape " + tensor::text(got.sizes()) + ", expected " +
             tensor::text(want.sizes());
    return tensor::visit_float(got.dtype(), [&]<class T>(std::type_identity<T>) -> std::string {
      const auto *g = got.data<T>(), *w = want.data<T>();
      std::int64_t wrong = 0, first = -1;
      for (std::int64_t i = 0; i < got.numel(); ++i) {
        const double x = g[i], y = w[i];
        // infinities must be equal; a NaN is never right
        const bool close = std::isfinite(x) && std::isfinite(y)
                               ? std::fabs(x - y) <= absolute_tolerance + relative_tolerance * std::fabs(y)
                               : x == y;
        if (close) continue;
        if (first < 0) first = i;
        ++wrong;
      }
      if (wrong == 0) return {};
      std::string index;
      auto rest = first;
      for (int axis = got.axes() - 1; axis >= 0; --axis) {
        index = std::to_string(rest % got.sizes()[axis]) + (index.empty() ? "" : ", " + index);
        rest /= got.sizes()[axis];
      }
      return "differs from the reference in " + std::to_string(wrong) + " of " + std::to_string(got.numel()) +
             " values; the first at [" + index + "]: expected " + interp::real_text(w[first]) + ", got " +
             interp::real_text(g[first]);
    });
  }

  [[nodiscard]] std::string at_sizes(const TaskInstance& instance) const {
    if (&instance == instances_[0].get()) return {};
    std::string out = " (at the sizes";
    for (const auto& [symbol, size] : instance.bindings().all())
      out += " " + symbol.name() + "=" + std::to_string(size);
    return out + ")";
  }

  std::shared_ptr<const Task> task_;
  VerifyOptions options_;
  std::vector<std::unique_ptr<const TaskInstance>> instances_; ///< the default sizes first
  syntax::RuleContext reserved_;
  std::unique_ptr<VerdictCache> cache_; ///< null when nothing is remembered
};

} // namespace step
