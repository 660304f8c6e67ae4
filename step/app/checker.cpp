// SPDX-License-Identifier: MIT
// The only file that compiles the verifier.
// Everything else sees verdicts.
#include "checker.hpp"

#include "failure.hpp"
#include "nearest.hpp"

#include "step/tasks/names.hpp"
#include "step/verifier/verifier.hpp"

#include <algorithm>
#include <charconv>

namespace app {

struct Checker::Impl {
  step::Verifier verifier;
};

namespace {

step::VerifyOptions options_of(const CheckSettings& settings) {
  step::VerifyOptions options;
  options.affine = settings.affine;
  options.published = settings.published;
  options.seeds = settings.seeds;
  options.cache_bytes = settings.cache_bytes;
  for (const auto& sizes : settings.extra_sizes) options.extra_sizes.push_back({sizes});
  return options;
}

} // namespace

Checker::Checker(std::shared_ptr<const step::Task> task, const CheckSettings& settings)
    : impl_(new Impl{step::Verifier(std::move(task), options_of(settings))}) {
  std::vector<std::string> known;
  for (const auto& [symbol, size] : impl_->verifier.instance().bindings().all())
    known.push_back(symbol.name());
  for (const auto& sizes : settings.extra_sizes)
    for (const auto& [name, size] : sizes)
      if (!step::is_size_symbol(name) && std::find(known.begin(), known.end(), name) == known.end())
        throw Failure("--sizes: " + unknown_name("symbol", name, known) + " (the sizes of " +
                      impl_->verifier.task().id + ")");
}
Checker::Checker(Checker&&) noexcept = default;
Checker& Checker::operator=(Checker&&) noexcept = default;
Checker::~Checker() = default;

step::Verdict Checker::verify(std::string_view impl) const { return impl_->verifier.verify(impl); }
void Checker::remember(std::string_view impl, const step::Verdict& verdict) const {
  impl_->verifier.remember(impl, verdict);
}
const step::Task& Checker::task() const { return impl_->verifier.task(); }

Sizes parse_sizes(std::string_view text) {
  Sizes sizes;
  const auto fail = [&](std::string_view part) {
    throw Failure("--sizes: '" + std::string(part.substr(0, 60)) +
                  "' is not NAME=SIZE with a size in 1..100000; write for instance --sizes M=5,N=7");
  };
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto part = text.substr(begin, end - begin);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || !step::is_identifier(part.substr(0, equals))) fail(part);
    const auto digits = part.substr(equals + 1);
    std::int64_t size = 0;
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (error != std::errc{} || last != digits.data() + digits.size() || size < 1 || size > 100'000)
      fail(part);
    sizes.emplace_back(part.substr(0, equals), size);
    begin = end + 1;
  }
  return sizes;
}

} // namespace app
