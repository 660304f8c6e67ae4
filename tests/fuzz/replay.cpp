// SPDX-License-Identifier: MIT
// Runs a fuzz target without libFuzzer: on its seeds and on seeded mutations and splices of them, the same on
// every machine. Also writes the seeds out for libFuzzer to start from, and runs single files that it saved.
#include "fuzz_target.hpp"

#include "strata/random.hpp"

#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

/// The tokens of a dictionary in libFuzzer's format: lines `"token"` with the escapes \\, \" and \xAB.
std::vector<std::string> tokens_of(const std::string& path) {
  std::vector<std::string> tokens;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.size() < 2 || line.front() != '"') continue;
    std::string token;
    for (std::size_t i = 1; i + 1 < line.size(); ++i)
      if (line[i] != '\\')
        token += line[i];
      else if (line[++i] != 'x')
        token += line[i];
      else {
        token += static_cast<char>(std::stoi(line.substr(i + 1, 2), nullptr, 16));
        i += 2;
      }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// A seed with a few edits: bytes removed, inserted or replaced, pieces of other seeds, tokens.
std::string mutation(std::span<const std::string> seeds, std::span<const std::string> tokens,
                     strata::random_stream& random) {
  auto text = seeds[random.below(seeds.size())];
  for (auto edits = 1 + random.below(4); edits > 0; --edits) {
    const auto at = random.below(text.size() + 1);
    const auto length = random.below(12);
    switch (random.below(5)) {
    case 0:
      text.erase(at, length);
      break;
    case 1: {
      const auto& other = seeds[random.below(seeds.size())];
      text.insert(at, other.substr(random.below(other.size() + 1), length * 4));
      break;
    }
    case 2:
      text.insert(at, 1, static_cast<char>(random.below(256)));
      break;
    case 3:
      if (tokens.empty()) break;
      text.erase(at, random.below(2) * length);
      text.insert(at, tokens[random.below(tokens.size())]);
      break;
    default:
      if (at < text.size()) text[at] = "()[]{}:=,.\n\t 0129*+-#'\"\\"[random.below(24)];
    }
  }
  return text;
}

int usage() {
  std::cerr << "usage: <target>_replay --mutations N DICTIONARY | --write-seeds FOLDER | FILE..\n";
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return usage();
  if (arguments[0] != "--mutations" && arguments[0] != "--write-seeds") {
    for (const auto& path : arguments) run(fuzz::bytes_of(path));
    return 0;
  }
  const auto seeds = fuzz::seeds();
  if (seeds.empty()) return std::cerr << "no seeds\n", 1;
  if (arguments[0] == "--write-seeds") {
    if (arguments.size() != 2) return usage();
    std::filesystem::create_directories(arguments[1]);
    for (std::size_t i = 0; i < seeds.size(); ++i)
      std::ofstream(std::filesystem::path(arguments[1]) / ("seed" + std::to_string(i)), std::ios::binary)
          << seeds[i];
    return 0;
  }
  if (arguments.size() != 3) return usage();
  const auto tokens = tokens_of(arguments[2]);
  if (tokens.empty()) return std::cerr << "no tokens in " << arguments[2] << "\n", 1;
  for (const auto& seed : seeds) run(seed);
  strata::random_stream random(strata::stream_key{2026, 0, 0, 0});
  const auto mutations = std::stoul(arguments[1]);
  for (std::size_t i = 0; i < mutations; ++i) run(mutation(seeds, tokens, random));
  std::cout << seeds.size() << " seeds and " << mutations << " mutations without a crash\n";
  return 0;
}
