// SPDX-License-Identifier: MIT
// What every fuzz target defines. A target reads any bytes as one kind of untrusted text and aborts when a
// promise about such texts does not hold; crashes, hangs and leaks are found by how it is run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

/// Reads one text. Never called from two threads.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

/// Well-formed texts of the target's kind, from which mutations start. Always the same, never empty.
std::vector<std::string> seeds();

/// The bytes of a file; empty when it cannot be read.
inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace fuzz
