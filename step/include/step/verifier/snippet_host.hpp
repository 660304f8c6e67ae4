// SPDX-License-Identifier: MIT
// What the task author's snippets may see: torch and its tensors, on top of the interpreter's own values.
// A thin adapter from the interpreter's questions to the tensor vocabulary.
//
// The vocabulary is the bulk of what there is to compile. It is header-only unless STEP_SEPARATE_COMPILATION
// is defined; then exactly one translation unit of the program includes
// step/verifier/snippet_host_source.hpp.
#pragma once

#include "step/interpreter/builtins.hpp"
#include "step/vocabulary/objects.hpp"

namespace step {

class SnippetHost : public interp::Host {
 public:
  using Value = interp::Value;
  using Interpreter = interp::Interpreter;

  Value attribute(Interpreter& in, Value object, std::string_view name) override;
  Value call(Interpreter& in, Value callee, const interp::Arguments& arguments) override;
  Value import_name(Interpreter& in, std::string_view module, std::string_view name) override;
  Value binary(Interpreter& in, syntax::Op op, Value a, Value b) override;
  Value augmented(Interpreter& in, syntax::Op op, Value target, Value v) override;
  Value unary(Interpreter& in, syntax::Op op, Value v) override;
  Value compare(Interpreter& in, syntax::Op op, Value a, Value b) override;
  bool truth(Value v) override;
  double number(Value v) override;
  std::int64_t length(Value v) override;
  Value item(Interpreter& in, Value object, Value index) override;
  void set_item(Interpreter& in, Value object, Value index, Value v) override;
  interp::Iterator* iterate(Interpreter& in, Value object) override;

 private:
  Value member(Interpreter& in, std::string_view module, std::string_view name);
};

} // namespace step

#ifndef STEP_SEPARATE_COMPILATION
#include "step/verifier/snippet_host_source.hpp"
#endif
