// SPDX-License-Identifier: MIT
// Runs the fuzz target without libFuzzer: the programs of the corpus, then seeded mutations and splices of
// them. usage: fuzz_replay FILE.jsonl MUTATIONS
#include "strata/random.hpp"

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// The value of the JSON string member `impl`; only the escapes that the corpus uses.
std::string impl_of(const std::string& line) {
  auto at = line.find("\"impl\":");
  if (at == std::string::npos) return {};
  at = line.find('"', at + 7);
  std::string out;
  for (++at; at < line.size() && line[at] != '"'; ++at) {
    if (line[at] != '\\')
      out += line[at];
    else if (line[++at] == 'n')
      out += '\n';
    else if (line[at] == 't')
      out += '\t';
    else
      out += line[at];
  }
  return out;
}

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: fuzz_replay FILE.jsonl MUTATIONS\n", 2;
  std::ifstream file(argv[1]);
  std::vector<std::string> seeds{"", "#", "# \ninput[0] @ input[0].T",
                                 "#\ntorch.einsum('i,i->', input[0], input[0])"};
  for (std::string line; std::getline(file, line);)
    if (auto text = impl_of(line); text.size() < 4000) seeds.push_back(std::move(text));
  if (seeds.size() < 100) return std::cerr << "no corpus in " << argv[1] << "\n", 1;
  for (const auto& s : seeds) run(s);
  strata::random_stream random(strata::stream_key{2026, 0, 0, 0});
  const auto mutations = std::stoul(argv[2]);
  for (std::size_t i = 0; i < mutations; ++i) {
    auto text = seeds[random.below(seeds.size())];
    for (auto edits = 1 + random.below(4); edits > 0; --edits) {
      const auto at = random.below(text.size() + 1);
      const auto length = random.below(12);
      const auto& other = seeds[random.below(seeds.size())];
      const auto from = random.below(other.size() + 1);
      switch (random.below(4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, other.substr(from, length * 4));
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(random.below(256)));
        break;
      default:
        if (at < text.size()) text[at] = "()[]{}:=,.\n\t 0129*+-#'\"\\"[random.below(24)];
      }
    }
    run(text);
  }
  std::cout << seeds.size() << " seeds and " << mutations << " mutations without a crash\n";
  return 0;
}
