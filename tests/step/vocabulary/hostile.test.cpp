// SPDX-License-Identifier: MIT
// Every function, method and operator of the vocabulary with numbers at the ends of their ranges and with
// views far larger than memory. Each call ends within its limits, which are counted before the work is done:
// an uncounted loop over a view of 2^39 elements would not end in this test's life. Sanitizers see the
// arithmetic.
#include "step/syntax/parser.hpp"
#include "step/verifier/snippet_host.hpp"
#include "step/verifier/task_instance.hpp"
#include "step/vocabulary/vocabulary.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace step;

namespace {

using Words = std::vector<std::string>;

const Words integers = {
    "(-2**62*2)", "(2**62-1+2**62)", "(-2**62*2+1)", "2**62", "2**53", "2**53+1", "-2**53", "2**31",
    "2**40",      "10**6",           "-1",           "-2",    "0",     "1",       "2",      "3",
    "7"};
const Words small_integers = {"-2", "-1", "-1", "0", "0", "0", "1", "1", "2"};
const Words reals = {"float('nan')", "float('inf')", "-float('inf')", "1e300",
                     "9.3e18",       "-9.3e18",      "-0.0",          "0.5"};
const Words odd = {"None", "True", "'a'", "[]", "()", "torch.int64", "torch.bool", "[[1, 2], 3]"};

/// Tensors by how they are made; extreme values, or extreme sizes.
const Words values = {
    "torch.tensor([-2**62*2, 2**62-1+2**62, -1, 0, 1, 2, 2**62, -2**62])",
    "torch.tensor([[-2**62*2, -1], [3, 2**62]])",
    "torch.tensor([float('nan'), float('inf'), -float('inf'), 1e300, -1e300, 9.3e18, 0.5, -0.0])",
    "torch.tensor([[1.0, float('nan')], [9.3e18, -9.3e18]]).double()",
    "torch.tensor(-2**62*2)",
    "torch.tensor(float('nan'))",
    "torch.tensor([True, False, True])",
    "torch.zeros(0, 3)",
    "torch.zeros(3, 0).long()",
    "torch.tensor([0, 1, 2])",
    "torch.tensor([1.0, 2.0, 3.0])",
    "torch.tensor([[0, 1], [1, 0]])"};
const Words views = {"torch.tensor(1).expand(2**39)",
                     "torch.tensor(1.5).expand(2**39)",
                     "torch.tensor(True).expand(2**39)",
                     "torch.tensor(0.5).expand(2**20, 2**19)",
                     "torch.tensor(1).expand(2**19, 2**20)",
                     "torch.tensor(0.5).double().expand(2**13, 2**13, 2**13)",
                     "torch.tensor(2.0).expand(*([8] * 12))",
                     "torch.ones(3, 1).expand(3, 2**37)",
                     "torch.ones(1, 3).expand(2**37, 3)",
                     "torch.zeros(0, 2**20)",
                     "torch.zeros(2**20, 0)",
                     "torch.tensor([0, 1, 2])",
                     "torch.tensor([1.0, 2.0, 3.0])",
                     "torch.tensor(3)"};

class Calls {
 public:
  Calls(std::uint32_t stream, const Words& tensors)
      : random_(strata::stream_key{2027, stream, 0, 0}), tensors_(tensors) {}

  std::string call(std::string_view name) {
    const auto* builtin = vocabulary::registry().find(name);
    const bool method = name.starts_with("Tensor.");
    const auto member = method ? name.substr(7) : std::string_view();
    std::string self, arguments;
    bool first = method;
    for (const auto& p : builtin->signature->parameters()) {
      if (first) {
        self = "(" + tensor() + ")" + (builtin->in_place && chance(2) ? ".clone()" : "");
        first = false;
        continue;
      }
      if (!p.required && !p.rest && chance(2)) continue;
      if (!p.rest && (p.keyword_only || !p.required)) arguments += std::string(p.name) + "=";
      arguments += argument(p.name) + ", ";
    }
    if (!method) return std::string(name) + "(" + arguments + ")";
    if (vocabulary::registry().method(member) == nullptr) return self + "." + std::string(member);
    return self + "." + std::string(member) + "(" + arguments + ")";
  }
  std::string operation() {
    static const Words binary = {"+",  "-",  "*", "/", "//", "%", "**", "@",
                                 "<<", ">>", "&", "|", "^",  "<", "==", "in"};
    const auto operand = [&] { return chance(3) ? word(integers) : chance(6) ? word(reals) : tensor(); };
    switch (random_.below(6)) {
    case 0:
      return word({"-(", "~(", "not (", "abs(", "int(", "float(", "str(", "len(", "list(", "sum(", "max(",
                   "sorted("}) +
             "(" + tensor() + ")" + ")";
    case 1:
      return "(" + tensor() + ")[" + word(integers) + ":" + word(integers) + ":" + word(integers) + "]";
    case 2:
      return "(" + tensor() + ")[" + word({"None", "...", ":", "[0, 1]", tensor(), word(integers)}) + ", " +
             word({"None", ":", "True", tensor(), word(integers)}) + "]";
    case 3:
      return "x = (" + tensor() + ").clone()\nx[" + word({tensor(), word(integers), ":" + word(integers)}) +
             "] = " + operand();
    default:
      return operand() + " " + word(binary) + " " + operand();
    }
  }

 private:
  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }
  std::string word(const Words& from) { return from[random_.below(from.size())]; }
  std::string tensor() { return word(tensors_); }
  std::string sequence(const Words& from) {
    std::string out = "(";
    for (auto n = random_.below(5); n > 0; --n) out += word(from) + ", ";
    return out + ")";
  }
  std::string argument(std::string_view name) {
    const auto is = [&](std::initializer_list<std::string_view> names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (chance(12)) return word(odd);
    if (name.starts_with("dim") || is({"start_dim", "end_dim", "source", "destination"}))
      return chance(6) ? word(integers) : chance(3) ? sequence(small_integers) : word(small_integers);
    if (is({"size", "shape", "sizes", "repeats", "shifts", "pad", "normalized_shape", "split_size",
            "split_size_or_sections"}))
      return chance(2) ? word(integers) : sequence(chance(2) ? integers : small_integers);
    if (is({"k", "n", "steps", "chunks", "diagonal", "offset", "length", "start", "end", "step",
            "num_classes", "index", "minlength"}) &&
        !chance(4))
      return word(integers);
    if (name == "tensors") return "[" + tensor() + ", " + tensor() + "]";
    if (name == "dtype") return word({"torch.int64", "torch.float64", "torch.bool", "torch.float32"});
    if (name == "equation")
      return word({"'i,i->'", "'ij,jk->ik'", "'i,j->ij'", "'ii->i'", "'...,...->...'", "'ij->ji'"});
    if (is({"keepdim", "descending", "largest", "unbiased", "as_tuple", "is_causal"}))
      return word({"True", "False"});
    if (is({"reduce", "reduction", "mode", "indexing", "approximate"}))
      return word({"'add'", "'multiply'", "'sum'", "'mean'", "'none'", "'constant'", "'xy'", "'tanh'"});
    return chance(3) ? word(integers) : chance(4) ? word(reals) : tensor();
  }

  strata::random_stream random_;
  const Words& tensors_;
};

/// Runs one line; whether it had a value.
bool runs(const std::string& text) {
  CAPTURE(text);
  const Meter meter({.steps = 20'000, .work = 500'000, .elements = 100'000});
  try {
    const auto tree = syntax::parse(text);
    interp::Heap heap;
    SnippetHost host;
    interp::Interpreter in(heap, host);
    Environment names;
    names["torch"] = heap.make<interp::Module>("torch");
    in.run(tree, *root_frame(heap, tree, names));
    return true;
  } catch (const Fault& fault) {
    CHECK(fault.kind != FaultKind::syntax);
    CHECK(fault.message.size() < 2000);
    return false;
  }
}

} // namespace

TEST_CASE("functions with numbers and tensors at the ends of their ranges have a value or a fault") {
  Calls calls(1, values);
  int with_value = 0, all = 0;
  for (int round = 0; round < 12; ++round)
    for (const auto& name : vocabulary::names()) {
      with_value += runs(calls.call(name)) ? 1 : 0;
      ++all;
    }
  for (int i = 0; i < 4000; ++i) with_value += runs(calls.operation()) ? 1 : 0;
  CHECK(with_value * 4 > all);
}

TEST_CASE("functions over views far larger than memory end within their limits") {
  Calls calls(2, views);
  int with_value = 0;
  for (int round = 0; round < 8; ++round)
    for (const auto& name : vocabulary::names()) with_value += runs(calls.call(name)) ? 1 : 0;
  for (int i = 0; i < 3000; ++i) with_value += runs(calls.operation()) ? 1 : 0;
  CHECK(with_value > 500);
}

TEST_CASE("integers of tensors wrap as in two's complement, and conversions of reals saturate") {
  for (const auto* text :
       {"assert (torch.tensor(-2**62*2) // -1).item() == -2**62*2",
        "assert (-torch.tensor(-2**62*2)).item() == -2**62*2",
        "assert torch.tensor(-2**62*2).abs().item() == -2**62*2",
        "assert (torch.tensor(2**62-1+2**62) + 1).item() == -2**62*2",
        "assert (torch.tensor(-2**62*2) % -1).item() == 0", "assert (torch.tensor(2**62) * 4).item() == 0",
        "assert (torch.tensor(1) << 64).item() == 0", "assert (torch.tensor(-1) >> 64).item() == -1",
        "assert torch.tensor([2**62, 2**62]).sum().item() == -2**62*2",
        "assert torch.tensor([2**62, 2]).prod().item() == -2**62*2",
        "assert torch.tensor([2**62, 2**62]).cumsum(0)[1].item() == -2**62*2",
        "assert torch.tensor(float('nan')).long().item() == -2**62*2",
        "assert torch.tensor(1e300).long().item() == -2**62*2"}) {
    CAPTURE(text);
    CHECK(runs(text));
  }
}
