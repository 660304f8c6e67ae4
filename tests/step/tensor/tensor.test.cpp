// SPDX-License-Identifier: MIT
// Tensors as such: views and their storage, batch axes, limits, and the loops underneath.
#include "step/tensor/tensor.hpp"

#include "step/tensor/batch.hpp"
#include "step/tensor/map.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

namespace {

using namespace step;
using namespace step::tensor;

Tensor counting(const Shape& sizes, int lead = 0) {
  std::vector<float> v(static_cast<std::size_t>(count(sizes)));
  std::iota(v.begin(), v.end(), 0.0F);
  return Tensor::of<float>(v, sizes, lead);
}
std::vector<float> values(const Tensor& t) {
  const Tensor c = t.contiguous();
  return {c.data<float>(), c.data<float>() + c.numel()};
}
FaultKind kind(const auto& body) {
  try {
    body();
  } catch (const Fault& f) {
    return f.kind;
  }
  FAIL("no fault");
  return FaultKind::syntax;
}

} // namespace

TEST_CASE("views share storage and keep strides") {
  const Tensor t = counting({2, 3, 4});
  CHECK(t.strides() == Shape{12, 4, 1});
  const Tensor swapped = t.transposed(0, 2);
  CHECK(swapped.sizes() == Shape{4, 3, 2});
  CHECK_FALSE(swapped.is_contiguous());
  CHECK(swapped.shares_storage(t));
  CHECK(values(swapped.selected(0, 1)) == std::vector<float>{1, 13, 5, 17, 9, 21});
  Tensor cut = t.narrowed(2, 1, 2, 2).selected(1, 2);
  CHECK(values(cut) == std::vector<float>{9, 11, 21, 23});
  cut.write<float>()[0] = -1;
  CHECK(t.data<float>()[9] == -1.0F);
  CHECK_FALSE(cut.clone().shares_storage(t));
}

TEST_CASE("a view in another shape exists exactly when the strides allow it") {
  const Tensor t = counting({2, 3, 4});
  CHECK(t.viewed(0, Shape{6, 4})->same_view(t.reshaped({6, 4})));
  CHECK(t.transposed(0, 1).viewed(0, Shape{3, 2, 2, 2}).has_value());
  CHECK_FALSE(t.transposed(0, 1).viewed(0, Shape{6, 4}).has_value());
  CHECK_FALSE(t.transposed(1, 2).viewed(0, Shape{24}).has_value());
  CHECK(values(t.transposed(1, 2).reshaped({24}))[1] == 4.0F);
  CHECK(counting({3}).inserted(0, 5).viewed(1, Shape{1, 3, 1}).has_value());
  CHECK(counting({0, 3}).viewed(0, Shape{7, 0}).has_value());
}

TEST_CASE("every reshape of every view holds the same elements in order") {
  const Tensor base = counting({2, 3, 4});
  const int orders[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 0, 2}, {2, 1, 0}};
  for (const auto& order : orders)
    for (const Shape& to :
         {Shape{24}, Shape{4, 6}, Shape{2, 2, 6}, Shape{3, 8}, Shape{1, 12, 2}, Shape{2, 1, 3, 1, 4}}) {
      const Tensor view = base.permuted(order);
      CHECK(values(view.reshaped(to)) == values(view));
    }
}

TEST_CASE("frozen storage refuses writes through every view, but not its copies") {
  Tensor t = counting({4});
  Tensor view = t.narrowed(0, 1, 2);
  t.freeze();
  CHECK(kind([&] { (void)view.write<float>(); }) == FaultKind::type);
  CHECK_NOTHROW((void)t.clone().write<float>());
  CHECK_NOTHROW((void)t.transposed(0, 0).to(DType::float64).write<double>());
}

TEST_CASE("batch axes of stride 0 survive copies of elements") {
  const Tensor t = counting({3}).inserted(0, 1000).with_lead(1);
  CHECK(t.rank() == 1);
  CHECK(t.numel() == 3000);
  Limits limits;
  limits.elements = 100;
  const Meter meter(limits);
  CHECK(t.clone().strides()[0] == 0);
  CHECK(t.to(DType::int64).strides() == Shape{0, 1});
  CHECK(t.packed().same_view(t));
  const Tensor sum = map2<float, float>(t, t, "+", [](float a, float b) { return a + b; });
  CHECK(sum.sizes() == Shape{1000, 3});
  CHECK(sum.strides()[0] == 0);
  CHECK(kind([&] { (void)t.contiguous(); }) == FaultKind::limit);
}

TEST_CASE("element axes align at the right, batch axes at the left") {
  const Tensor x = counting({2, 3}, 1);   // two vectors of 3
  const Tensor scalar = counting({2}, 1); // two scalars
  const Tensor matrix = counting({2, 3}); // one matrix for all
  const auto add = [](const Tensor& a, const Tensor& b) {
    return map2<float, float>(a, b, "+", [](float p, float q) { return p + q; });
  };
  CHECK(values(add(x, scalar)) == std::vector<float>{0, 1, 2, 4, 5, 6});
  const Tensor both = add(x, matrix);
  CHECK(both.lead() == 1);
  CHECK(both.sizes() == Shape{2, 2, 3});
  CHECK(values(both.at(Shape{1})) == std::vector<float>{3, 5, 7, 6, 8, 10});
  CHECK(kind([&] { (void)add(x, counting({3, 3}, 1)); }) == FaultKind::type);
}

TEST_CASE("stack_positions undoes at") {
  const Tensor x = counting({2, 3, 4}, 2);
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j) parts.push_back(x.at(Shape{i, j}));
  const Tensor again = stack_positions(parts, {2, 3});
  CHECK(again.lead() == 2);
  CHECK(values(again) == values(x));
  parts[1] = counting({5});
  CHECK(kind([&] { (void)stack_positions(parts, {2, 3}); }) == FaultKind::type);
}

TEST_CASE("sizes are bounded before memory is asked for") {
  CHECK(kind([] {
          (void)Tensor::zeros({std::int64_t{1} << 40, std::int64_t{1} << 40, 0}, DType::boolean);
        }) == FaultKind::limit);
  CHECK(kind([] { (void)Tensor::zeros({1'000'000'000}, DType::float32); }) == FaultKind::limit);
  CHECK(kind([] { (void)Tensor::zeros({-1}, DType::float32); }) == FaultKind::type);
  CHECK(kind([] { (void)counting({1}).expanded(0, std::int64_t{1} << 50); }) == FaultKind::limit);
  CHECK(kind([] { (void)Shape(13, 1); }) == FaultKind::limit);
  Limits limits;
  limits.elements = 10;
  const Meter meter(limits);
  CHECK_NOTHROW((void)Tensor::zeros({10}, DType::float32));
  CHECK(kind([] { (void)Tensor::zeros({1}, DType::float32); }) == FaultKind::limit);
}

TEST_CASE("a single element converts, others and batches do not") {
  CHECK(Tensor::scalar(2.5).item().real() == 2.5);
  CHECK(Tensor::scalar(true).item().is_bool());
  CHECK(counting({1, 1}).item().real() == 0.0);
  CHECK(kind([] { (void)counting({2}).item(); }) == FaultKind::type);
  CHECK(kind([] { (void)counting({1}, 1).item(); }) == FaultKind::per_position);
}

TEST_CASE("type promotion ranks tensors over scalars over numbers") {
  const auto promote = [](std::vector<std::pair<DType, int>> tensors, std::vector<Scalar> numbers) {
    Promotion p;
    for (auto [d, rank] : tensors) p.add(d, rank);
    for (const Scalar& s : numbers) p.add(s);
    return p.result();
  };
  CHECK(promote({{DType::float32, 1}, {DType::float64, 0}}, {}) == DType::float32);
  CHECK(promote({{DType::int64, 1}, {DType::float64, 0}}, {}) == DType::float64);
  CHECK(promote({{DType::int64, 2}}, {1.5}) == DType::float32);
  CHECK(promote({{DType::boolean, 2}}, {1}) == DType::int64);
  CHECK(promote({{DType::float32, 0}}, {1.5}) == DType::float32);
  const FloatPrecision twice(DType::float64);
  CHECK(promote({{DType::int64, 2}}, {1.5}) == DType::float64);
}

TEST_CASE("conversions are total") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor t =
      Tensor::of<double>(std::vector<double>{nan, 1e300, -1e300, 2.9, -2.9}, {5}).to(DType::int64);
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  const std::int64_t want[] = {least, least, least, 2, -2};
  for (int i = 0; i < 5; ++i) CHECK(t.data<std::int64_t>()[i] == want[i]);
}

TEST_CASE("an in-place write whose source overlaps its target sees the old elements") {
  Tensor t = counting({2, 2});
  assign(t, t.transposed(0, 1), "copy_");
  CHECK(values(t) == std::vector<float>{0, 2, 1, 3});
  Tensor repeated = counting({1}).expanded(0, 3);
  CHECK(kind([&] { assign(repeated, counting({3}), "copy_"); }) == FaultKind::type);
  CHECK_NOTHROW(assign(repeated, Tensor::scalar(5.0), "fill_"));
  CHECK(values(repeated) == std::vector<float>{5, 5, 5});
}

TEST_CASE("tiles visit each element once, in order, whatever the strides") {
  const Tensor base = counting({3, 1, 4, 2});
  const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}};
  for (const auto& order : orders) {
    const Tensor t = base.permuted(order);
    std::vector<std::int64_t> seen;
    for_tiles<1>(t.sizes(), {&t.strides()}, [&](const Tile<1>& tile) {
      for (std::int64_t r = 0; r < tile.rows; ++r)
        for (std::int64_t i = 0; i < tile.length; ++i)
          seen.push_back(tile.offset[0] + r * tile.row_stride[0] + i * tile.stride[0]);
    });
    const std::vector<float> want = values(t);
    REQUIRE(seen.size() == want.size());
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(static_cast<float>(seen[i]) == want[i]);
  }
  int calls = 0;
  const Shape empty{3, 0, 2};
  for_tiles<1>(empty, {&empty}, [&](const Tile<1>&) { ++calls; });
  CHECK(calls == 0);
}
