// SPDX-License-Identifier: MIT
// Access to the arguments of functions and methods implemented here. Included by the files that define them.
#pragma once

#include "step/interpreter/interpreter.hpp"

#include <algorithm>

namespace step::interp {

/// Checked access to the arguments of a native function.
class NativeArguments {
 public:
  NativeArguments(const Arguments& a, std::string_view function, std::size_t least, std::size_t most)
      : arguments_(a), function_(function) {
    if (a.positional.size() < least || a.positional.size() > most)
      type_error(std::string(function) + "() takes " + std::to_string(least) +
                 (least == most ? "" : " to " + std::to_string(most)) + " arguments, got " +
                 std::to_string(a.positional.size()));
  }
  /// Refuses keywords other than those listed.
  NativeArguments& keywords(std::initializer_list<std::string_view> allowed) {
    for (const auto& [name, value] : arguments_.keywords)
      if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
        type_error(std::string(function_) + "() got an unexpected keyword argument '" + std::string(name) +
                   "'");
    return *this;
  }
  /// For functions whose Signature has checked the number of arguments and their keywords.
  NativeArguments(const Arguments& a, std::string_view function) : arguments_(a), function_(function) {}
  [[nodiscard]] Value operator[](std::size_t i) const {
    return i < arguments_.positional.size() ? arguments_.positional[i] : Value();
  }
  [[nodiscard]] Value keyword(std::string_view name) const {
    for (const auto& [key, value] : arguments_.keywords)
      if (key == name) return value;
    return {};
  }
  [[nodiscard]] std::int64_t integer(std::size_t i, std::int64_t otherwise) const {
    const auto v = (*this)[i];
    if (!v.is_set()) return otherwise;
    if (!v.is_int())
      type_error(std::string(function_) + "(): '" + std::string(type_name(v)) +
                 "' object cannot be interpreted as an integer");
    return v.as_int();
  }
  /// The text of an argument that must be a str; charged for its length.
  [[nodiscard]] const std::string& string(std::size_t i) const { return text(i).text; }
  [[nodiscard]] const String& text(std::size_t i) const {
    auto* s = (*this)[i].as<String>();
    if (s == nullptr)
      type_error(std::string(function_) + "() needs a str, not " + std::string(type_name((*this)[i])));
    Meter::current().bytes(s->text.size());
    return *s;
  }

 private:
  const Arguments& arguments_;
  std::string_view function_;
};

/// The object of a method as a T. It may be another when the method was called as `list.append(x, ..)`.
template <class T> T& receiver(const NativeArguments& a) {
  auto* self = a[0].as<T>();
  if (self == nullptr) type_error("this method belongs to another type than " + std::string(type_name(a[0])));
  return *self;
}
/// As receiver(), for a method that changes the object.
template <class T> T& changeable(const NativeArguments& a) {
  auto& self = receiver<T>(a);
  if (self.frozen()) throw Fault(FaultKind::rejected, "cannot change a container that the task defines");
  if (self.object_type() == ObjectType::frozenset) type_error("a frozenset cannot be changed");
  return self;
}

struct Method {
  ObjectType type{};
  std::string_view name;
  Signature signature;
  Native::Call call{};
};

} // namespace step::interp
