// SPDX-License-Identifier: MIT
// Reads the tab-separated tables of expected results beside the tests.
// Lines that begin with '#' are comments; \n, \t, \r and \\ stand for what they name.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace table {

inline std::vector<std::vector<std::string>> read(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> fields(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\t') {
        fields.emplace_back();
      } else if (line[i] == '\\') {
        const char c = line.at(++i);
        fields.back() += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      } else {
        fields.back() += line[i];
      }
    }
    rows.push_back(std::move(fields));
  }
  return rows;
}

} // namespace table
