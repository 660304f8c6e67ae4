// SPDX-License-Identifier: MIT
// Verifies programs against one task: parse, names, types, affine rule, outputs, values. A failing program is
// a verdict; the only exceptions are for a task that is itself broken.
#pragma once

#include "step/affine/syntactic.hpp"
#include "step/syntax/parser.hpp"
#include "step/syntax/rules.hpp"
#include "step/verifier/comparison.hpp"
#include "step/verifier/confirmation.hpp"
#include "step/verifier/evaluation.hpp"
#include "step/verifier/verdict.hpp"
#include "step/verifier/verdict_cache.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace step {

struct VerifyOptions {
  AffineRule affine = AffineRule::flow;
  /// The single check of the prototype decides: one seed at the default sizes, in single precision. Otherwise
  /// a program that passes it is confirmed, see Confirmation.
  bool published = false;
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
  /// Evaluates the task's references at every choice of sizes and seed. Throws TaskError when that fails.
  explicit Verifier(std::shared_ptr<const Task> task, VerifyOptions options = {})
      : task_(std::move(task)), options_(std::move(options)) {
    if (options_.cache_bytes > 0) cache_ = std::make_unique<VerdictCache>(options_.cache_bytes);
    std::vector<SizeAssignment> sizes{{}};
    sizes.insert(sizes.end(), options_.extra_sizes.begin(), options_.extra_sizes.end());
    const auto seeds = static_cast<unsigned>(std::max(options_.seeds, 1));
    for (const auto& s : sizes) {
      auto& group = asked_.emplace_back();
      for (unsigned k = 0; k < seeds; ++k) {
        const bool first = asked_.size() == 1 && k == 0;
        group.push_back(std::make_unique<const TaskInstance>(
            *task_, s, options_.seed + k, first ? tensor::DType::float32 : tensor::DType::float64,
            options_.limits));
      }
    }
    if (!options_.published)
      confirmation_ = Confirmation::of(*task_, instance(), options_.seed + seeds, options_.limits);
    for (const auto& [name, value] : instance().program_names()) reserved_.reserved.insert(name);
    for (const auto* name : {"check_data", "check_shape", "input_data", "torch"})
      reserved_.reserved.insert(name);
  }

  [[nodiscard]] const Task& task() const { return *task_; }
  [[nodiscard]] const TaskInstance& instance() const { return *asked_[0][0]; }
  /// What a pass is confirmed at; empty for `published`.
  [[nodiscard]] const Confirmation& confirmation() const { return confirmation_; }

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
    trace(p, tree, instance());
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
    run_checks(v, tree);
    if (!key.empty() && holds_for_equals(v)) cache_->keep(std::move(key), v);
    return v;
  }
  /// Whether programs of equal keys have this verdict: it must not name a place in the text, nor quote it,
  /// and must not depend on how much was left of a limit.
  static bool holds_for_equals(const Verdict& v) {
    const bool about_outputs =
        v.stage == Stage::passed || v.stage == Stage::shape || v.stage == Stage::values;
    return about_outputs && v.at.line == 0 && v.warnings.empty();
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
    host.finish(in, in.run(tree, *root));
  }

  /// Everything from the types on; fills in the verdict.
  void run_checks(Verdict& v, const syntax::Tree& tree) const {
    Plan usual;
    check(v, tree, usual, asked_[0]);
    for (std::size_t i = 1; i < asked_.size() && v.functional; ++i) {
      Plan plan;
      check(v, tree, plan, asked_[i]);
    }
    v.pass = v.functional && keeps_affine_rule(v);
    if (!v.pass || options_.published) return;
    compute(v, usual, confirmation_.usual);
    if (Plan plan; v.functional && !confirmation_.other.empty()) check(v, tree, plan, confirmation_.other);
    v.pass = v.functional && keeps_affine_rule(v);
  }
  [[nodiscard]] bool keeps_affine_rule(const Verdict& v) const {
    return (options_.affine == AffineRule::flow ? v.affine_flow : v.affine_syntactic) == Affine::pass;
  }

  /// Types at one choice of sizes, then values.
  void check(Verdict& v, const syntax::Tree& tree, Plan& plan, const Instances& instances) const {
    Meter meter(options_.limits);
    const auto& instance = *instances[0];
    const tensor::FloatPrecision precision(instance.precision());
    try {
      trace(plan, tree, instance);
      note_affine(v, plan);
      if (auto wrong = output_mismatch(plan); !wrong.empty()) {
        v.functional = false;
        report(v, Stage::shape, bounded_message(std::move(wrong), Fault::longest) + where(v, instance));
        return;
      }
    } catch (const Fault& fault) {
      if (plan.reuse) note_affine(v, plan);
      v.warnings = std::move(plan.warnings);
      v = failed(std::move(v), fault);
      v.message = bounded_message(v.message + where(v, instance));
      return;
    }
    compute(v, plan, instances);
  }

  /// Values with each of the inputs, until they differ.
  void compute(Verdict& v, const Plan& plan, const Instances& instances) const {
    for (const auto& instance : instances) {
      Meter meter(options_.limits);
      const tensor::FloatPrecision precision(instance->precision());
      try {
        auto wrong = value_mismatch(evaluate(plan, *instance), *instance);
        v.functional = wrong.empty();
        if (!v.functional)
          report(v, Stage::values, bounded_message(std::move(wrong), Fault::longest) + where(v, *instance));
      } catch (const Fault& fault) {
        v.functional = false;
        if (v.stage == Stage::affine) return; // that stage comes first
        v = failed(std::move(v), fault, true);
        v.message = bounded_message(v.message + where(v, *instance));
      }
      if (!v.functional) return;
      if (v.stage == Stage::parse) v.stage = Stage::passed;
      if (instance.get() == &this->instance()) v.published = keeps_affine_rule(v);
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
    v.message = bounded_message(std::move(message));
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

  [[nodiscard]] std::string value_mismatch(const std::vector<operators::StreamData>& got,
                                           const TaskInstance& instance) const {
    auto tolerance = published_tolerance;
    if (!options_.published && instance.precision() == tensor::DType::float64) {
      tolerance = double_tolerance;
      tolerance.absolute *= instance.variation().scale; // what small inputs give may be as small
    }
    for (std::size_t i = 0; i < got.size(); ++i)
      for (std::size_t f = 0; f < got[i].size(); ++f) {
        const auto& expected = instance.expected()[i];
        if (f >= expected.size())
          return task_->outputs[i].name + " has no reference for component " + std::to_string(f);
        auto wrong = difference(got[i][f].to(instance.precision()).contiguous(), expected[f], tolerance);
        if (!wrong.empty()) return task_->outputs[i].name + " " + wrong;
      }
    return {};
  }

  /// At which inputs the program fails, for what is not the published check.
  [[nodiscard]] std::string where(const Verdict& v, const TaskInstance& at) const {
    if (&at == &instance()) return {};
    std::string out = " (";
    if (!std::ranges::equal(at.bindings().all(), instance().bindings().all())) {
      out += "at the sizes";
      for (const auto& [symbol, size] : at.bindings().all())
        out += " " + symbol.name() + "=" + std::to_string(size);
      out += ", ";
    }
    out += "with seed " + std::to_string(at.seed());
    if (at.variation().scale != 1)
      out += " and inputs of about 1/" + std::to_string(std::lround(1 / at.variation().scale));
    if (v.published)
      out +=
          "; the published check passes, seed " + std::to_string(instance().seed()) + " at the usual sizes";
    return out + ")";
  }

  std::shared_ptr<const Task> task_;
  VerifyOptions options_;
  std::vector<Instances> asked_; ///< by sizes, the default ones first; the published check is the very first
  Confirmation confirmation_;
  syntax::RuleContext reserved_;
  std::unique_ptr<VerdictCache> cache_; ///< null when nothing is remembered
};

} // namespace step
