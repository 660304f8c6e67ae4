// SPDX-License-Identifier: MIT
// The parameters of functions implemented here, in Python's notation, and how the arguments of a call become
// their values: as for a function of the program, so that what Python refuses is refused.
#pragma once

#include "step/interpreter/value.hpp"

#include <array>
#include <string>

namespace step::interp {

class Signature {
 public:
  static constexpr std::size_t most = 5;
  static const Signature any; ///< the function looks at its arguments itself

  /// "a, b=, /, c=, *, d=": parameters that may be left out end in '='; those before '/' cannot be given by
  /// keyword and those after '*' only by keyword. "*name" takes any number of arguments and "**name" any
  /// keyword.
  consteval Signature(const char* text) { // NOLINT: written as a literal
    std::string_view rest = text;
    bool keyword_only = false;
    while (!rest.empty()) {
      const auto end = rest.find(", ");
      auto part = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
      if (part == "/") {
        positional_only_ = count_;
      } else if (part.starts_with("**")) {
        other_keywords_ = true;
      } else if (part.starts_with("*")) {
        more_ = part.size() > 1;
        keyword_only = true;
      } else {
        const bool optional = part.ends_with("=");
        if (optional) part.remove_suffix(1);
        names_.at(count_++) = part;
        if (!keyword_only) positional_ = count_;
        if (!optional) required_ = count_;
      }
    }
  }

  /// The arguments in the order of the parameters, unset where left out. Keywords after "*name" and those for
  /// "**name" stay keywords. The first `skip` arguments come before the parameters. `values` holds the
  /// result. Fault{type} as Python.
  [[nodiscard]] Arguments bind(std::string_view function, const Arguments& given, std::size_t skip,
                               std::array<Value, most + 1>& values) const {
    const auto positional = given.positional.size() - skip;
    if (given.keywords.empty() && positional >= required_ && (positional <= positional_ || more_))
      return given;
    if (positional > positional_ && !more_)
      fail(function, "takes at most " + std::to_string(positional_) + " positional arguments (" +
                         std::to_string(positional) + " given)");
    std::copy_n(given.positional.begin(), skip + std::min(positional, positional_), values.begin());
    for (const auto& [name, value] : given.keywords) {
      auto i = positional_only_;
      while (i < count_ && names_[i] != name) ++i;
      if (i == count_) {
        if (other_keywords_) continue;
        fail(function, "got an unexpected keyword argument '" + std::string(name.substr(0, 60)) + "'");
      }
      if (i < std::min(positional, positional_))
        fail(function, "got multiple values for argument '" + std::string(name) + "'");
      values[skip + i] = value;
    }
    for (std::size_t i = 0; i < required_; ++i)
      if (!values[skip + i].is_set())
        fail(function, "missing required argument '" + std::string(names_[i]) + "'");
    if (more_ || other_keywords_) return given;
    return {std::span(values).first(skip + count_), {}};
  }

 private:
  [[noreturn]] static void fail(std::string_view function, const std::string& why) {
    throw Fault(FaultKind::type, std::string(function) + "() " + why);
  }

  std::array<std::string_view, most> names_{};
  std::size_t count_ = 0, required_ = 0, positional_ = 0, positional_only_ = 0;
  bool more_ = false, other_keywords_ = false;
};

inline constexpr Signature Signature::any{"*arguments, **keywords"};

} // namespace step::interp
