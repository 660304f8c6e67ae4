// SPDX-License-Identifier: MIT
// The stream types that come up in one task, numbered, with the shape operators that lead from one to
// another. Every transition is computed once, by the typing rules of the operators themselves.
#pragma once

#include "step/operators/table.hpp"
#include "step/proposer/derivation.hpp"
#include "step/proposer/interface.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step::proposer {

using TypeId = std::uint32_t;

/// What a shape operator does to its stream, apart from names and numbers: the alphabet of idioms.
enum class Pattern : std::uint8_t {
  begin_same,    ///< start of a path that keeps the dtype
  begin_buffer,  ///< start of a path from elements to buffers
  begin_element, ///< start of a path from buffers to elements
  begin_other,   ///< any other start
  promote_inner,
  promote_middle,
  promote_outer,
  flatten_outer,
  flatten_inner,
  bufferize_all, ///< all dims but the outermost
  bufferize_some,
  streamify,
  repeat,
  reshape,
  end,
};
inline constexpr std::size_t patterns = static_cast<std::size_t>(Pattern::end) + 1;

/// Cost in nats of a pattern after another one.
using PatternCosts = std::array<std::array<double, patterns>, patterns>;

/// The pattern of a move on a stream of that rank.
[[nodiscard]] inline Pattern pattern_of(const Move& m, std::int64_t rank) {
  switch (m.kind) {
  case MoveKind::promote:
    return m.at == 0          ? Pattern::promote_inner
           : m.at == rank + 1 ? Pattern::promote_outer
                              : Pattern::promote_middle;
  case MoveKind::flatten:
    return m.at == rank ? Pattern::flatten_outer : Pattern::flatten_inner;
  case MoveKind::bufferize:
    return m.at == rank ? Pattern::bufferize_all : Pattern::bufferize_some;
  case MoveKind::streamify:
    return Pattern::streamify;
  case MoveKind::repeat:
    return Pattern::repeat;
  case MoveKind::reshape:
    return Pattern::reshape;
  }
  return Pattern::end;
}

/// The pattern in whose context the first move of a path is chosen.
[[nodiscard]] inline Pattern begin_of(const DType& from, const DType& to) {
  if (from == to) return Pattern::begin_same;
  if (from.fields.size() != 1 || to.fields.size() != 1) return Pattern::begin_other;
  const auto a = from.fields[0].buffer.size(), b = to.fields[0].buffer.size();
  return a < b ? Pattern::begin_buffer : a > b ? Pattern::begin_element : Pattern::begin_other;
}

[[nodiscard]] inline operators::Config config_of(const Move& m) {
  operators::Config c;
  if (m.kind == MoveKind::flatten || m.kind == MoveKind::reshape) c.levels = {m.at};
  c.count = m.at;
  c.size = m.size;
  return c;
}

/// The type after a move, or nothing when its precondition is broken.
[[nodiscard]] inline std::optional<StreamType> after(const Move& m, const StreamType& type,
                                                     const Bindings& sizes) {
  using Infer = operators::Typing (*)(const operators::Config&, std::span<const StreamType* const>,
                                      operators::TypeContext&);
  constexpr std::array<Infer, 6> rules = {operators::infer_promote,   operators::infer_flatten,
                                          operators::infer_bufferize, operators::infer_streamify,
                                          operators::infer_repeat,    operators::infer_reshape};
  operators::TypeContext context{sizes};
  const StreamType* in = &type;
  auto typing = rules[static_cast<std::size_t>(m.kind)](config_of(m), {&in, 1}, context);
  if (!typing.ok()) return std::nullopt;
  return std::move(typing.outputs[0]);
}

class Types {
 public:
  struct Transition {
    Move move;
    Pattern pattern{};
    TypeId to = 0;
  };

  explicit Types(const Interface& interface) : sizes_(interface.sizes) {
    const auto shape = [&](const Shape& dims) {
      for (const auto& d : dims) add_dim(d);
    };
    const auto dtype = [&](const DType& t) {
      for (const auto& f : t.fields) shape(f.buffer);
    };
    const auto stream = [&](const StreamInterface& s) {
      dtype(s.type.dtype);
      shape(s.type.shape);
    };
    for (const auto& s : interface.inputs) stream(s);
    for (const auto& s : interface.outputs) stream(s);
    for (const auto& f : interface.functions) {
      dtype(f.input);
      dtype(f.output);
    }
  }

  [[nodiscard]] const StreamType& operator[](TypeId id) const { return types_[id].type; }
  /// Equal for types of equal shape / equal dtype.
  [[nodiscard]] std::uint32_t shape_of(TypeId id) const { return types_[id].shape; }
  [[nodiscard]] std::uint32_t dtype_of(TypeId id) const { return types_[id].dtype; }
  [[nodiscard]] std::size_t size() const { return types_.size(); }

  std::uint32_t dtype(const DType& t) { return number(dtypes_, key_of(t)); }

  TypeId intern(const StreamType& type) {
    auto dtype_key = key_of(type.dtype), shape_key = key_of(type.shape);
    auto [it, added] = ids_.emplace(shape_key + '|' + dtype_key, static_cast<TypeId>(types_.size()));
    if (added)
      types_.push_back(
          {type, number(shapes_, std::move(shape_key)), number(dtypes_, std::move(dtype_key)), {}, false});
    return it->second;
  }

  /// Where one shape operator can lead, in a fixed order. Only dims of the interface come up, a size is
  /// repeated at most once, and no type has two dims of size 1: others make no sense in the language's
  /// idioms.
  const std::vector<Transition>& transitions(TypeId id) {
    if (!types_[id].expanded) {
      auto found = expand(id);
      types_[id].transitions = std::move(found);
      types_[id].expanded = true;
    }
    return types_[id].transitions;
  }

 private:
  struct Entry {
    StreamType type;
    std::uint32_t shape = 0, dtype = 0;
    std::vector<Transition> transitions;
    bool expanded = false;
  };
  static constexpr std::int64_t most_rank = 6;
  static constexpr std::size_t most_buffer = 4;

  static std::uint32_t number(std::unordered_map<std::string, std::uint32_t>& table, std::string text) {
    const auto next = static_cast<std::uint32_t>(table.size());
    return table.emplace(std::move(text), next).first->second;
  }
  /// The numbers of the dims, two bytes each; faster than their text.
  std::string key_of(std::span<const Dim> dims) {
    std::string key;
    for (const auto& d : dims) {
      auto it = std::find(numbered_.begin(), numbered_.end(), d);
      if (it == numbered_.end()) it = numbered_.insert(it, d);
      const auto n = it - numbered_.begin();
      key += static_cast<char>('0' + n % 64);
      key += static_cast<char>('0' + n / 64);
    }
    return key;
  }
  std::string key_of(const DType& t) {
    std::string key;
    for (const auto& f : t.fields) {
      key += f.experts ? 'm' + key_of({&*f.experts, 1}) : "s";
      key += key_of(f.buffer) + ',';
    }
    return key;
  }
  void add_dim(const Dim& d) {
    if (std::find(dims_.begin(), dims_.end(), d) == dims_.end()) dims_.push_back(d);
  }
  [[nodiscard]] bool known(const Dim& d) const {
    return std::find(dims_.begin(), dims_.end(), d) != dims_.end();
  }

  std::vector<Transition> expand(TypeId id) {
    const auto type = types_[id].type;
    const auto rank = type.rank();
    const bool tuple = type.dtype.is_tuple();
    std::vector<Move> moves;
    const auto has = [&](const Dim& d) {
      if (std::find(type.shape.begin(), type.shape.end(), d) != type.shape.end()) return true;
      for (const auto& f : type.dtype.fields) {
        if (std::find(f.buffer.begin(), f.buffer.end(), d) != f.buffer.end()) return true;
        if (f.experts == d) return true;
      }
      return false;
    };
    if (rank < most_rank && !has(Dim(1)))
      for (std::int64_t b = 0; b <= rank + 1; ++b)
        moves.push_back({MoveKind::promote, static_cast<std::uint8_t>(b), {}});
    for (std::int64_t l = 1; l <= rank; ++l) {
      const auto &inner = type.shape[static_cast<std::size_t>(l - 1)],
                 &outer = type.shape[static_cast<std::size_t>(l)];
      if (inner == Dim(1) || outer == Dim(1) || known(inner * outer))
        moves.push_back({MoveKind::flatten, static_cast<std::uint8_t>(l), {}});
    }
    if (!tuple && type.dtype.fields[0].buffer.size() < most_buffer)
      for (std::int64_t a = 1; a <= rank; ++a)
        moves.push_back({MoveKind::bufferize, static_cast<std::uint8_t>(a), {}});
    if (!tuple && type.dtype.fields[0].is_buffer() && rank < most_rank)
      moves.push_back({MoveKind::streamify, 0, {}});
    if (rank < most_rank)
      for (const auto& d : dims_)
        if (!(d == Dim(1)) && !has(d)) moves.push_back({MoveKind::repeat, 0, d});
    if (rank < most_rank)
      for (std::int64_t i = 0; i <= rank; ++i)
        for (const auto& d : dims_) {
          const auto& whole = type.shape[static_cast<std::size_t>(i)];
          if (d == whole || d == Dim(1) || whole.symbol()) continue;
          if (auto q = exact_divide(whole, d); q && known(*q))
            moves.push_back({MoveKind::reshape, static_cast<std::uint8_t>(i), d});
        }
    std::vector<Transition> out;
    for (auto& m : moves)
      if (auto to = after(m, type, sizes_)) out.push_back({m, pattern_of(m, rank), intern(*to)});
    return out;
  }

  Bindings sizes_;
  std::vector<Dim> dims_;     // of the interface
  std::vector<Dim> numbered_; // all that came up
  std::deque<Entry> types_;
  std::unordered_map<std::string, TypeId> ids_;
  std::unordered_map<std::string, std::uint32_t> shapes_, dtypes_;
};

} // namespace step::proposer
