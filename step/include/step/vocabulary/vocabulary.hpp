// SPDX-License-Identifier: MIT
// What task snippets may call: PyTorch's names, resolved to the tensor operations of this library.
// Start here: find_function, find_method, attribute, constant; operators.hpp has Python's operators.
#pragma once

#include "step/edit_distance.hpp"
#include "step/vocabulary/algebra.hpp"
#include "step/vocabulary/constructors.hpp"
#include "step/vocabulary/elementwise.hpp"
#include "step/vocabulary/functional.hpp"
#include "step/vocabulary/places.hpp"
#include "step/vocabulary/reductions.hpp"
#include "step/vocabulary/shapes.hpp"

#include <algorithm>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

namespace step::vocabulary {

/// Built at the first call; immutable and shared by all threads.
inline const Registry& registry() {
  static const Registry table = [] {
    Registry r;
    add_elementwise(r);
    add_reductions(r);
    add_shapes(r);
    add_places(r);
    add_constructors(r);
    add_algebra(r);
    add_functional(r);
    add_modules(r);
    return r;
  }();
  return table;
}

/// "torch.sum", "torch.nn.functional.relu", "torch.nn.Softmax", "torch.linalg.norm"; null when unknown.
[[nodiscard]] inline const Builtin* find_function(std::string_view qualified) {
  return qualified.starts_with("torch.") ? registry().find(qualified) : nullptr;
}
/// A method of tensors, whose first positional argument is the tensor; null when unknown.
[[nodiscard]] inline const Builtin* find_method(std::string_view name) { return registry().method(name); }

/// Modules that `import` and attribute access may name.
[[nodiscard]] inline bool is_namespace(std::string_view qualified) {
  return qualified == "torch" || qualified == "torch.nn" || qualified == "torch.nn.functional" ||
         qualified == "torch.linalg";
}

/// torch.float32, torch.pi and the like; unset when there is no such constant.
[[nodiscard]] inline Value constant(Heap& heap, std::string_view qualified) {
  if (!qualified.starts_with("torch.")) return {};
  const auto name = qualified.substr(6);
  using tensor::DType;
  for (auto [n, d] : {std::pair<std::string_view, DType>{"float32", DType::float32},
                      {"float", DType::float32},
                      {"float64", DType::float64},
                      {"double", DType::float64},
                      {"int64", DType::int64},
                      {"long", DType::int64},
                      {"int32", DType::int64},
                      {"int", DType::int64},
                      {"bool", DType::boolean}})
    if (n == name) return heap.make<TorchDtype>(d);
  if (name == "pi") return Value::real(std::numbers::pi);
  if (name == "e") return Value::real(std::numbers::e);
  if (name == "inf") return Value::real(std::numeric_limits<double>::infinity());
  if (name == "nan") return Value::real(std::numeric_limits<double>::quiet_NaN());
  if (name == "newaxis") return Value::none();
  return {};
}

/// `object.name` where that is a value: a tensor's shape, T, mT, dtype .., or a field of a result such as
/// topk's. Unset when there is none (it may be a method).
[[nodiscard]] inline Value attribute(Heap& heap, Value object, std::string_view name) {
  if (object.as<TensorObject>() != nullptr) {
    const Builtin* b = registry().attribute(name);
    return b == nullptr ? Value() : b->call(heap, {std::span<const Value>(&object, 1), {}});
  }
  if (auto* t = object.as<interp::Tuple>())
    if (auto* named = dynamic_cast<NamedTuple*>(t))
      for (std::size_t i = 0; i < named->fields.size(); ++i)
        if (named->fields[i] == name) return named->items[i];
  if (auto* d = object.as<TorchDtype>(); d != nullptr && name == "is_floating_point")
    return Value::boolean(tensor::is_floating(d->dtype));
  return {};
}

/// Calls what torch.nn.Softmax(..) and the like made.
[[nodiscard]] inline Value call_module(Heap& heap, const TorchModule& module, const Arguments& arguments) {
  if (module.function == nullptr) {
    if (arguments.positional.empty()) tensor::fail("Identity(): missing required argument 'input'");
    return arguments.positional[0];
  }
  auto keywords = module.keywords;
  keywords.insert(keywords.end(), arguments.keywords.begin(), arguments.keywords.end());
  return module.function->call(heap, {arguments.positional, keywords});
}

/// Every name with its module ("torch.sum") or as "Tensor.name", in alphabetical order.
[[nodiscard]] inline const std::vector<std::string>& names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> v(registry().names().begin(), registry().names().end());
    std::sort(v.begin(), v.end());
    v.erase(std::unique(v.begin(), v.end()), v.end());
    return v;
  }();
  return all;
}

/// The known name that is spelled most like this one; of "torch.x" among functions, of "x" among methods.
[[nodiscard]] inline std::string nearest(std::string_view name) {
  const auto tail = [](std::string_view s) { return s.substr(s.rfind('.') + 1); };
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const std::string_view wanted = tail(name.substr(0, 80));
  const std::string_view home =
      wanted.size() == name.size() ? "Tensor." : name.substr(0, name.rfind('.') + 1);
  std::string best;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const std::string& candidate : names()) {
    if (candidate.starts_with("Tensor.") != (home == "Tensor.")) continue;
    const std::string_view word = tail(candidate);
    const auto edits = edit_distance(wanted, word, [&](char a, char b) { return lower(a) == lower(b); });
    // The letters decide before their case, and that before the module.
    const bool at_home = std::string_view(candidate).substr(0, candidate.size() - word.size()) == home;
    const std::size_t distance = 8 * edits + (at_home ? 0U : 3U) + (word == wanted ? 0U : 1U);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return home == "Tensor." ? std::string(tail(best)) : best;
}

} // namespace step::vocabulary
