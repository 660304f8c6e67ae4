// SPDX-License-Identifier: MIT
// Reads golden.txt, whose format generate_golden.py describes, and runs its calls on this library's
// vocabulary. Tensors of a call may be replaced first, which is how the same calls test batched evaluation.
#pragma once

#include "step/vocabulary/operators.hpp"
#include "step/vocabulary/vocabulary.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace golden {

using step::interp::Heap;
using step::interp::Value;
using step::tensor::DType;
using step::tensor::Shape;
using step::tensor::Tensor;
namespace vocabulary = step::vocabulary;

struct Case {
  int line = 0;
  std::string target, text;
  std::vector<std::string> arguments, call, result; ///< tokens; `call` are those behind `|`
  bool error = false;
};

struct File {
  std::map<std::string, Tensor, std::less<>> inputs;
  std::vector<Case> cases;
};

inline std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string w; in >> w;) out.push_back(w);
  return out;
}
inline Shape shape_of(const std::string& text) {
  Shape out;
  if (text == "-") return out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) out.push_back(std::stoll(part));
  return out;
}
inline DType dtype_of(const std::string& name) {
  return name == "f32"   ? DType::float32
         : name == "f64" ? DType::float64
         : name == "i64" ? DType::int64
                         : DType::boolean;
}
/// Elements from words[at] on, `n` of them.
inline Tensor values_of(const std::vector<std::string>& words, std::size_t at, std::int64_t n, DType type) {
  Tensor t = Tensor::empty({n}, type);
  step::tensor::visit(type, [&]<class T>(std::type_identity<T>) {
    T* out = t.write<T>();
    for (std::int64_t i = 0; i < n; ++i) {
      const std::string& w = words.at(at + static_cast<std::size_t>(i));
      if constexpr (std::is_same_v<T, std::int64_t>)
        out[i] = std::stoll(w);
      else
        out[i] = step::tensor::convert<T>(std::strtod(w.c_str(), nullptr));
    }
  });
  return t;
}

inline File read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot open " + path);
  File file;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    auto w = words(line);
    if (w.empty() || w[0] == "#") continue;
    if (w[0] == "T") {
      const Tensor base = values_of(w, 5, static_cast<std::int64_t>(w.size()) - 5, dtype_of(w[2]));
      file.inputs.emplace(w[1], base.restrided(shape_of(w[3]), shape_of(w[4]), 0));
      continue;
    }
    Case c;
    c.line = number;
    c.text = line;
    c.target = w[1];
    std::vector<std::string>* to = &c.arguments;
    for (std::size_t i = 2; i < w.size(); ++i) {
      if (w[i] == "|")
        to = &c.call;
      else if (w[i] == "=>")
        to = &c.result;
      else
        to->push_back(w[i]);
    }
    c.error = c.result == std::vector<std::string>{"E"};
    file.cases.push_back(std::move(c));
  }
  return file;
}

/// New storage of the same strides.
inline Tensor fresh(const Tensor& t) {
  std::int64_t extent = t.numel() == 0 ? 0 : 1;
  for (int i = 0; i < t.axes() && extent > 0; ++i) extent += (t.sizes()[i] - 1) * t.strides()[i];
  return t.restrided({extent}, {1}, 0).clone().restrided(t.sizes(), t.strides(), t.lead());
}

/// What a `$name` token becomes; the first number counts the tensors of the call.
using Supply = std::function<Tensor(int, const std::string&)>;

class Runner {
 public:
  Runner(Heap& heap, Supply supply) : heap_(heap), supply_(std::move(supply)) {}

  Value run(const Case& c) {
    Value result = call(c.target, c.arguments);
    if (c.target.starts_with("torch.nn.") && result.as<vocabulary::TorchModule>() != nullptr) {
      const auto bound = bind(c.call);
      return vocabulary::call_module(heap_, *result.as<vocabulary::TorchModule>(),
                                     {bound.positional, bound.keywords});
    }
    return result;
  }
  /// The tensors that were passed, in order.
  [[nodiscard]] const std::vector<vocabulary::TensorObject*>& tensors() const { return tensors_; }

 private:
  struct Bound {
    std::vector<Value> positional;
    std::vector<std::pair<std::string_view, Value>> keywords;
  };
  Bound bind(const std::vector<std::string>& tokens) {
    Bound b;
    for (std::size_t at = 0; at < tokens.size();) {
      const std::string& t = tokens[at];
      if (t.size() > 1 && t.back() == '=' && t[0] != 's') { // a keyword; strings end in a quote
        ++at;
        b.keywords.emplace_back(std::string_view(t).substr(0, t.size() - 1), parse(tokens, at));
      } else if (t.back() == '=') {
        ++at;
        b.keywords.emplace_back(std::string_view(t).substr(0, t.size() - 1), parse(tokens, at));
      } else
        b.positional.push_back(parse(tokens, at));
    }
    return b;
  }
  Value parse(const std::vector<std::string>& tokens, std::size_t& at) {
    const std::string& t = tokens.at(at++);
    if (t == "(" || t == "[") {
      std::vector<Value> items;
      while (tokens.at(at) != ")" && tokens.at(at) != "]") items.push_back(parse(tokens, at));
      ++at;
      if (t == "(") return heap_.make<step::interp::Tuple>(std::move(items));
      return heap_.make<step::interp::List>(std::move(items));
    }
    if (t == "...") return heap_.make<step::interp::Ellipsis>();
    if (t == "S") {
      const Value lower = parse(tokens, at), upper = parse(tokens, at), step = parse(tokens, at);
      return heap_.make<step::interp::Slice>(lower, upper, step);
    }
    switch (t[0]) {
    case '$':
      tensors_.push_back(
          heap_.make<vocabulary::TensorObject>(supply_(static_cast<int>(tensors_.size()), t.substr(1))));
      return tensors_.back();
    case 'i':
      return Value::integer(std::stoll(t.substr(1)));
    case 'f':
      return Value::real(std::strtod(t.c_str() + 1, nullptr));
    case 'b':
      return Value::boolean(t[1] == '1');
    case 'n':
      return Value::none();
    case 'd':
      return vocabulary::constant(heap_, t.substr(1));
    case 's': {
      std::string text = t.substr(2, t.size() - 3);
      for (char& c : text)
        if (c == '_') c = ' ';
      return heap_.make<step::interp::String>(std::move(text));
    }
    default:
      throw std::runtime_error("bad token " + t);
    }
  }

  Value call(const std::string& target, const std::vector<std::string>& tokens) {
    const Bound b = bind(tokens);
    const auto& p = b.positional;
    const auto tensor = [&](std::size_t i) -> Tensor& {
      return p.at(i).as<vocabulary::TensorObject>()->tensor;
    };
    const auto op = [&](std::size_t prefix) { return operator_of(target.substr(prefix)); };
    if (target == "op.negative" || target == "op.invert" || target == "op.positive")
      return vocabulary::unary(heap_, op(3), p.at(0));
    if (target.starts_with("op.")) {
      const auto o = op(3);
      if (o >= step::syntax::Op::less) return vocabulary::compare(heap_, o, p.at(0), p.at(1));
      return vocabulary::binary(heap_, o, p.at(0), p.at(1));
    }
    if (target.starts_with("inplace.")) return vocabulary::inplace(heap_, op(8), p.at(0), p.at(1));
    if (target == "getitem") return vocabulary::get_item(heap_, tensor(0), p.at(1));
    if (target == "setitem") {
      vocabulary::set_item(heap_, tensor(0), p.at(1), p.at(2));
      return p.at(0);
    }
    if (target == "truth") return Value::boolean(vocabulary::truth(p.at(0)));
    if (target == "int") return Value::integer(vocabulary::to_int(p.at(0)));
    if (target == "float") return Value::real(vocabulary::to_float(p.at(0)));
    if (target == "len") return Value::integer(vocabulary::length(p.at(0)));
    if (target == "iterate") return heap_.make<step::interp::List>(vocabulary::unbind(heap_, tensor(0)));
    if (target.starts_with("Tensor.")) {
      if (const auto v = vocabulary::attribute(heap_, p.at(0), target.substr(7)); v.is_set()) return v;
      const auto* m = vocabulary::find_method(target.substr(7));
      if (m == nullptr) throw std::runtime_error("no method " + target);
      return m->call(heap_, {p, b.keywords});
    }
    const auto* f = vocabulary::find_function(target);
    if (f == nullptr) throw std::runtime_error("no function " + target);
    return f->call(heap_, {p, b.keywords});
  }
  static step::syntax::Op operator_of(const std::string& name) {
    using step::syntax::Op;
    static const std::map<std::string, Op> table = {{"add", Op::add},
                                                    {"subtract", Op::subtract},
                                                    {"multiply", Op::multiply},
                                                    {"divide", Op::divide},
                                                    {"floor_divide", Op::floor_divide},
                                                    {"modulo", Op::modulo},
                                                    {"power", Op::power},
                                                    {"matmul", Op::matmul},
                                                    {"shift_left", Op::shift_left},
                                                    {"shift_right", Op::shift_right},
                                                    {"bit_and", Op::bit_and},
                                                    {"bit_or", Op::bit_or},
                                                    {"bit_xor", Op::bit_xor},
                                                    {"less", Op::less},
                                                    {"less_equal", Op::less_equal},
                                                    {"greater", Op::greater},
                                                    {"greater_equal", Op::greater_equal},
                                                    {"equal", Op::equal},
                                                    {"not_equal", Op::not_equal},
                                                    {"in", Op::in},
                                                    {"negative", Op::negative},
                                                    {"invert", Op::invert},
                                                    {"positive", Op::positive}};
    return table.at(name);
  }

  Heap& heap_;
  Supply supply_;
  std::vector<vocabulary::TensorObject*> tensors_;
};

/// Whether |a - b| <= atol + rtol |b| everywhere, NaN and infinities being equal to themselves.
inline bool close(const Tensor& a, const Tensor& b, double rtol, double atol) {
  const Tensor x = a.contiguous().to(DType::float64), y = b.contiguous().to(DType::float64);
  if (x.numel() != y.numel()) return false;
  const double *p = x.data<double>(), *q = y.data<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (p[i] == q[i] || (std::isnan(p[i]) && std::isnan(q[i]))) continue;
    if (!(std::isfinite(p[i]) && std::isfinite(q[i]) &&
          std::abs(p[i] - q[i]) <= atol + rtol * std::abs(q[i])))
      return false;
  }
  return true;
}

/// An empty text when `v` is what the tokens from `at` on describe; otherwise what differs.
inline std::string mismatch(Value v, const std::vector<std::string>& tokens, std::size_t& at) {
  const std::string& t = tokens.at(at++);
  if (t == "T") {
    const DType type = dtype_of(tokens.at(at));
    const Shape sizes = shape_of(tokens.at(at + 1));
    at += 2;
    const std::int64_t n = step::tensor::count(sizes);
    const Tensor want = values_of(tokens, at, n, type);
    at += static_cast<std::size_t>(n);
    auto* got = v.as<vocabulary::TensorObject>();
    if (got == nullptr) return "not a tensor";
    const Tensor& g = got->tensor;
    if (g.dtype() != type) return "dtype " + std::string(step::tensor::name_of(g.dtype()));
    if (Shape(g.element_sizes()) != sizes || g.lead() != 0)
      return "shape " + step::tensor::text(g.element_sizes());
    const bool single = type == DType::float32;
    if (close(g, want, single ? 1.3e-6 : 1e-9, single ? 1e-5 : 1e-11)) return "";
    std::string text = "values";
    const Tensor flat = g.contiguous().to(DType::float64);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(flat.numel(), 24); ++i)
      text += " " + std::to_string(flat.data<double>()[i]);
    return text;
  }
  if (t == "(" || t == "[") {
    std::span<const Value> items;
    if (!step::interp::sequence_items(v, items)) return "not a sequence";
    for (std::size_t i = 0;; ++i) {
      const std::string& next = tokens.at(at);
      if (next == ")" || next == "]") {
        ++at;
        return i == items.size() ? "" : "a sequence of " + std::to_string(items.size());
      }
      if (i >= items.size()) return "a sequence of " + std::to_string(items.size());
      if (std::string m = mismatch(items[i], tokens, at); !m.empty())
        return "[" + std::to_string(i) + "]: " + m;
    }
  }
  switch (t[0]) {
  case 'i':
    return v.is_int() && !v.is_bool() && v.as_int() == std::stoll(t.substr(1)) ? "" : "another int";
  case 'b':
    return v.is_bool() && v.as_bool() == (t[1] == '1') ? "" : "another bool";
  case 'f': {
    const double want = std::strtod(t.c_str() + 1, nullptr);
    if (!v.is_real()) return "not a float";
    return v.as_real() == want || (std::isnan(want) && std::isnan(v.as_real()))
               ? ""
               : "another float " + std::to_string(v.as_real());
  }
  case 'd': {
    auto* d = v.as<vocabulary::TorchDtype>();
    return d != nullptr && step::tensor::name_of(d->dtype) == t.substr(1) ? "" : "another dtype";
  }
  default:
    return v.is_none() ? "" : "not None";
  }
}

} // namespace golden
