// SPDX-License-Identifier: MIT
// The loops of ElementwiseBody. A tile is a few positions along one axis times a piece of their elements;
// every operation is one call of a vectorised kernel on it. Included by body_program_source.hpp.
#pragma once

#include "step/meter.hpp"
#include "step/operators/function_operators.hpp"
#include "step/separate_compilation.hpp"
#include "step/tensor/kernels.hpp"
#include "step/verifier/elementwise_body.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

namespace step {

STEP_SOURCE bool ElementwiseBody::maps() const {
  if (states > 0 || operations.empty()) return false;
  if (operations.size() == 1 && !operations[0].is_blend()) return false; // a tensor operation does it as well
  const auto result = [this](std::uint32_t slot) {
    return std::any_of(operations.begin(), operations.end(), [&](const auto& o) { return o.out == slot; });
  };
  auto sorted = outputs;
  std::sort(sorted.begin(), sorted.end());
  return std::all_of(sorted.begin(), sorted.end(), result) &&
         std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

/// One call of map() or fold().
struct ElementwiseBody::Run {
  using Tensor = tensor::Tensor;
  static constexpr std::int64_t tile_numbers = 1024; ///< of a slot; twice as many made input rows collide

  /// Where a slot's numbers are: `row` from a position of the tile to the next; elements are adjacent.
  struct View {
    float* data = nullptr;
    std::int64_t row = 0;
  };
  struct Axis {
    std::int64_t size = 1;
    bool repeated = false; ///< all fields have stride 0: computed once
  };

  Run(const ElementwiseBody& b, std::span<const Tensor> input, int axes, int folded_axes, bool keep_every)
      : body(b), folded(folded_axes), outer(axes - folded_axes), every(keep_every), views(b.slots.size()),
        offsets(b.inputs) {
    for (const auto& field : input) fields.push_back(field.with_lead(axes).packed());
    sizes = fields[0].sizes();
    for (int i = 0; i < outer; ++i) {
      repeated[static_cast<std::size_t>(i)] = sizes[i] > 1;
      for (const auto& field : fields)
        if (field.strides()[i] != 0) repeated[static_cast<std::size_t>(i)] = false;
    }
    length = std::min(body.elements, tile_numbers);
    last = outer - 1;
    while (last > 0 && (sizes[last] == 1 || repeated[static_cast<std::size_t>(last)])) --last;
    rows = std::min(last >= 0 ? computed(last) : 1, std::max<std::int64_t>(tile_numbers / length, 1));
    rows = std::max<std::int64_t>(rows, 1); // constants need a place even where nothing is computed
  }

  [[nodiscard]] std::int64_t computed(int axis) const {
    return repeated[static_cast<std::size_t>(axis)] ? 1 : sizes[axis];
  }
  [[nodiscard]] bool full(std::uint32_t slot) const { return body.slots[slot].full; }

  /// The arrays to fill in; axes along which everything repeats have length 1 until finish().
  void make_outputs(std::span<const tensor::Shape> shapes) {
    for (const auto& position : shapes) {
      tensor::Shape s;
      for (int i = 0; i < outer; ++i) s.push_back(computed(i));
      if (every)
        for (int i = outer; i < outer + folded; ++i) s.push_back(sizes[i]);
      s.append(std::span<const std::int64_t>(position.begin(), position.end()));
      out.push_back(Tensor::empty(s, tensor::DType::float32));
    }
  }
  std::vector<Tensor> finish() {
    for (auto& t : out)
      for (int i = 0; i < outer; ++i)
        if (repeated[static_cast<std::size_t>(i)]) t = t.expanded(i, sizes[i]);
    return std::move(out);
  }

  /// Scratch memory for every place; inputs are read where they are.
  void make_scratch() {
    std::size_t total = 0;
    const auto room = [&](std::uint32_t slot) {
      const auto numbers = static_cast<std::size_t>(full(slot) ? rows * length : rows);
      return (numbers + 15) / 16 * 16; // whole cache lines
    };
    for (auto slot : body.places) total += room(slot);
    scratch = Tensor::empty({static_cast<std::int64_t>(total)}, tensor::DType::float32);
    auto* next = scratch.write<float>();
    for (auto slot : body.places) {
      places.push_back(next);
      next += room(slot);
    }
    for (std::uint32_t s = 0; s < views.size(); ++s) views[s].row = full(s) ? length : 1;
    for (std::uint32_t s = body.states + body.inputs; s < body.first_result(); ++s) {
      *data(s) = body.slots[s].constant;
      views[s].row = 0;
    }
  }
  /// Where the slot's numbers are now.
  [[nodiscard]] float* data(std::uint32_t slot) const {
    return views[slot].data != nullptr ? views[slot].data : places[body.slots[slot].place];
  }
  [[nodiscard]] View view(std::uint32_t slot) const { return {data(slot), views[slot].row}; }

  void fill_states(std::span<const double> init) {
    for (std::uint32_t s = 0; s < body.states; ++s)
      std::fill_n(data(s), full(s) ? rows * length : rows, static_cast<float>(init[s]));
  }

  /// What the operations' kernels are told about the current tile, except where the numbers are.
  void prepare() {
    calls.clear();
    for (const auto& o : body.operations) {
      const bool wide = full(o.out);
      const auto to_row = views[o.out].row;
      tensor::Tile<3> t;
      t.rows = wide ? here_rows : 1;
      t.length = wide ? here_length : here_rows;
      const auto operand = [&](std::size_t k, std::uint32_t slot) {
        t.row_stride[k] = views[slot].row;
        t.stride[k] = wide ? (full(slot) ? 1 : 0) : views[slot].row;
      };
      operand(0, o.out);
      if (o.is_blend()) {
        calls.push_back(t);
        continue;
      }
      operand(1, o.a);
      operand(2, o.b);
      if (wide && to_row == here_length && joins(o.a) && joins(o.b)) { // one long row
        t.length *= t.rows;
        t.rows = 1;
      }
      calls.push_back(t);
    }
  }
  void compute() {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto& o = body.operations[i];
      const auto& t = calls[i];
      if (o.is_blend())
        tensor::kernels().blend({data(o.out), data(o.a), data(o.b), data(o.c), data(o.d), t.rows, t.length,
                                 views[o.out].row, views[o.a].row, views[o.b].row, views[o.c].row,
                                 views[o.d].row, full(o.a) ? 1 : 0, full(o.c) ? 1 : 0});
      else if (o.binary != nullptr)
        o.binary(t, data(o.out), data(o.a), data(o.b));
      else
        o.unary({{}, {t.row_stride[0], t.row_stride[1]}, {t.stride[0], t.stride[1]}, t.rows, t.length},
                data(o.out), data(o.a));
    }
  }
  [[nodiscard]] bool joins(std::uint32_t slot) const {
    return views[slot].row == (full(slot) ? here_length : 0);
  }

  static void copy(float* to, std::int64_t to_row, const View& from, std::int64_t rows,
                   std::int64_t numbers) {
    for (std::int64_t r = 0; r < rows; ++r)
      if (numbers == 1)
        to[r * to_row] = from.data[r * from.row];
      else
        std::memcpy(to + r * to_row, from.data + r * from.row,
                    static_cast<std::size_t>(numbers) * sizeof(float));
  }

  /// Charges the operations on this many numbers, at least as much as on 16 for every visit of a tile; each
  /// tile is visited `times` times.
  void charge(std::uint64_t numbers, std::uint64_t times) const {
    std::uint64_t tiles_made = static_cast<std::uint64_t>((body.elements + length - 1) / length);
    for (int i = 0; i < outer; ++i)
      tiles_made *= static_cast<std::uint64_t>(i == last ? (computed(i) + rows - 1) / rows : computed(i));
    const auto visits = 16 * tiles_made * times;
    Meter::current().work(numbers * body.operations.size() +
                          visits * (body.operations.size() + body.outputs.size() + body.inputs));
  }

  /// Calls visit() for every tile of positions and elements, with the inputs' views at the first folded
  /// position.
  template <class Visit> void tiles(Visit visit) {
    std::array<std::int64_t, tensor::max_axes> index{};
    for (int i = 0; i < outer + folded; ++i)
      if (sizes[i] == 0) return;
    for (;;) {
      for (std::int64_t row = 0; row < (last >= 0 ? computed(last) : 1); row += rows) {
        here_rows = std::min(rows, (last >= 0 ? computed(last) : 1) - row);
        for (first = 0; first < body.elements; first += length) {
          here_length = std::min(length, body.elements - first);
          at = index;
          if (last >= 0) at[static_cast<std::size_t>(last)] = row;
          for (std::uint32_t f = 0; f < body.inputs; ++f) {
            const auto slot = body.states + f;
            std::int64_t offset = full(slot) ? first : 0;
            for (int i = 0; i < outer; ++i)
              offset += at[static_cast<std::size_t>(i)] * fields[f].strides()[i];
            offsets[f] = offset;
            views[slot] = {const_cast<float*>(fields[f].data<float>()) + offset,
                           last >= 0 ? fields[f].strides()[last] : 0};
          }
          visit();
        }
      }
      int axis = outer - 1;
      for (; axis >= 0; --axis) {
        if (axis == last) continue;
        auto& i = index[static_cast<std::size_t>(axis)];
        if (++i < computed(axis)) break;
        i = 0;
      }
      if (axis < 0) return;
    }
  }
  /// The place of output k for the current tile, at folded position `inner` (of `every` state).
  [[nodiscard]] View place(std::size_t k, bool is_full, std::span<const std::int64_t> inner) {
    std::int64_t offset = is_full ? first : 0;
    for (int i = 0; i < outer; ++i) offset += at[static_cast<std::size_t>(i)] * out[k].strides()[i];
    for (std::size_t i = 0; i < inner.size(); ++i)
      offset += inner[i] * out[k].strides()[outer + static_cast<int>(i)];
    return {out[k].write<float>() + offset, last >= 0 ? out[k].strides()[last] : 0};
  }

  const ElementwiseBody& body;
  int folded, outer;
  bool every;
  std::vector<View>
      views; ///< by slot: of inputs, and of outputs that are written where they belong; else no data
  std::vector<float*> places;
  std::vector<tensor::Tile<3>> calls; ///< by operation
  std::vector<std::int64_t> offsets;  ///< of the inputs at the tile, first folded position
  std::vector<Tensor> fields, out;
  tensor::Shape sizes; ///< of the inputs
  std::array<bool, tensor::max_axes> repeated{};
  std::int64_t rows = 1, length = 1; ///< of a tile
  int last = -1;                     ///< the axis along which a tile takes its positions
  Tensor scratch;
  std::array<std::int64_t, tensor::max_axes> at{};
  std::int64_t first = 0, here_rows = 0, here_length = 0; ///< of the current tile
};

STEP_SOURCE void ElementwiseBody::find_blends() {
  const auto& k = tensor::kernels();
  std::vector<std::size_t> uses(slots.size(), 0);
  for (const auto& o : operations) {
    ++uses[o.a];
    if (o.b != o.a || o.binary != nullptr) ++uses[o.b];
  }
  for (auto slot : outputs) ++uses[slot];
  const auto product = [&](std::uint32_t slot) { // the operation that makes it, if it is one to be taken in
    const auto at =
        std::find_if(operations.begin(), operations.end(), [&](const auto& o) { return o.out == slot; });
    const bool fits =
        at != operations.end() && at->binary == k.multiply && uses[slot] == 1 && slots[slot].full;
    return fits ? at : operations.end();
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto& o = operations[i];
    if (o.binary != k.add || o.a == o.b) continue;
    const auto left = product(o.a), right = product(o.b);
    if (left == operations.end() || right == operations.end()) continue;
    o.binary = nullptr;
    std::tie(o.a, o.b) = slots[left->b].full ? std::pair(left->a, left->b) : std::pair(left->b, left->a);
    std::tie(o.c, o.d) = slots[right->b].full ? std::pair(right->a, right->b) : std::pair(right->b, right->a);
    const auto first = std::min(left, right), second = std::max(left, right);
    operations.erase(second);
    operations.erase(first);
    i -= 2; // both were before
  }
}

STEP_SOURCE void ElementwiseBody::find_places() {
  const auto first = first_result();
  std::vector<std::size_t> last_use(slots.size(), 0); // the operation after which a slot is not read any more
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto& o = operations[i];
    last_use[o.a] = last_use[o.b] = i + 1;
    if (o.is_blend()) last_use[o.c] = last_use[o.d] = i + 1;
  }
  for (auto slot : outputs) last_use[slot] = operations.size() + 1;
  const auto own_place = [this](std::uint32_t slot) {
    slots[slot].place = static_cast<std::uint32_t>(places.size());
    places.push_back(slot);
  };
  for (std::uint32_t s = 0; s < first; ++s)
    if (s < states || s >= states + inputs) own_place(s);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto& o = operations[i];
    const auto output = std::find(outputs.begin(), outputs.end(), o.out);
    const auto may_take = [&](std::uint32_t operand) { // kernels of several operands may write over one
      const bool scratch = operand < states || operand >= first;
      if (o.unary != nullptr || !scratch || last_use[operand] != i + 1 ||
          slots[operand].full != slots[o.out].full)
        return false;
      // what ends as one state must not lie where another one is expected
      const auto place = slots[operand].place;
      return output == outputs.end() || place >= states ||
             place == static_cast<std::uint32_t>(output - outputs.begin());
    };
    if (may_take(o.a))
      slots[o.out].place = slots[o.a].place;
    else if (may_take(o.b))
      slots[o.out].place = slots[o.b].place;
    else if (o.is_blend() && may_take(o.c))
      slots[o.out].place = slots[o.c].place;
    else if (o.is_blend() && may_take(o.d))
      slots[o.out].place = slots[o.d].place;
    else
      own_place(o.out);
  }
}

STEP_SOURCE std::uint32_t ElementwiseBody::first_result() const {
  std::uint32_t least = static_cast<std::uint32_t>(slots.size());
  for (const auto& o : operations) least = std::min(least, o.out);
  return least;
}

namespace detail {

inline std::vector<tensor::Shape> element_shapes(const ElementwiseBody& body, const tensor::Shape& full) {
  std::vector<tensor::Shape> out;
  for (auto slot : body.outputs) out.push_back(body.slots[slot].full ? full : tensor::Shape{});
  return out;
}

} // namespace detail

STEP_SOURCE std::vector<tensor::Tensor> ElementwiseBody::map(std::span<const tensor::Tensor> input,
                                                             int axes) const {
  Run run(*this, input, axes, 0, false);
  run.make_outputs(detail::element_shapes(*this, shape));
  run.make_scratch();
  run.charge(static_cast<std::uint64_t>(run.out[0].numel()), 1);
  run.tiles([&] {
    for (std::size_t k = 0; k < outputs.size(); ++k)
      run.views[outputs[k]] = run.place(k, slots[outputs[k]].full, {});
    run.prepare();
    run.compute();
  });
  return run.finish();
}

STEP_SOURCE std::vector<tensor::Tensor> ElementwiseBody::fold(std::span<const double> init,
                                                              std::span<const tensor::Tensor> input, int axes,
                                                              int folded, bool every) const {
  Run run(*this, input, axes, folded, every);
  run.make_outputs(detail::element_shapes(*this, shape));
  run.make_scratch();
  std::uint64_t positions = 1, times = 1;
  for (int i = 0; i < axes; ++i)
    (i < axes - folded ? positions : times) *=
        static_cast<std::uint64_t>(i < axes - folded ? run.computed(i) : run.sizes[i]);
  run.charge(positions * times * static_cast<std::uint64_t>(elements), times);
  const auto extent = run.sizes.first(axes).subspan(static_cast<std::size_t>(axes - folded));
  if (std::find(extent.begin(), extent.end(), 0) != extent.end()) { // nothing to fold: the initial state
    for (std::size_t k = 0; k < run.out.size() && !every; ++k)
      std::fill_n(run.out[k].write<float>(), run.out[k].numel(), static_cast<float>(init[k]));
    return run.finish();
  }
  const auto results = first_result();
  run.tiles([&] {
    run.fill_states(init);
    run.prepare();
    std::array<std::int64_t, tensor::max_axes> position{};
    const std::span inner(position.data(), extent.size());
    for (bool more = true; more;) {
      run.compute();
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        const auto from = outputs[k], to = static_cast<std::uint32_t>(k);
        if (from == to || (from >= results && slots[from].place == slots[to].place)) continue;
        if (from >= results) // the old state is not needed any more
          std::swap(run.places[slots[from].place], run.places[slots[to].place]);
        else
          Run::copy(run.data(to), run.views[to].row, run.view(from), run.here_rows,
                    slots[from].full ? run.here_length : 1);
      }
      if (every)
        for (std::size_t k = 0; k < outputs.size(); ++k) {
          const auto to = run.place(k, slots[k].full, inner);
          Run::copy(to.data, to.row, run.view(static_cast<std::uint32_t>(k)), run.here_rows,
                    slots[k].full ? run.here_length : 1);
        }
      more = operators::next_position(inner, extent);
      for (std::uint32_t f = 0; more && f < inputs; ++f) {
        std::int64_t offset = run.offsets[f];
        for (std::size_t i = 0; i < inner.size(); ++i)
          offset += inner[i] * run.fields[f].strides()[axes - folded + static_cast<int>(i)];
        run.views[states + f].data = const_cast<float*>(run.fields[f].data<float>()) + offset;
      }
    }
    if (!every)
      for (std::size_t k = 0; k < outputs.size(); ++k) {
        const auto to = run.place(k, slots[k].full, {});
        Run::copy(to.data, to.row, run.view(static_cast<std::uint32_t>(k)), run.here_rows,
                  slots[k].full ? run.here_length : 1);
      }
  });
  return run.finish();
}

} // namespace step
