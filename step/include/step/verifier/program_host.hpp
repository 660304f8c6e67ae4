// SPDX-License-Identifier: MIT
// What a program may see: the module `step` with its operators, the task's functions and symbols, and streams
// that carry types but no data. Running a program under this host records its plan.
#pragma once

#include "step/edit_distance.hpp"
#include "step/interpreter/builtins.hpp"
#include "step/verifier/plan.hpp"

#include <algorithm>
#include <limits>

namespace step {

/// A stream as programs hold it.
struct StreamObject : interp::Object {
  static constexpr auto type = interp::ObjectType::stream;
  explicit StreamObject(StreamId i) : Object(type), id(i) {}
  StreamId id;
};

/// An operator: `step.Map` before configuration, `step.Map(fn=..)` after it.
struct OperatorObject : interp::Object {
  static constexpr auto type = interp::ObjectType::op;
  explicit OperatorObject(const operators::Operator& o) : Object(type), op(&o) {}
  const operators::Operator* op;
  bool configured = false;
  operators::Config config;
};

/// One of the task's functions, only ever handed to operators.
struct FunctionHandle : interp::Object {
  static constexpr auto type = interp::ObjectType::task_function;
  explicit FunctionHandle(const Function& f) : Object(type), fn(&f) {}
  const Function* fn;
};

/// What `.dtype` of a stream gives; can be compared and printed.
struct DTypeObject : interp::Object {
  static constexpr auto type = interp::ObjectType::value_dtype;
  explicit DTypeObject(DType d) : Object(type), dtype(std::move(d)) {}
  DType dtype;
};

class ProgramHost : public interp::Host {
 public:
  using Value = interp::Value;
  using Interpreter = interp::Interpreter;

  /// Records into `plan`, whose first streams are the task's inputs.
  ProgramHost(Plan& plan, const Bindings& bindings)
      : plan_(plan), typing_{bindings}, consumed_(plan.streams.size()) {}

  Value attribute(Interpreter& in, Value object, std::string_view name) override {
    if (auto* m = object.as<interp::Module>()) return module_attribute(in, *m, name);
    if (auto* s = object.as<StreamObject>()) {
      const auto& stream = plan_.streams[s->id];
      if (name == "rank") return Value::integer(stream.rank());
      if (name == "dtype") {
        in.meter().step(stream.dtype.weight() / 4);
        return in.heap().make<DTypeObject>(stream.dtype);
      }
      if (name == "shape") {
        std::vector<Value> dims;
        for (const auto& d : stream.shape) dims.push_back(in.make_dim(d));
        return in.make_list(std::move(dims));
      }
      if (name == "data" || name == "ctx")
        throw Fault(FaultKind::rejected, "a program cannot see a stream's ." + std::string(name));
    }
    if (object.as<OperatorObject>() != nullptr) {
      if (name == "apply") return in.heap().make<interp::BoundMethod>(object, "apply", apply_native);
      if (name == "applyList")
        return in.heap().make<interp::BoundMethod>(object, "applyList", apply_list_native);
    }
    return Host::attribute(in, object, name);
  }

  Value call(Interpreter& in, Value callee, const interp::Arguments& arguments) override {
    if (auto* op = callee.as<OperatorObject>(); op != nullptr && !op->configured)
      return configure(in, *op->op, arguments);
    if (auto* fn = callee.as<FunctionHandle>())
      interp::type_error(fn->fn->name +
                         " is not called by the program; hand it to an operator: step.Map(fn=" +
                         fn->fn->name + ").apply(..)");
    return Host::call(in, callee, arguments);
  }

  Value import_name(Interpreter& in, std::string_view module, std::string_view name) override {
    if (name.empty()) {
      if (module == "step" || module == "torch" || module == "math")
        return in.heap().make<interp::Module>(std::string(module));
      return {};
    }
    if (module == "step")
      if (const auto* op = operators::find(name)) return in.heap().make<OperatorObject>(*op);
    return {};
  }

  Value compare(Interpreter& in, syntax::Op op, Value a, Value b) override {
    auto *x = a.as<DTypeObject>(), *y = b.as<DTypeObject>();
    if (x != nullptr && y != nullptr && (op == syntax::Op::equal || op == syntax::Op::not_equal)) {
      in.meter().step(x->dtype.weight() / 4);
      return Value::boolean((x->dtype == y->dtype) == (op == syntax::Op::equal));
    }
    return Host::compare(in, op, a, b);
  }

  std::string text(Value v) override {
    if (auto* s = v.as<StreamObject>()) return "<Stream " + plan_.streams[s->id].text() + ">";
    if (auto* d = v.as<DTypeObject>()) return d->dtype.text();
    if (auto* f = v.as<FunctionHandle>()) return f->fn->name;
    if (auto* o = v.as<OperatorObject>()) return "step." + std::string(o->op->name);
    return Host::text(v);
  }

  /// The streams a program returned, in a container or by an iterator. Fault{type} when it returned anything
  /// else.
  void finish(Interpreter& in, Value result) {
    std::span<const Value> many;
    std::vector<Value> made;
    if (result.as<interp::Iterator>() != nullptr || result.as<interp::DictView>() != nullptr) {
      made = in.located([&] { return in.items(result); });
      many = made;
    }
    const auto stream = [&](Value v) {
      auto* s = v.as<StreamObject>();
      if (s == nullptr)
        interp::type_error("the program must return streams, got " + std::string(interp::type_name(v)));
      plan_.outputs.push_back(s->id);
    };
    if (result.is_none()) interp::type_error("the program returns nothing; end it with `return <stream>`");
    if (!made.empty() || interp::sequence_items(result, many)) {
      for (auto v : many) stream(v);
    } else {
      stream(result);
    }
  }

 private:
  static Value module_attribute(Interpreter& in, const interp::Module& m, std::string_view name) {
    if (m.name != "step")
      throw Fault(FaultKind::rejected,
                  "a program cannot use " + m.name + "; it is made of step operators only");
    if (const auto* op = operators::find(name)) return in.heap().make<OperatorObject>(*op);
    if (name == "Stream" || name == "Fn")
      throw Fault(FaultKind::rejected, "a program cannot make a step." + std::string(name) + " of its own");
    name = name.substr(0, 80);
    const auto* nearest = &operators::table[0];
    for (const auto& op : operators::table)
      if (edit_distance(name, op.name) < edit_distance(name, nearest->name)) nearest = &op;
    throw Fault(FaultKind::name, "step has no operator '" + std::string(name) + "'; the nearest is step." +
                                     std::string(nearest->name));
  }

  // ---- configuration: step.Op(key=value, ..)

  Value configure(Interpreter& in, const operators::Operator& op, const interp::Arguments& arguments) {
    const auto where = "step." + std::string(op.name);
    auto* out = in.heap().make<OperatorObject>(op);
    out->configured = true;
    if (!arguments.positional.empty())
      interp::type_error(where + " takes its configuration by keyword: " + usage(op));
    for (const auto& [name, value] : arguments.keywords) {
      const auto known =
          std::any_of(op.keys.begin(), op.keys.end(), [&, n = name](const auto& k) { return k.name == n; });
      if (!known && plan_.warnings.size() < 20)
        plan_.warnings.push_back(bounded_message("line " + std::to_string(in.here().line) + ": " + where +
                                                     " ignores the keyword '" + std::string(name) + "'",
                                                 256));
    }
    for (const auto& key : op.keys) {
      const Value* value = nullptr;
      for (const auto& [name, v] : arguments.keywords)
        if (name == key.name) value = &v;
      if (value == nullptr)
        interp::type_error(where + " needs " + std::string(key.name) + "=..: " + usage(op));
      set_config(in, op, key, *value, out->config);
    }
    return out;
  }

  static std::string usage(const operators::Operator& op) {
    std::string out = "step." + std::string(op.name) + "(";
    for (std::size_t i = 0; i < op.keys.size(); ++i)
      out += (i != 0 ? ", " : "") + std::string(op.keys[i].name) + "=..";
    return out + ").apply(..)";
  }

  static void set_config(Interpreter& in, const operators::Operator& op, const operators::ConfigKey& key,
                         Value v, operators::Config& config) {
    using operators::ConfigKind;
    const auto wrong = [&](const char* wanted) {
      interp::type_error("step." + std::string(op.name) + "(" + std::string(key.name) + "=..) needs " +
                         wanted + ", got " + std::string(interp::type_name(v)) + " " + in.text(v, true));
    };
    switch (key.kind) {
    case ConfigKind::function: {
      auto* handle = v.as<FunctionHandle>();
      if (handle == nullptr)
        wrong("one of the task's functions");
      else
        config.fn = handle->fn;
      return;
    }
    case ConfigKind::count:
      if (!v.is_int()) wrong("an int");
      config.count = v.as_int();
      return;
    case ConfigKind::size: {
      const auto dim = interp::detail::as_dim(v);
      if (!dim)
        wrong("an int or a symbol");
      else
        config.size = *dim;
      return;
    }
    case ConfigKind::levels:
      std::span<const Value> items;
      std::vector<Value> made;
      if (v.as<interp::Range>() != nullptr) {
        made = in.items(v);
        items = made;
      } else if (!interp::sequence_items(v, items)) {
        wrong("a list, tuple or range of ints");
      }
      if (items.size() > 64) wrong("at most 64 ints");
      for (auto item : items) {
        if (!item.is_int()) wrong("ints only");
        config.levels.push_back(item.as_int());
      }
      return;
    }
  }

  // ---- application: .apply(x)

  static Value apply_native(Interpreter& in, const interp::Arguments& arguments) {
    auto& host = static_cast<ProgramHost&>(in.host());
    auto& op = *arguments.positional[0].as<OperatorObject>();
    if (!arguments.keywords.empty() || arguments.positional.size() != 2)
      interp::type_error(
          "step." + std::string(op.op->name) + " .apply takes one argument" +
          (arguments.positional.size() > 2 ? "; put several streams into a tuple: .apply((A, B))" : ""));
    return host.apply(in, op, arguments.positional[1]);
  }

  static Value apply_list_native(Interpreter& in, const interp::Arguments& arguments) {
    auto& host = static_cast<ProgramHost&>(in.host());
    auto& op = *arguments.positional[0].as<OperatorObject>();
    std::span<const Value> items;
    if (!arguments.keywords.empty() || arguments.positional.size() != 2 ||
        !interp::sequence_items(arguments.positional[1], items))
      interp::type_error("step." + std::string(op.op->name) + " .applyList takes one list of streams");
    const std::vector<Value> each(items.begin(), items.end());
    std::vector<Value> out;
    for (auto v : each) out.push_back(host.apply(in, op, v));
    return in.make_list(std::move(out));
  }

  Value apply(Interpreter& in, OperatorObject& object, Value argument) {
    const auto& op = *object.op;
    const auto where = "step." + std::string(op.name);
    if (!object.configured) interp::type_error(where + " must be configured before .apply: " + usage(op));
    PlanNode node{&op, object.config, arguments_of(op, where, argument), 0, 0, in.here()};
    in.meter().step(8 + node.inputs.size());
    std::vector<const StreamType*> types;
    for (auto id : node.inputs) {
      types.push_back(&plan_.streams[id]);
      in.meter().step(types.back()->dtype.weight() / 4);
    }
    auto typed = op.infer(node.config, types, typing_);
    if (!typed.ok()) interp::type_error(where + " " + typed.error);
    for (const auto& type : typed.outputs) {
      in.meter().step(1 + type.dtype.weight() / 2);
      check_axes(where, type);
      check_elements(where, type, in.meter().limits().elements);
    }
    for (auto id : node.inputs) consume(id, in.here());
    node.first_output = static_cast<StreamId>(plan_.streams.size());
    node.outputs = static_cast<std::uint32_t>(typed.outputs.size());
    std::vector<Value> results;
    for (auto& type : typed.outputs) {
      results.push_back(in.heap().make<StreamObject>(static_cast<StreamId>(plan_.streams.size())));
      plan_.streams.push_back(std::move(type));
      consumed_.emplace_back();
    }
    plan_.nodes.push_back(std::move(node));
    switch (op.result) {
    case operators::ResultForm::stream:
      return results[0];
    case operators::ResultForm::pair:
      return in.make_tuple(std::move(results));
    case operators::ResultForm::list:
      return in.make_list(std::move(results));
    }
    return {};
  }

  /// Fault{limit} for a stream whose arrays would have more axes than an array can have.
  static void check_axes(const std::string& where, const StreamType& type) {
    for (const auto& field : type.dtype.fields)
      if (type.shape.size() + field.buffer.size() + (field.experts ? 1 : 0) > tensor::max_axes)
        throw Fault(FaultKind::limit, where + " makes a stream of more than " +
                                          std::to_string(tensor::max_axes) + " dims" +
                                          (field.is_buffer() ? ", those of its buffers included" : ""));
  }

  /// Fault{limit} for a stream of more elements than may be allocated at all, even if nothing would read it.
  /// A stream whose size depends on data is checked when it is made.
  void check_elements(const std::string& where, const StreamType& type, std::uint64_t limit) const {
    for (const auto& field : type.dtype.fields) {
      std::uint64_t elements = 1;
      const auto count = [&](const Dim& dim) {
        if (!dim.is_bound(typing_.bindings)) return false;
        const auto size =
            static_cast<std::uint64_t>(std::max<std::int64_t>(dim.evaluate(typing_.bindings), 0));
        if (size != 0 && elements > limit / size)
          throw Fault(FaultKind::limit, where + " makes a stream of more than " + std::to_string(limit) +
                                            " elements: " + type.text());
        elements *= size;
        return elements != 0;
      };
      if (std::all_of(type.shape.begin(), type.shape.end(), count) &&
          std::all_of(field.buffer.begin(), field.buffer.end(), count) && field.experts)
        count(*field.experts);
    }
  }

  std::vector<StreamId> arguments_of(const operators::Operator& op, const std::string& where,
                                     Value argument) {
    using operators::ArgumentForm;
    std::vector<StreamId> ids;
    const auto add = [&](Value v, const char* wanted) {
      auto* s = v.as<StreamObject>();
      if (s == nullptr)
        interp::type_error(where + " takes " + wanted + ", got " + std::string(interp::type_name(v)));
      ids.push_back(s->id);
    };
    std::span<const Value> items;
    switch (op.argument) {
    case ArgumentForm::stream:
      add(argument, "one stream");
      break;
    case ArgumentForm::stream_or_tuple:
      if (auto* t = argument.as<interp::Tuple>()) {
        if (t->items.empty()) interp::type_error(where + " takes a stream or a tuple of streams, got ()");
        for (auto v : t->items) add(v, "a stream or a tuple of streams");
      } else {
        add(argument, "a stream or a tuple of streams");
      }
      break;
    case ArgumentForm::pair:
      if (!interp::sequence_items(argument, items) || items.size() != 2)
        interp::type_error(where + " takes two streams: .apply((A, B)), got " +
                           std::string(interp::type_name(argument)) +
                           (items.empty() ? "" : " of " + std::to_string(items.size())));
      for (auto v : items) add(v, "two streams");
      break;
    case ArgumentForm::streams_and_index: {
      std::span<const Value> streams;
      if (!interp::sequence_items(argument, items) || items.size() != 2 ||
          !interp::sequence_items(items[0], streams) || streams.empty())
        interp::type_error(where + " takes a list of streams and an index: .apply(([A, B], index))");
      for (auto v : streams) add(v, "a list of streams and an index");
      add(items[1], "a list of streams and an index");
      break;
    }
    }
    return ids;
  }

  void consume(StreamId id, syntax::Position at) {
    if (consumed_[id].line != 0) {
      if (!plan_.reuse) plan_.reuse = AffineViolation{id, consumed_[id], at};
    } else {
      consumed_[id] = at;
    }
  }

  Plan& plan_;
  operators::TypeContext typing_;
  std::vector<syntax::Position> consumed_; ///< by StreamId: where it was consumed first; line 0 = not yet
};

} // namespace step
