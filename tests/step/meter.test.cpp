// SPDX-License-Identifier: MIT
#include "step/meter.hpp"

#include "step/tasks/load.hpp"
#include "step/verifier/verifier.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

using step::Deadline;
using step::Fault;
using step::FaultKind;
using step::Limits;
using step::Meter;

namespace {

template <class F> std::optional<Fault> fault_of(F f) {
  try {
    f();
  } catch (const Fault& fault) {
    return fault;
  }
  return std::nullopt;
}

constexpr auto most = ~std::uint64_t{0};

} // namespace

TEST_CASE("a meter ends at exactly its limit, whatever the sizes of the charges") {
  for (const std::uint64_t limit :
       std::initializer_list<std::uint64_t>{0, 1, 7, 2047, 2048, 2049, 10'000, 3'000'000})
    for (const std::uint64_t charge :
         std::initializer_list<std::uint64_t>{1, 3, 2047, 2048, 2049, 1'000'000, 1'000'001}) {
      CAPTURE(limit);
      CAPTURE(charge);
      Meter meter({.steps = limit, .work = limit});
      std::uint64_t steps = 0, work = 0;
      const auto by_steps = fault_of([&] {
        for (;; steps += charge) meter.step(charge);
      });
      const auto by_work = fault_of([&] {
        for (;; work += charge) meter.work(charge);
      });
      CHECK(by_steps->kind == FaultKind::limit);
      CHECK_FALSE(by_steps->timed_out);
      CHECK(by_work->kind == FaultKind::limit);
      CHECK(steps == limit / charge * charge);
      CHECK(work == limit / charge * charge);
      CHECK(fault_of([&] { meter.step(1); })); // it stays at its end
      CHECK(fault_of([&] { meter.work(1); }));
    }
}

TEST_CASE("charges that are large beyond any count end a meter and do not wrap") {
  for (const auto charge : {most, most - 1, most / 2, most / 2 + 1}) {
    Meter meter;
    meter.step(5);
    meter.work(5);
    meter.allocate(5);
    CHECK(fault_of([&] { meter.step(charge); }));
    CHECK(fault_of([&] { meter.work(charge); }));
    CHECK(fault_of([&] { meter.allocate(charge); }));
    CHECK(fault_of([&] { meter.allocate(1); }));
  }
  Meter meter;
  CHECK(fault_of([&] { meter.bytes(most); }));
}

TEST_CASE("bytes are steps of bytes_per_step bytes, and no byte is lost between charges") {
  for (const std::uint64_t charge : std::initializer_list<std::uint64_t>{1, 5, 63, 64, 65, 1000}) {
    Meter meter;
    std::uint64_t bytes = 0;
    for (int i = 0; i < 1000; ++i) {
      meter.bytes(charge);
      bytes += charge;
      CHECK(meter.steps() == bytes / Meter::bytes_per_step);
    }
  }
}

TEST_CASE("a deadline that has passed ends every meter of the thread, also one made later, as timed out") {
  const Deadline deadline(0);
  for (int i = 0; i < 2; ++i) {
    Meter meter;
    const auto by_steps = fault_of([&] { meter.step(); });
    CHECK(by_steps->kind == FaultKind::limit);
    CHECK(by_steps->timed_out);
    CHECK(by_steps->message ==
          "more than 0.0 seconds of computing; this limit depends on the speed of the machine");
    CHECK(fault_of([&] { meter.work(1); })->timed_out);
  }
}

TEST_CASE("an inner deadline can only shorten the outer one, and ends with its scope") {
  {
    const Deadline outer(0);
    const Deadline inner(1000);
    CHECK(fault_of([] { Meter().step(); })->timed_out);
  }
  const Deadline outer(1000);
  {
    const Deadline inner(0);
    CHECK(fault_of([] { Meter().step(); })->timed_out);
  }
  CHECK_FALSE(fault_of([] { Meter().step(); }));
}

TEST_CASE("a verdict by the clock says so and is not remembered") {
  const auto task =
      std::make_shared<const step::Task>(step::load_task(STRATA_TEST_DIR "/fuzz/task.yaml", "fuzz/task"));
  step::VerifyOptions options;
  options.cache_bytes = 1 << 20;
  const step::Verifier verifier(task, options);
  const std::string program = "x = [i for i in range(100)]\nreturn E0";
  {
    const Deadline passed(0);
    const auto verdict = verifier.verify(program);
    CHECK(verdict.stage == step::Stage::limit);
    CHECK(verdict.timed_out);
    CHECK_FALSE(verdict.pass);
  }
  const auto verdict = verifier.verify(program);
  CHECK(verdict.stage == step::Stage::shape);
  CHECK_FALSE(verdict.timed_out);
  const Deadline passed(0); // this verdict is remembered
  CHECK(verifier.verify(program).message == verdict.message);
}
