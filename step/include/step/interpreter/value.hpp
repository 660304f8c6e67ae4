// SPDX-License-Identifier: MIT
// The dynamic values of the Python subset. Scalars are held in place; everything else is an Object owned by a
// Heap that lives as long as one evaluation, so that cycles cost nothing and nothing outlives its evaluation.
#pragma once

#include "step/fault.hpp"
#include "step/interpreter/code_points.hpp"
#include "step/meter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::interp {

/// The class of an object; `as<T>()` compares it with T::type, or asks T::is() where a class has several.
enum class ObjectType : std::uint8_t {
  string,
  tuple,
  list,
  dict,
  dict_keys,
  dict_values,
  dict_items,
  set,
  frozenset,
  range,
  slice,
  ellipsis,
  iterator,
  function,
  builtin,
  bound_method,
  module,
  tensor,
  torch_dtype,
  torch_module, // the tensor vocabulary
  dim,
  stream,
  op,
  task_function, // the language
  value_dtype,   // a stream's dtype, as read through `.dtype`
  frame,         // local variables of a call
};

class Object {
 public:
  explicit Object(ObjectType type) : type_(type) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
  [[nodiscard]] ObjectType object_type() const { return type_; }
  /// Shared between evaluations (and threads): it must not be changed.
  [[nodiscard]] bool frozen() const { return frozen_; }

 private:
  friend class Heap;
  ObjectType type_;
  bool frozen_ = false;
  Object* next_ = nullptr; // the heap's list
};

/// One value; trivially copyable, 16 bytes. Objects are borrowed from the Heap.
class Value {
 public:
  enum class Tag : std::uint8_t { unset, none, boolean, integer, real, object };

  Value() = default; ///< unset: no Python value, e.g. an unbound local variable
  static Value none() {
    Value v;
    v.tag_ = Tag::none;
    return v;
  }
  static Value boolean(bool b) {
    Value v;
    v.tag_ = Tag::boolean;
    v.integer_ = b;
    return v;
  }
  static Value integer(std::int64_t i) {
    Value v;
    v.tag_ = Tag::integer;
    v.integer_ = i;
    return v;
  }
  static Value real(double d) {
    Value v;
    v.tag_ = Tag::real;
    v.real_ = d;
    return v;
  }
  /*implicit*/ Value(Object* o) : tag_(Tag::object), object_(o) {}

  [[nodiscard]] Tag tag() const { return tag_; }
  [[nodiscard]] bool is_set() const { return tag_ != Tag::unset; }
  [[nodiscard]] bool is_none() const { return tag_ == Tag::none; }
  [[nodiscard]] bool is_bool() const { return tag_ == Tag::boolean; }
  /// An int; bool counts, as in Python.
  [[nodiscard]] bool is_int() const { return tag_ == Tag::integer || tag_ == Tag::boolean; }
  [[nodiscard]] bool is_real() const { return tag_ == Tag::real; }
  [[nodiscard]] bool is_number() const { return is_int() || is_real(); }
  [[nodiscard]] bool is_object() const { return tag_ == Tag::object; }

  [[nodiscard]] bool as_bool() const { return integer_ != 0; }   ///< requires is_int()
  [[nodiscard]] std::int64_t as_int() const { return integer_; } ///< requires is_int()
  [[nodiscard]] double as_real() const {
    return is_real() ? real_ : static_cast<double>(integer_);
  }                                                        ///< requires is_number()
  [[nodiscard]] Object* object() const { return object_; } ///< requires is_object()

  /// The object as a T, or null when it is something else.
  template <class T> [[nodiscard]] T* as() const {
    if (tag_ != Tag::object) return nullptr;
    if constexpr (requires { T::is(ObjectType{}); })
      return T::is(object_->object_type()) ? static_cast<T*>(object_) : nullptr;
    else
      return object_->object_type() == T::type ? static_cast<T*>(object_) : nullptr;
  }

 private:
  Tag tag_ = Tag::unset;
  union {
    std::int64_t integer_ = 0;
    double real_;
    Object* object_;
  };
};

/// What the thing is called in messages: "int", "list", "Stream", ..
[[nodiscard]] inline std::string_view type_name(Value v) {
  switch (v.tag()) {
  case Value::Tag::unset:
    return "nothing";
  case Value::Tag::none:
    return "None";
  case Value::Tag::boolean:
    return "bool";
  case Value::Tag::integer:
    return "int";
  case Value::Tag::real:
    return "float";
  case Value::Tag::object:
    break;
  }
  switch (v.object()->object_type()) {
  case ObjectType::string:
    return "str";
  case ObjectType::tuple:
    return "tuple";
  case ObjectType::list:
    return "list";
  case ObjectType::dict:
    return "dict";
  case ObjectType::dict_keys:
    return "dict_keys";
  case ObjectType::dict_values:
    return "dict_values";
  case ObjectType::dict_items:
    return "dict_items";
  case ObjectType::set:
    return "set";
  case ObjectType::frozenset:
    return "frozenset";
  case ObjectType::range:
    return "range";
  case ObjectType::slice:
    return "slice";
  case ObjectType::ellipsis:
    return "ellipsis";
  case ObjectType::iterator:
    return "iterator";
  case ObjectType::function:
  case ObjectType::builtin:
  case ObjectType::bound_method:
    return "function";
  case ObjectType::module:
    return "module";
  case ObjectType::tensor:
    return "Tensor";
  case ObjectType::torch_dtype:
    return "torch.dtype";
  case ObjectType::torch_module:
    return "torch.nn.Module";
  case ObjectType::dim:
    return "symbolic size";
  case ObjectType::stream:
    return "Stream";
  case ObjectType::op:
    return "operator";
  case ObjectType::task_function:
    return "task function";
  case ObjectType::value_dtype:
    return "dtype";
  case ObjectType::frame:
    return "frame";
  }
  return "object";
}

/// Owns the objects of one evaluation and frees them together; making one is a step forward in a block of
/// memory. The first few kilobytes lie in the Heap itself, so that a short evaluation allocates nothing.
class Heap {
 public:
  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap() {
    while (first_ != nullptr) std::exchange(first_, first_->next_)->~Object();
  }
  template <class T, class... Args> T* make(Args&&... args) {
    Meter::current().step();
    auto* object = new (memory_.allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    object->next_ = first_;
    first_ = object;
    return object;
  }

  /// From now on every object made so far may be shared and must not be changed.
  void freeze() {
    for (auto* o = first_; o != nullptr; o = o->next_) o->frozen_ = true;
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 4096> block_; // not initialised
  std::pmr::monotonic_buffer_resource memory_{block_.data(), block_.size()};
  Object* first_ = nullptr;
};

/// Text in UTF-8; its length and its indices count code points, as in Python.
struct String : Object {
  static constexpr auto type = ObjectType::string;
  explicit String(std::string s) : Object(type), text(std::move(s)), length(code_points::count(text)) {}
  [[nodiscard]] bool ascii() const { return length == std::ssize(text); }
  const std::string text;
  const std::int64_t length;
};

struct Tuple : Object {
  static constexpr auto type = ObjectType::tuple;
  explicit Tuple(std::vector<Value> v = {}) : Object(type), items(std::move(v)) {}
  std::vector<Value> items;
};

struct List : Object {
  static constexpr auto type = ObjectType::list;
  explicit List(std::vector<Value> v = {}) : Object(type), items(std::move(v)) {}
  std::vector<Value> items;
};

/// `a[lower:upper:step]`; each part an int or None.
struct Slice : Object {
  static constexpr auto type = ObjectType::slice;
  Slice(Value l, Value u, Value s) : Object(type), lower(l), upper(u), step(s) {}
  Value lower, upper, step;
};

struct Ellipsis : Object {
  static constexpr auto type = ObjectType::ellipsis;
  Ellipsis() : Object(type) {}
};

/// The items of a tuple or list; empty span and false for anything else.
inline bool sequence_items(Value v, std::span<const Value>& out) {
  if (auto* t = v.as<Tuple>()) {
    out = t->items;
    return true;
  }
  if (auto* l = v.as<List>()) {
    out = l->items;
    return true;
  }
  out = {};
  return false;
}

/// The arguments of a call: positional ones in order, then keywords.
struct Arguments {
  std::span<const Value> positional;
  std::span<const std::pair<std::string_view, Value>> keywords;
};

} // namespace step::interp
