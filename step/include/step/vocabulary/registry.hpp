// SPDX-License-Identifier: MIT
// The table of everything the vocabulary offers: where each name is visible, its signature and what
// implements it. In-place methods are not written out: `name_` computes `name` and writes the result into the
// tensor.
#pragma once

#include "step/tensor/batch.hpp"
#include "step/vocabulary/arguments.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace step::vocabulary {

/// One callable name.
struct Builtin {
  using TensorFunction = Tensor (*)(const Call&);
  using ValueFunction = Value (*)(const Call&);

  /// For a method, the tensor is the first positional argument. Fault{type} for arguments that do not fit.
  Value call(Heap& heap, const Arguments& arguments) const {
    const Call c(heap, name, *signature, arguments, code);
    if (value_function != nullptr) return value_function(c);
    Tensor result = tensor_function(c);
    if (!in_place) return make(heap, std::move(result));
    auto* self = c.value(0).as<TensorObject>();
    if (self == nullptr) c.wrong(0, "Tensor");
    if (self->tensor.frozen()) tensor::fail("in-place write to input data");
    if (tensor::Shape(result.element_sizes()) != tensor::Shape(self->tensor.element_sizes()))
      c.fail("output with shape " + tensor::text(self->tensor.element_sizes()) +
             " doesn't match the broadcast shape " + tensor::text(result.element_sizes()));
    tensor::assign(self->tensor, result, name);
    return c.value(0);
  }

  std::string name;
  const Signature* signature = nullptr;
  TensorFunction tensor_function = nullptr;
  ValueFunction value_function = nullptr;
  int code = 0;
  bool in_place = false;
};

/// Where a name can be seen; combined with `|`.
enum Visibility : unsigned {
  in_torch = 1,       ///< torch.name
  as_method = 2,      ///< x.name(..)
  in_functional = 4,  ///< torch.nn.functional.name
  in_linalg = 8,      ///< torch.linalg.name
  in_nn = 16,         ///< torch.nn.name, a module's constructor
  also_in_place = 32, ///< x.name_(..)
  only_in_place = 64, ///< x.name_(..) alone
  as_attribute = 128, ///< x.name
};

class Registry {
 public:
  /// `names` separated by blanks are synonyms.
  void add(std::string_view names, unsigned where, std::string_view signature, Builtin::TensorFunction f,
           int code = 0) {
    insert(names, where, signature, f, nullptr, code);
  }
  void add_value(std::string_view names, unsigned where, std::string_view signature, Builtin::ValueFunction f,
                 int code = 0) {
    insert(names, where, signature, nullptr, f, code);
  }
  /// Full names such as "torch.sum" and, for methods and attributes, "Tensor.sum".
  [[nodiscard]] const Builtin* find(std::string_view qualified) const {
    const auto it = index_.find(qualified);
    return it == index_.end() ? nullptr : it->second;
  }
  [[nodiscard]] const Builtin* method(std::string_view name) const { return look(methods_, name); }
  [[nodiscard]] const Builtin* attribute(std::string_view name) const { return look(attributes_, name); }
  /// All full names, in the order of registration.
  [[nodiscard]] const std::deque<std::string>& names() const { return names_; }

 private:
  using Index = std::unordered_map<std::string_view, const Builtin*>;
  static const Builtin* look(const Index& index, std::string_view name) {
    const auto it = index.find(name);
    return it == index.end() ? nullptr : it->second;
  }

  void insert(std::string_view names, unsigned where, std::string_view signature, Builtin::TensorFunction t,
              Builtin::ValueFunction v, int code) {
    const Signature* s = &signatures_.emplace_back(signature);
    while (!names.empty()) {
      const auto blank = names.find(' ');
      const std::string name(names.substr(0, blank));
      names = blank == std::string_view::npos ? std::string_view() : names.substr(blank + 1);
      if ((where & only_in_place) == 0) {
        const Builtin* b = &builtins_.emplace_back(Builtin{name, s, t, v, code, false});
        if ((where & in_torch) != 0) index(index_, "torch." + name, b);
        if ((where & in_functional) != 0) index(index_, "torch.nn.functional." + name, b);
        if ((where & in_linalg) != 0) index(index_, "torch.linalg." + name, b);
        if ((where & in_nn) != 0) index(index_, "torch.nn." + name, b);
        if ((where & as_method) != 0) member(methods_, name, b);
        if ((where & as_attribute) != 0) member(attributes_, name, b);
      }
      if ((where & (also_in_place | only_in_place)) != 0)
        member(methods_, name + "_", &builtins_.emplace_back(Builtin{name + "_", s, t, v, code, true}));
    }
  }
  void index(Index& to, std::string name, const Builtin* b) {
    to.emplace(names_.emplace_back(std::move(name)), b);
  }
  void member(Index& to, const std::string& name, const Builtin* b) {
    to.emplace(b->name, b);
    index(index_, "Tensor." + name, b);
  }

  std::deque<Signature> signatures_;
  std::deque<Builtin> builtins_;
  std::deque<std::string> names_;
  Index index_, methods_, attributes_;
};

} // namespace step::vocabulary
