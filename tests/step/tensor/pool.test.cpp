// SPDX-License-Identifier: MIT
// The memory of tensors: blocks are aligned, reused, of the size asked for, and may change threads.
#include "step/tensor/pool.hpp"

#include "step/tensor/tensor.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

using step::tensor::DType;
using step::tensor::Pool;
using step::tensor::Tensor;

TEST_CASE("blocks are aligned, apart, and as long as asked for") {
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t bytes = 1; bytes < (std::size_t{24} << 20); bytes += bytes / 2 + 1)
    for (int again = 0; again < 2; ++again) {
      auto* p = static_cast<unsigned char*>(Pool::acquire(bytes));
      REQUIRE(p != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % Pool::alignment == 0);
      std::memset(p, static_cast<int>(blocks.size() % 251), bytes);
      blocks.emplace_back(p, bytes);
    }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [p, bytes] = blocks[i];
    CHECK((p[0] == i % 251 && p[bytes / 2] == i % 251 && p[bytes - 1] == i % 251));
    Pool::release(p, bytes);
  }
}

TEST_CASE("memory released by another thread, or after that thread's pool, stays usable") {
  std::vector<Tensor> made(64);
  std::thread maker([&] {
    for (Tensor& t : made) t = Tensor::full({300}, 1.5, DType::float32);
  });
  maker.join();
  double sum = 0;
  std::vector<std::thread> readers;
  std::vector<double> sums(4);
  for (std::size_t k = 0; k < sums.size(); ++k)
    readers.emplace_back([&, k] {
      for (int round = 0; round < 50; ++round) {
        const Tensor mine = made[k * 16 + static_cast<std::size_t>(round) % 16].clone();
        sums[k] += static_cast<double>(mine.data<float>()[299]);
      }
    });
  for (auto& r : readers) r.join();
  for (const double s : sums) sum += s;
  CHECK(sum == 300.0);

  // A tensor that outlives every other thread-local object of its thread.
  struct Last {
    Tensor tensor;
    ~Last() { tensor = Tensor(); }
  };
  std::thread late([] {
    static thread_local Last last;
    last.tensor = Tensor::full({40}, 2.0, DType::float32);
    CHECK(last.tensor.clone().data<float>()[39] == 2.0F);
  });
  late.join();
}
