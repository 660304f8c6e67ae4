// SPDX-License-Identifier: MIT
// Expected values are those of `b2sum -l 128` (GNU coreutils).
#include "strata/store/blake2b.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::store;

namespace {
std::string counting(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
  return text;
}
} // namespace

TEST_CASE("blake2b agrees with b2sum around the block size") {
  CHECK(to_hex(digest_of("")) == "cae66941d9efbd404e4d88758ea67670");
  CHECK(to_hex(digest_of("abc")) == "cf4ab791c62b8d2b2109c90275287816");
  CHECK(to_hex(digest_of(counting(127))) == "6538c0188abc07f3600268cf8f528301");
  CHECK(to_hex(digest_of(counting(128))) == "b17466a99e866eaf42b6c806c9df5be2");
  CHECK(to_hex(digest_of(counting(129))) == "e3c5e473ad83883b794eec135dee4685");
  CHECK(to_hex(digest_of(counting(100'000))) == "02532250bf3cd60924e1115993acbf66");
}

TEST_CASE("blake2b: pieces do not matter") {
  const std::string text = counting(1000);
  for (const std::size_t piece : {1U, 7U, 127U, 128U, 129U, 500U}) {
    blake2b hash;
    for (std::size_t at = 0; at < text.size(); at += piece)
      hash.add(std::string_view(text).substr(at, piece));
    CHECK(hash.finish() == digest_of(text));
  }
}
