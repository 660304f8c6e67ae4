// SPDX-License-Identifier: MIT
// What the scripted server charges: dollars per million tokens, per model.
// Money is counted in whole picodollars, so that the sum does not depend on the order of the requests.
#pragma once

#include "strata/llm/model.hpp"
#include "strata/llm/token_usage.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strata::llm::mock {

/// 1e-12 dollars: one token at a millionth of a dollar per million tokens. Sums up to nine million dollars.
using picodollars = std::int64_t;

[[nodiscard]] inline double dollars(picodollars p) noexcept { return static_cast<double>(p) / 1e12; }

/// What a reply costs by one row. Exact for prices with up to six decimals.
[[nodiscard]] inline picodollars cost_of(const token_usage& used, const price& row) noexcept {
  const auto part = [](std::uint64_t tokens, double per_million) {
    const double rate = std::round(per_million * 1e6);
    if (!(rate >= 0 && rate <= 1e12) || tokens > 1'000'000'000) return picodollars{0};
    const auto r = static_cast<std::uint64_t>(rate);
    return r != 0 && tokens > std::uint64_t{4'000'000'000'000'000'000} / r
               ? picodollars{0}
               : static_cast<picodollars>(tokens * r);
  };
  const picodollars parts[] = {part(used.uncached(), row.input), part(used.cached, row.cached),
                               part(used.cache_write, row.cache_write),
                               part(used.cache_write_hour, row.cache_write_hour),
                               part(used.output, row.output)};
  picodollars sum = 0;
  for (const picodollars p : parts)
    if (__builtin_add_overflow(sum, p, &sum)) return 0;
  return sum;
}

/// Prices by the model's name; the row "" is for all others. Models without a row cost nothing.
class tariff {
 public:
  void set(std::string model, price row) { rows_[std::move(model)] = std::move(row); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] picodollars cost(const std::string& model, const token_usage& used) const noexcept {
    auto row = rows_.find(model);
    if (row == rows_.end()) row = rows_.find("");
    return row == rows_.end() ? 0 : cost_of(used, row->second);
  }

 private:
  std::map<std::string, price> rows_;
};

/// Reads "[MODEL:]input=2,cached=0.5,write=2.5,write-hour=4,output=8" into `into`. What is not given costs as
/// much as input, output 0. Throws std::invalid_argument in one line.
inline void add_price(tariff& into, std::string_view spec) {
  const std::size_t equal = spec.find('=');
  const std::size_t colon = spec.rfind(':', equal);
  std::string model;
  if (colon != std::string_view::npos && equal != std::string_view::npos) {
    model = std::string(spec.substr(0, colon));
    spec.remove_prefix(colon + 1);
  }
  std::optional<double> input, cached, write, write_hour, output;
  while (!spec.empty()) {
    const std::string item(spec.substr(0, spec.find(',')));
    spec.remove_prefix(std::min(spec.size(), item.size() + 1));
    const std::size_t at = item.find('=');
    const std::string name = item.substr(0, at);
    const std::string number = at == std::string::npos ? "" : item.substr(at + 1);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    std::optional<double>* const place = name == "input"        ? &input
                                         : name == "cached"     ? &cached
                                         : name == "write"      ? &write
                                         : name == "write-hour" ? &write_hour
                                         : name == "output"     ? &output
                                                                : nullptr;
    if (place == nullptr || number.empty() || *end != '\0' || !(value >= 0 && value <= 1e6))
      throw std::invalid_argument("'" + item +
                                  "' is no price; use input, cached, write, write-hour, output = dollars per "
                                  "million tokens");
    *place = value;
  }
  price row;
  row.input = input.value_or(0);
  row.cached = cached.value_or(row.input);
  row.cache_write = write.value_or(row.input);
  row.cache_write_hour = write_hour.value_or(row.cache_write);
  row.output = output.value_or(0);
  into.set(std::move(model), std::move(row));
}

} // namespace strata::llm::mock
