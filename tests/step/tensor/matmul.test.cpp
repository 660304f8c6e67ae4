// SPDX-License-Identifier: MIT
// Matrix products against the plain definition over many sizes, strides and batchings, and einsum against
// matmul.
#include "step/tensor/matmul.hpp"

#include "step/tensor/einsum.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace step;
using namespace step::tensor;

Tensor noise(const Shape& sizes, std::uint64_t seed, DType type = DType::float32, int lead = 0) {
  Tensor t = Tensor::empty(sizes, DType::float64, lead);
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    t.write<double>()[i] = static_cast<double>(seed >> 40U) / 8388608.0 - 1.0;
  }
  if (type == DType::int64) // small integers
    for (std::int64_t i = 0; i < t.numel(); ++i) t.write<double>()[i] *= 100;
  return t.to(type);
}

/// The largest error of `got` against sums of products in double, relative to the sum of their absolute
/// values.
double error(const Tensor& got, const Tensor& a, const Tensor& b) {
  const Tensor x = a.contiguous().to(DType::float64), y = b.contiguous().to(DType::float64),
               g = got.contiguous().to(DType::float64);
  const std::int64_t m = a.sizes()[0], k = a.sizes()[1], n = b.sizes()[1];
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0, size = 1e-30;
      for (std::int64_t p = 0; p < k; ++p) {
        sum += x.data<double>()[i * k + p] * y.data<double>()[p * n + j];
        size += std::abs(x.data<double>()[i * k + p] * y.data<double>()[p * n + j]);
      }
      worst = std::max(worst, std::abs(sum - g.data<double>()[i * n + j]) / size);
    }
  return worst;
}

} // namespace

TEST_CASE("products of all small sizes and layouts") {
  std::uint64_t seed = 1;
  for (std::int64_t m : {1, 2, 3, 5, 17})
    for (std::int64_t k : {0, 1, 3, 8, 129, 300})
      for (std::int64_t n : {1, 3, 4, 16, 18, 35})
        for (int layout = 0; layout < 4; ++layout) {
          const Tensor a = (layout & 1) != 0 ? noise({k, m}, ++seed).transposed(0, 1) : noise({m, k}, ++seed);
          const Tensor b = (layout & 2) != 0 ? noise({n, k}, ++seed).transposed(0, 1) : noise({k, n}, ++seed);
          CHECK(error(matmul(a, b), a, b) < 1e-6);
        }
}

TEST_CASE("integers multiply exactly and wrap") {
  const Tensor a = noise({5, 33}, 7, DType::int64), b = noise({33, 20}, 8, DType::int64);
  CHECK(error(matmul(a, b), a, b) == 0);
  const Tensor big = Tensor::full({1, 2}, std::numeric_limits<std::int64_t>::max(), DType::int64);
  CHECK(matmul(big, big.transposed(0, 1)).item().integer() == 2); // 2 (2^63 - 1)^2 modulo 2^64
}

TEST_CASE("a batch of vectors times one matrix equals one product of matrices") {
  const Tensor x = noise({4, 6, 10}, 3, DType::float32, 2), w = noise({10, 12}, 4);
  const Tensor y = matmul(x, w);
  CHECK(y.lead() == 2);
  CHECK(y.sizes() == Shape{4, 6, 12});
  CHECK(error(y.reshaped({24, 12}), x.reshaped({24, 10}), w) < 1e-6);
  // and with the vectors repeated along one batch axis, which is computed once
  const Tensor r = matmul(noise({4, 10}, 3, DType::float32, 1).inserted(1, 1000).with_lead(2), w);
  CHECK(r.sizes() == Shape{4, 1000, 12});
  CHECK(r.strides()[1] == 0);
}

TEST_CASE("einsum of random equations equals the sum over all index values") {
  const char* equations[] = {"ab,bc->ac", "ab,cb->ca", "abc,bd,cd->a", "ab,ab->b", "a,b->ba",
                             "abc,cab->", "aab,b->a",  "ab,bc,cd->ad", "abc->cb"};
  const std::int64_t size_of_label[] = {2, 3, 4, 5};
  std::uint64_t seed = 99;
  for (const std::string equation : equations) {
    std::vector<Tensor> operands;
    std::vector<std::string> subscripts{""};
    const auto arrow = equation.find("->");
    for (char c : equation.substr(0, arrow)) {
      if (c == ',')
        subscripts.emplace_back();
      else
        subscripts.back() += c;
    }
    const std::string out = equation.substr(arrow + 2);
    for (const auto& s : subscripts) {
      Shape sizes;
      for (char c : s) sizes.push_back(size_of_label[c - 'a']);
      operands.push_back(noise(sizes, ++seed, DType::float64));
    }
    const Tensor got = einsum(equation, operands).contiguous();
    std::vector<double> want(static_cast<std::size_t>(got.numel()), 0.0);
    for (std::int64_t point = 0; point < 2 * 3 * 4 * 5; ++point) {
      const std::int64_t index[] = {point % 2, point / 2 % 3, point / 6 % 4, point / 24};
      // Labels that do not occur would count every term several times.
      bool skip = false;
      for (int l = 0; l < 4; ++l)
        skip = skip || (index[l] != 0 && equation.find(static_cast<char>('a' + l)) == std::string::npos);
      if (skip) continue;
      double product = 1;
      for (std::size_t k = 0; k < operands.size(); ++k) {
        std::int64_t at = 0;
        for (std::size_t i = 0; i < subscripts[k].size(); ++i)
          at += index[subscripts[k][i] - 'a'] * operands[k].strides()[static_cast<int>(i)];
        product *= operands[k].data<double>()[at];
      }
      std::int64_t at = 0;
      for (std::size_t i = 0; i < out.size(); ++i)
        at += index[out[i] - 'a'] * got.strides()[static_cast<int>(i)];
      want[static_cast<std::size_t>(at)] += product;
    }
    for (std::size_t i = 0; i < want.size(); ++i) CHECK(got.data<double>()[i] == doctest::Approx(want[i]));
  }
}

TEST_CASE("the work of a product counts against the limits") {
  const Tensor a = noise({200, 200}, 1);
  Limits limits;
  limits.work = 500'000;
  const Meter meter(limits);
  CHECK_THROWS_AS((void)matmul(a, a), Fault);
}
