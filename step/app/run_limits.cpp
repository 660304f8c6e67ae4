// SPDX-License-Identifier: MIT
// The budgets of a run on disk.
#include "run_limits.hpp"

#include "failure.hpp"
#include "json.hpp"
#include "whole_file.hpp"

#include <algorithm>
#include <cmath>

namespace app {

namespace {

constexpr const char* file_name = "limits.json";

template <class T> std::optional<T> later(const std::optional<T>& stored, const std::optional<T>& given) {
  return given ? given : stored;
}

} // namespace

RunLimits limits_of(const RunCommand& command) {
  const auto amount = [](const char* option, const std::optional<double>& value, const char* of) {
    if (value && !(*value >= 0))
      throw Failure(std::string(option) + ": the budget must be a number of " + of + ", 0 or more");
    return value;
  };
  return {.usd = amount("--budget-usd", command.budget_usd, "dollars"),
          .seconds = amount("--budget-seconds", command.budget_seconds, "seconds"),
          .tokens = command.budget_tokens,
          .requests = command.budget_requests};
}

RunLimits merged(const RunLimits& stored, const RunLimits& given) {
  return {.usd = later(stored.usd, given.usd),
          .seconds = later(stored.seconds, given.seconds),
          .tokens = later(stored.tokens, given.tokens),
          .requests = later(stored.requests, given.requests)};
}

RunLimits read_limits(const std::filesystem::path& run) {
  const auto file = run / file_name;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return {};
  const auto damaged = [&](const std::string& why) {
    throw Failure(file.string() + ": damaged: " + why + "; remove it, and give the budgets anew");
  };
  std::string problem;
  const auto value = parse_json(read_whole_file(file, std::size_t{64} << 10U), problem);
  if (!problem.empty()) damaged(problem);
  if (!value.is_object()) damaged("it is no object");
  RunLimits limits;
  for (const auto& [key, item] : value.get_object()) {
    const std::string name(key);
    const double number = number_or(value, name, -1);
    if (!(number >= 0)) damaged("'" + name.substr(0, 40) + "' is no number of 0 or more");
    // whole numbers beyond 2^53 are none that a reader of JSON can be trusted with
    const auto count = item.is_uint64()  ? item.get_uint64()
                       : item.is_int64() ? static_cast<std::uint64_t>(item.get_int64())
                                         : static_cast<std::uint64_t>(std::min(number, 0x1p53));
    if (name == "usd")
      limits.usd = number;
    else if (name == "seconds")
      limits.seconds = number;
    else if (name == "tokens")
      limits.tokens = count;
    else if (name == "requests")
      limits.requests = count;
    else
      damaged("'" + name.substr(0, 40) + "' is unknown");
  }
  return limits;
}

void write_limits(const std::filesystem::path& run, const RunLimits& limits) {
  json::object out;
  if (limits.usd && std::isfinite(*limits.usd)) out["usd"] = *limits.usd;
  if (limits.seconds && std::isfinite(*limits.seconds)) out["seconds"] = *limits.seconds;
  if (limits.tokens) out["tokens"] = *limits.tokens;
  if (limits.requests) out["requests"] = *limits.requests;
  write_whole_file(run / file_name, to_text(out, 1) + "\n");
}

std::string raising_option(const std::string& option, const RunLimits& limits) {
  const auto whole = [&](std::uint64_t was, std::uint64_t least) {
    return option + " " + std::to_string(was > UINT64_MAX / 2 ? UINT64_MAX : std::max(2 * was, least));
  };
  const auto amount = [&](double was, double least) {
    return option + " " + to_text(json::value(std::max(2 * was, least)));
  };
  if (option == "--budget-usd" && limits.usd) return amount(*limits.usd, 0.01);
  if (option == "--budget-seconds" && limits.seconds) return amount(*limits.seconds, 60);
  if (option == "--budget-tokens" && limits.tokens) return whole(*limits.tokens, 100'000);
  if (option == "--budget-requests" && limits.requests) return whole(*limits.requests, 100);
  return "";
}

} // namespace app
