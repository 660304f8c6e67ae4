// SPDX-License-Identifier: MIT
// Every call recorded from PyTorch in golden.txt gives the same dtype, shape and values here, or fails here too.
// The same calls on batched tensors give what they give position by position.
#include "step/vocabulary/golden.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace {

using namespace golden;

const File& file() {
  static const File f = [] {
    std::string path = __FILE__;
    return read(path.substr(0, path.rfind('/')) + "/golden.txt");
  }();
  return f;
}

} // namespace

TEST_CASE("recorded calls agree with PyTorch") {
  int failures = 0;
  for (const Case& c : file().cases) {
    step::Meter meter;
    Heap heap;
    Runner runner(heap, [](int, const std::string& name) { return fresh(file().inputs.at(name)); });
    std::string problem;
    try {
      const Value v = runner.run(c);
      std::size_t at = 0;
      problem = c.error ? "no error" : mismatch(v, c.result, at);
    } catch (const step::Fault& f) {
      if (!c.error || f.kind == step::FaultKind::per_position) problem = "raised: " + f.message;
    } catch (const std::exception& e) { problem = std::string("broken: ") + e.what(); }
    if (problem.empty()) continue;
    if (++failures <= 400) MESSAGE(c.line << ": " << c.text.substr(0, 300) << "\n    got " << problem);
  }
  CHECK(failures == 0);
}
