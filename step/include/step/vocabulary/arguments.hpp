// SPDX-License-Identifier: MIT
// Binds the arguments of a call to a function's parameters and converts them, with messages as PyTorch's.
// A signature is text: "input, dim=, *, dtype=" where `=` marks what may be absent and `*name` takes the
// rest.
#pragma once

#include "step/tensor/map.hpp"
#include "step/tensor/reduce.hpp"
#include "step/vocabulary/objects.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace step::vocabulary {

struct Parameter {
  std::string_view name;
  bool required = true;
  bool keyword_only = false;
  bool rest = false; ///< `*name`: several positional arguments, or one sequence
};

class Signature {
 public:
  /// `text` outlives the signature.
  explicit Signature(std::string_view text) {
    bool keyword_only = false;
    while (!text.empty()) {
      const auto comma = text.find(',');
      std::string_view word = text.substr(0, comma);
      text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
      while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
      if (word == "*") {
        keyword_only = true;
        continue;
      }
      Parameter p;
      p.keyword_only = keyword_only;
      if (word.front() == '*') {
        p.rest = true;
        p.required = false;
        word.remove_prefix(1);
      }
      if (word.back() == '=') {
        p.required = false;
        word.remove_suffix(1);
      }
      p.name = word;
      parameters_.push_back(p);
    }
  }
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
};

/// One call in progress: the bound arguments by the number of their parameter.
class Call {
 public:
  static constexpr std::size_t most = 12;

  Call(Heap& heap, std::string_view function, const Signature& signature, const Arguments& arguments,
       int code)
      : heap_(heap), function_(function), parameters_(signature.parameters()), code_(code) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
      if (next == parameters_.size() || parameters_[next].keyword_only)
        fail("takes " + std::to_string(next) + " positional arguments but " +
             std::to_string(arguments.positional.size()) + " were given");
      if (!parameters_[next].rest) {
        values_[next++] = arguments.positional[i];
        continue;
      }
      const auto rest = arguments.positional.subspan(i);
      std::span<const Value> items;
      if (rest.size() == 1 && interp::sequence_items(rest[0], items))
        values_[next] = rest[0];
      else
        values_[next] = heap.make<interp::Tuple>(std::vector<Value>(rest.begin(), rest.end()));
      break;
    }
    for (const auto& [name, value] : arguments.keywords) {
      const std::size_t i = find(name);
      if (i == parameters_.size()) {
        if (name == "device" || name == "requires_grad") continue; // nothing here depends on them
        fail("got an unexpected keyword argument '" + std::string(name) + "'");
      }
      if (values_[i].is_set()) fail("got multiple values for argument '" + std::string(name) + "'");
      values_[i] = value;
    }
    for (const Value v : values_) // functions go through the sequences they are given
      if (std::span<const Value> items; v.is_set() && interp::sequence_items(v, items) && items.size() >= 4)
        Meter::current().step(items.size() / 4);
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].required && !values_[i].is_set())
        fail("missing required argument '" + std::string(parameters_[i].name) + "' (position " +
             std::to_string(i + 1) + ")");
  }

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
  [[nodiscard]] Heap& heap() const { return heap_; }
  [[nodiscard]] std::string_view function() const { return function_; }
  /// What the table gave the function, e.g. an operation's number.
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] Value value(std::size_t i) const { return values_[i]; }
  /// Given, and not None.
  [[nodiscard]] bool has(std::size_t i) const { return values_[i].is_set() && !values_[i].is_none(); }
  [[nodiscard]] bool is_tensor(std::size_t i) const { return values_[i].as<TensorObject>() != nullptr; }

  [[nodiscard]] const Tensor& tensor(std::size_t i) const {
    if (auto* t = values_[i].as<TensorObject>()) return t->tensor;
    wrong(i, "Tensor");
  }
  /// A tensor, or a number that adapts to the other operand's type.
  [[nodiscard]] tensor::Operand operand(std::size_t i) const {
    if (auto* t = values_[i].as<TensorObject>()) return {t->tensor};
    return {number(i)};
  }
  [[nodiscard]] Scalar number(std::size_t i) const {
    if (values_[i].is_number()) return number_of(values_[i]);
    if (auto* t = values_[i].as<TensorObject>()) return t->tensor.item();
    wrong(i, "Number");
  }
  [[nodiscard]] double real(std::size_t i) const { return number(i).real(); }
  [[nodiscard]] double real(std::size_t i, double absent) const { return has(i) ? real(i) : absent; }
  [[nodiscard]] std::int64_t integer(std::size_t i) const { return integer_of(values_[i], i); }
  [[nodiscard]] std::int64_t integer(std::size_t i, std::int64_t absent) const {
    return has(i) ? integer(i) : absent;
  }
  [[nodiscard]] bool flag(std::size_t i, bool absent) const {
    if (!has(i)) return absent;
    if (values_[i].is_int()) return values_[i].as_bool();
    wrong(i, "bool");
  }
  [[nodiscard]] std::string_view text(std::size_t i, std::string_view absent) const {
    if (!has(i)) return absent;
    if (auto* s = values_[i].as<interp::String>()) {
      Meter::current().bytes(s->text.size());
      return s->text;
    }
    wrong(i, "str");
  }
  [[nodiscard]] tensor::DType dtype(std::size_t i, tensor::DType absent) const {
    if (!has(i)) return absent;
    if (auto* d = values_[i].as<TorchDtype>()) return d->resolved();
    wrong(i, "torch.dtype");
  }
  /// An int or a sequence of them.
  [[nodiscard]] std::vector<std::int64_t> integers(std::size_t i) const {
    std::vector<std::int64_t> out;
    std::span<const Value> items;
    if (!has(i)) return out;
    if (!interp::sequence_items(values_[i], items)) return {integer(i)};
    for (Value v : items) out.push_back(integer_of(v, i));
    return out;
  }
  /// A sequence of tensors.
  [[nodiscard]] std::vector<Tensor> tensors(std::size_t i) const {
    std::vector<Tensor> out;
    std::span<const Value> items;
    if (!interp::sequence_items(values_[i], items)) wrong(i, "tuple of Tensors");
    Meter::current().step(2 * items.size()); // a tensor is some hundred bytes
    for (Value v : items) {
      auto* t = v.as<TensorObject>();
      if (t == nullptr) wrong(i, "tuple of Tensors", v);
      out.push_back(t->tensor);
    }
    return out;
  }
  /// Dimensions of `x`: one, several, or all when absent or empty. Fault{type} when one occurs twice.
  [[nodiscard]] tensor::DimSet dims(std::size_t i, const Tensor& x) const {
    std::span<const Value> items;
    if (!has(i)) return tensor::all_dims(x);
    if (!interp::sequence_items(values_[i], items)) items = {&values_[i], 1};
    if (items.empty()) return tensor::all_dims(x);
    tensor::DimSet set = 0;
    for (const Value v : items) {
      const std::int64_t d = integer_of(v, i);
      const auto bit = tensor::DimSet{1} << static_cast<unsigned>(x.dim(d, function_));
      if ((set & bit) != 0) fail("dim " + std::to_string(d) + " appears multiple times in the list of dims");
      set |= bit;
    }
    return x.rank() == 0 ? 0 : set;
  }

  [[noreturn]] void fail(const std::string& what) const {
    tensor::fail(std::string(function_) + "(): " + what);
  }
  [[noreturn]] void wrong(std::size_t i, std::string_view kind) const { wrong(i, kind, values_[i]); }
  [[noreturn]] void wrong(std::size_t i, std::string_view kind, Value got) const {
    fail("argument '" + std::string(parameters_[i].name) + "' (position " + std::to_string(i + 1) +
         ") must be " + std::string(kind) + ", not " + std::string(type_name(got)));
  }

 private:
  [[nodiscard]] std::size_t find(std::string_view name) const {
    const auto position = [&](std::string_view n) {
      return static_cast<std::size_t>(std::find_if(parameters_.begin(), parameters_.end(),
                                                   [&](const Parameter& p) { return p.name == n; }) -
                                      parameters_.begin());
    };
    const std::size_t i = position(name);
    if (i < parameters_.size()) return i;
    // NumPy's names, which PyTorch accepts as well.
    constexpr std::pair<std::string_view, std::string_view> other[] = {
        {"axis", "dim"}, {"keepdims", "keepdim"}, {"x", "input"},   {"a", "input"},
        {"x1", "input"}, {"x2", "other"},         {"self", "input"}};
    for (const auto& [alias, real_name] : other)
      if (alias == name) return position(real_name);
    return i;
  }
  [[nodiscard]] std::int64_t integer_of(Value v, std::size_t i) const {
    if (v.is_int() && !v.is_bool()) return v.as_int();
    if (auto* t = v.as<TensorObject>(); t != nullptr && t->tensor.dtype() == tensor::DType::int64)
      return t->tensor.item().integer();
    wrong(i, "int", v);
  }

  Heap& heap_;
  std::string_view function_;
  const std::vector<Parameter>& parameters_;
  std::array<Value, most> values_{};
  int code_;
};

} // namespace step::vocabulary
