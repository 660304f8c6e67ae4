// SPDX-License-Identifier: MIT
// Reductions against plain loops over every set of dimensions, for random shapes, layouts and batch axes.
#include "step/tensor/reduce.hpp"

#include "step/tensor/random_tensors.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

namespace {

using namespace step;
using namespace step::tensor;
using namespace step::tensor::testing;

struct Example {
  Tensor x;
  DimSet dims = 0;
  bool keep = false;
};
template <class T> Example random_example(Random& random, bool odd) {
  const int rank = static_cast<int>(random.below(5)), lead = static_cast<int>(random.below(3));
  Shape sizes;
  const auto longest = random.below(rank + lead + 1);
  for (int i = 0; i < rank + lead; ++i)
    sizes.push_back(random.once_in(40) ? 0 : i == longest ? 14 + random.below(70) : 1 + random.below(4));
  const auto repeats = random.once_in(3) ? static_cast<std::uint32_t>(random.below(8)) : 0;
  Example e{scattered<T>(random, sizes, lead, repeats, odd), 0, random.once_in(2)};
  e.dims = static_cast<DimSet>(random.below(std::int64_t{1} << rank));
  return e;
}
bool folds(const Example& e, int d) { return (e.dims >> static_cast<unsigned>(d) & 1U) != 0; }

/// The elements that each element of the result is made of, in its order, and its sizes.
template <class T> std::vector<std::vector<T>> groups(const Example& e, Shape& sizes) {
  Shape inner(e.x.sizes());
  sizes = Shape(e.x.lead_sizes());
  for (int d = 0; d < e.x.rank(); ++d) {
    if (!folds(e, d))
      sizes.push_back(e.x.size(d));
    else if (e.keep)
      sizes.push_back(1);
  }
  std::vector<std::vector<T>> all(static_cast<std::size_t>(count(sizes)));
  const Shape steps = row_major(sizes);
  for_indices(inner, [&](const Shape& index) {
    std::int64_t at = 0;
    for (int i = 0, k = 0; i < index.size(); ++i) {
      const bool gone = i >= e.x.lead() && folds(e, i - e.x.lead());
      if (!gone) at += index[i] * steps[k];
      if (!gone || e.keep) ++k;
    }
    all[static_cast<std::size_t>(at)].push_back(element<T>(e.x, index));
  });
  return all;
}

/// `right(group, result)` holds for every element of the result.
template <class R, class T>
void check(std::uint64_t seed, int rounds, bool odd, bool may_be_empty,
           const std::function<Tensor(const Example&)>& reduce,
           const std::function<bool(const std::vector<T>&, R)>& right) {
  Random random(seed);
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    const Example e = random_example<T>(random, odd);
    if (!may_be_empty && e.x.numel() == 0) continue;
    Shape sizes;
    const auto expected = groups<T>(e, sizes);
    const Tensor got = reduce(e);
    bool good = got.sizes() == sizes && got.lead() == e.x.lead() && got.dtype() == dtype_of<R>;
    std::size_t at = 0;
    if (good)
      for_indices(sizes, [&](const Shape& i) { good = good && right(expected[at++], element<R>(got, i)); });
    if (!good) {
      ++wrong;
      MESSAGE("round " << round << ": " << text(e.x.sizes()) << " strides " << text(e.x.strides()) << " lead "
                       << e.x.lead() << " dims " << e.dims);
    }
  }
  CHECK(wrong == 0);
}

/// The exact sum, nearly: what is right to one rounding to float.
template <class T> double exact_sum(const std::vector<T>& v) {
  double sum = 0;
  for (const T x : v) sum += static_cast<double>(x);
  return sum;
}
bool close(double got, double wanted) {
  if (wanted != wanted) return got != got;
  return got == wanted || std::abs(got - wanted) <= 1e-7 * std::abs(wanted) + 1e-12;
}

} // namespace

TEST_CASE("sums and means are those of double precision, rounded once") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    check<float, float>(
        1, 400, false, true, [](const Example& e) { return sum(e.x, e.dims, e.keep); },
        [](const auto& v, float got) { return close(static_cast<double>(got), exact_sum(v)); });
    check<float, float>(
        2, 200, false, true, [](const Example& e) { return mean(e.x, e.dims, e.keep); },
        [](const auto& v, float got) {
          return close(static_cast<double>(got), exact_sum(v) / static_cast<double>(v.size()));
        });
    check<double, double>(
        3, 200, false, true, [](const Example& e) { return sum(e.x, e.dims, e.keep); },
        [](const auto& v, double got) { return close(got, exact_sum(v)); });
  });
  check<std::int64_t, std::int64_t>(
      4, 200, false, true, [](const Example& e) { return sum(e.x, e.dims, e.keep); },
      [](const auto& v, std::int64_t got) { return static_cast<double>(got) == exact_sum(v); });
  check<std::int64_t, bool>(
      5, 200, false, true, [](const Example& e) { return sum(e.x, e.dims, e.keep); },
      [](const auto& v, std::int64_t got) { return static_cast<double>(got) == exact_sum(v); });
}

TEST_CASE("sums with infinities and NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  with_every_set([&](InstructionSet s) {
    CAPTURE(name_of(s));
    for (const std::int64_t n : {3, 16, 37}) {
      Tensor x = Tensor::full({n, n}, 1.0, DType::float32);
      x.write<float>()[1] = inf;
      for (const DimSet dims : {1U, 2U, 3U})
        CHECK(element<float>(sum(x, dims, true), {0, dims == 1 ? 1 : 0}) == inf);
      CHECK(element<float>(sum(x, 1, false), {0}) == static_cast<float>(n));
      x.write<float>()[n + 1] = -inf;
      CHECK(std::isnan(element<float>(sum(x, 3, false), {})));
      CHECK(std::isnan(element<float>(mean(x, 1, false), {1})));
    }
  });
}

TEST_CASE("the largest and the smallest element, NaN wins") {
  const auto extreme = []<class T>(const std::vector<T>& v, T got, bool largest) {
    T best = v[0];
    for (const T x : v)
      if (best == best && (x != x || (largest ? x > best : x < best))) best = x;
    return best != best ? got != got : got == best;
  };
  with_every_set([&](InstructionSet s) {
    CAPTURE(name_of(s));
    for (const bool largest : {true, false})
      for (const bool odd : {false, true})
        check<float, float>(
            largest ? 6 : 7, 300, odd, false,
            [&](const Example& e) { return extremum(e.x, e.dims, e.keep, largest, "test"); },
            [&](const auto& v, float got) { return extreme(v, got, largest); });
  });
  check<std::int64_t, std::int64_t>(
      8, 200, false, false, [&](const Example& e) { return extremum(e.x, e.dims, e.keep, true, "test"); },
      [&](const auto& v, std::int64_t got) { return extreme(v, got, true); });
}

TEST_CASE("variance in two passes") {
  with_every_set([](InstructionSet s) {
    CAPTURE(name_of(s));
    check<float, float>(
        9, 150, false, false, [](const Example& e) { return variance(e.x, e.dims, e.keep, 1, "test"); },
        [](const auto& v, float got) {
          const double m = exact_sum(v) / static_cast<double>(v.size());
          double sum = 0;
          for (const float x : v) sum += (static_cast<double>(x) - m) * (static_cast<double>(x) - m);
          if (v.size() < 2) return got != got;
          return std::abs(static_cast<double>(got) - sum / static_cast<double>(v.size() - 1)) <=
                 1e-5 * (sum + 1e-3);
        });
  });
}

TEST_CASE("all instruction sets reduce to the same bits") {
  Random random(77);
  for (int round = 0; round < 200; ++round) {
    const Example e = random_example<float>(random, false);
    const InstructionSet before = instruction_set();
    use_instruction_set(InstructionSet::baseline);
    const Tensor expected = sum(e.x, e.dims, e.keep);
    use_instruction_set(before);
    with_every_set([&](InstructionSet) { CHECK(same_elements<float>(sum(e.x, e.dims, e.keep), expected)); });
  }
}
