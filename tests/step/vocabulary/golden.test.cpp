// SPDX-License-Identifier: MIT
// Every call recorded from PyTorch in golden.txt gives the same dtype, shape and values here, or fails here
// too. The same calls on batched tensors give what they give position by position.
#include "step/vocabulary/golden.hpp"

#include "step/tensor/random_tensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace {

using namespace golden;

const File& file() {
  static const File f = [] { return read(STRATA_TEST_DIR "/step/vocabulary/golden.txt"); }();
  return f;
}

/// Decisions to differ from PyTorch 1.13.
struct Deviation {
  const char* pattern; ///< matches the whole case
  const char* why;
};
constexpr Deviation deviations[] = {
    {R"(C \w+\.repeat_interleave \$(v0|e04|e30) i-1 => T.*)",
     "a negative count is an error even when nothing is repeated"},
    {R"(C \w+\.tri[lu]_? \$v0.* => T.*)", "a vector is not a matrix, even when it is empty"},
    {R"(C \w+\.diag \$(e04 i-2|e30 i1) => E)", "a diagonal beyond the corner of an empty matrix is empty"},
    {R"(C [gs]etitem .* \( \.\.\. \.\.\. \).*)", "one ellipsis per subscript, as in NumPy"},
    {R"(C torch\.(tensor|as_tensor|asarray) .*\$s.* dtype= dtorch\.int64 => E)",
     "scalar tensors truncate as numbers do"},
    {R"(C \w+\.kron .* => E)", "operands need not be contiguous"},
};

bool deviates(const Case& c) {
  return std::any_of(std::begin(deviations), std::end(deviations),
                     [&](const Deviation& d) { return std::regex_match(c.text, std::regex(d.pattern)); });
}

std::string run_recorded(const Case& c) {
  const step::Meter meter;
  Heap heap;
  Runner runner(heap, [](int, const std::string& name) { return fresh(file().inputs.at(name)); });
  try {
    const Value v = runner.run(c);
    std::size_t at = 0;
    return c.error ? "no error" : mismatch(v, c.result, at);
  } catch (const step::Fault& f) {
    return c.error && f.kind != step::FaultKind::per_position ? "" : "raised: " + f.message;
  } catch (const std::exception& e) {
    return std::string("broken: ") + e.what();
  }
}

/// The same tensor with its elements in reverse order: other data of the same shape.
Tensor reversed(const Tensor& t) {
  Tensor flat = t.reshaped({t.numel()}).clone();
  if (t.numel() > 0) flat = flat.narrowed(0, t.numel() - 1, t.numel(), -1).clone();
  return flat.reshaped(t.sizes());
}

/// How the tensors of a call become batched.
struct Batching {
  Shape lead;
  std::function<bool(int)> batched;             ///< the k-th tensor of the call
  std::function<bool(int, int)> flat;           ///< whether it is repeated (stride 0) along a batch axis
  std::function<bool(int, const Shape&)> other; ///< whether it holds reversed data at a position
};

/// Compares one result tree: `v` of the batch with `want` at one position.
bool same_at(Value v, Value want, const Shape& position) {
  if (auto* t = v.as<vocabulary::TensorObject>()) {
    auto* w = want.as<vocabulary::TensorObject>();
    if (w == nullptr) return false;
    const Tensor here = t->tensor.lead() == 0 ? t->tensor : t->tensor.at(position);
    return here.dtype() == w->tensor.dtype() && here.sizes() == w->tensor.sizes() &&
           close(here, w->tensor, 1e-6, 1e-6);
  }
  std::span<const Value> a, b;
  if (step::interp::sequence_items(v, a)) {
    if (!step::interp::sequence_items(want, b) || a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same_at(a[i], b[i], position)) return false;
    return true;
  }
  if (v.is_number())
    return want.tag() == v.tag() &&
           (want.as_real() == v.as_real() || (std::isnan(v.as_real()) && std::isnan(want.as_real())));
  return v.tag() == want.tag();
}

enum class Outcome { agrees, per_position, differs };

/// Runs a case batched and at each position.
std::pair<Outcome, std::string> run_batched(const Case& c, const Batching& how) {
  Heap heap;
  std::vector<Shape> positions{{}};
  for (std::int64_t n : how.lead) {
    std::vector<Shape> next;
    for (const Shape& p : positions)
      for (std::int64_t i = 0; i < n; ++i) {
        next.push_back(p);
        next.back().push_back(i);
      }
    positions = std::move(next);
  }
  const auto data = [&](int k, const std::string& name, const Shape& position) {
    const Tensor& t = file().inputs.at(name);
    return how.batched(k) && how.other(k, position) ? reversed(t) : fresh(t);
  };
  std::vector<Value> wanted;
  std::string raised;
  for (const Shape& position : positions) {
    Runner one(heap, [&](int k, const std::string& name) { return data(k, name, position); });
    try {
      wanted.push_back(one.run(c));
    } catch (const step::Fault& f) {
      raised = f.message;
    }
  }
  Runner all(heap, [&](int k, const std::string& name) {
    if (!how.batched(k)) return data(k, name, positions.front());
    std::vector<Tensor> parts;
    for (const Shape& position : positions) parts.push_back(data(k, name, position));
    Tensor t = step::tensor::stack_positions(parts, how.lead);
    for (int axis = 0; axis < how.lead.size(); ++axis)
      if (how.flat(k, axis)) t = t.narrowed(axis, 0, 1).clone().regrown(how.lead);
    return t;
  });
  try {
    const Value got = all.run(c);
    if (!raised.empty()) return {Outcome::differs, "no error, but some position raised " + raised};
    for (std::size_t i = 0; i < positions.size(); ++i)
      if (!same_at(got, wanted[i], positions[i]))
        return {Outcome::differs, "position " + step::tensor::text(positions[i])};
    return {Outcome::agrees, ""};
  } catch (const step::Fault& f) {
    if (f.kind == step::FaultKind::per_position) return {Outcome::per_position, ""};
    if (raised.empty()) return {Outcome::differs, "raised " + f.message};
    return {Outcome::agrees, ""};
  }
}

} // namespace

TEST_CASE("recorded calls agree with PyTorch, with every instruction set") {
  step::tensor::testing::with_every_set([](step::tensor::InstructionSet set) {
    CAPTURE(name_of(set));
    int failures = 0;
    for (const Case& c : file().cases) {
      const std::string problem = run_recorded(c);
      if (problem.empty() || deviates(c)) continue;
      if (++failures <= 400) MESSAGE(c.line << ": " << c.text.substr(0, 300) << "\n    got " << problem);
    }
    CHECK(failures == 0);
  });
}

TEST_CASE("batched calls agree with evaluation position by position") {
  const Batching ways[] = {
      {{2},
       [](int) { return true; },
       [](int, int) { return false; },
       [](int, const Shape& p) { return p[0] == 1; }},
      {{2},
       [](int k) { return k % 2 == 0; },
       [](int, int) { return false; },
       [](int, const Shape& p) { return p[0] == 1; }},
      {{2},
       [](int k) { return k % 2 == 1; },
       [](int, int) { return false; },
       [](int, const Shape& p) { return p[0] == 1; }},
      {{2, 3},
       [](int k) { return k != 2; },
       [](int k, int axis) { return k == 0 ? axis == 1 : axis == 0; },
       [](int k, const Shape& p) { return p[k == 0 ? 0 : 1] == 1; }},
      {{2, 2},
       [](int) { return true; },
       [](int, int axis) { return axis == 0; },
       [](int, const Shape& p) { return p[1] == 0; }},
  };
  int failures = 0, agreements = 0;
  std::set<std::string> fallback;
  for (const Case& c : file().cases) {
    // Stacking for the batch loses strides, which these are about.
    const bool strides =
        c.target == "Tensor.is_contiguous" || (c.target == "setitem" && c.arguments[0] == "$x34");
    if (c.error || strides) continue;
    for (const Batching& how : ways) {
      const auto [outcome, what] = run_batched(c, how);
      if (outcome == Outcome::agrees) ++agreements;
      if (outcome == Outcome::per_position && &how == &ways[0]) fallback.insert(c.target);
      if (outcome == Outcome::differs && ++failures <= 100)
        MESSAGE(c.line << ": way " << &how - ways << ": " << c.text.substr(0, 200) << "\n    got " << what);
    }
  }
  CHECK(failures == 0);
  CHECK(agreements > 60000);
  // Only what depends on how many elements are true or on single values may ask for positions.
  const std::set<std::string> expected = {"Tensor.allclose",
                                          "Tensor.argwhere",
                                          "Tensor.bincount",
                                          "Tensor.equal",
                                          "Tensor.item",
                                          "Tensor.masked_select",
                                          "Tensor.nonzero",
                                          "Tensor.repeat_interleave",
                                          "Tensor.tolist",
                                          "float",
                                          "getitem",
                                          "int",
                                          "op.in",
                                          "setitem",
                                          "torch.allclose",
                                          "torch.argwhere",
                                          "torch.bincount",
                                          "torch.equal",
                                          "torch.masked_select",
                                          "torch.nn.functional.one_hot",
                                          "torch.nonzero",
                                          "torch.repeat_interleave",
                                          "torch.where",
                                          "truth"};
  CHECK(fallback == expected);
}

TEST_CASE("every name of the vocabulary has recorded calls") {
  std::map<std::string, int> calls;
  for (const Case& c : file().cases) ++calls[c.target];
  // Absent from PyTorch 1.13 or without a comparable result; vocabulary.test.cpp has them.
  const std::set<std::string> unrecorded = {
      "Tensor.device", "Tensor.int",       "Tensor.new_empty", "Tensor.short", "torch.device",
      "torch.empty",   "torch.empty_like", "torch.finfo",      "torch.iinfo",  "torch.nn.RMSNorm"};
  std::string thin;
  for (const std::string& name : vocabulary::names())
    if (calls[name] < 5 && !unrecorded.contains(name)) thin += " " + name + ":" + std::to_string(calls[name]);
  CHECK(thin == "");
}
