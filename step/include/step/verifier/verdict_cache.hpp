// SPDX-License-Identifier: MIT
// Verdicts that are known already, because models write the same program again and again: by exact text, and
// by what is left of a program when layout, comments and the spelling of its own names are taken away.
#pragma once

#include "step/syntax/ast.hpp"
#include "step/verifier/verdict.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step {

namespace detail {

/// Serialises a tree with the program's own names numbered.
class ProgramKey {
 public:
  template <class IsKnown>
  ProgramKey(const syntax::Tree& tree, IsKnown is_known) : numbers_(tree.names().size()) {
    for (std::size_t i = 0; i < numbers_.size(); ++i)
      if (is_known(tree.names()[i])) numbers_[i] = known;
    text.reserve(1024);
    write(*tree.root);
  }
  std::string text;

 private:
  static constexpr std::uint32_t known = ~0U;

  void put(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7U) text.push_back(static_cast<char>(0x80U | (number & 0x7FU)));
    text.push_back(static_cast<char>(number));
  }
  void put(std::string_view words) {
    put(words.size());
    text += words;
  }
  void write(const syntax::Node& node) {
    using syntax::Kind;
    text.push_back(static_cast<char>(node.kind));
    text.push_back(static_cast<char>(node.op));
    const bool binds = node.kind == Kind::name || node.kind == Kind::parameter ||
                       node.kind == Kind::function || node.kind == Kind::alias;
    if (binds) {
      auto& number = numbers_[node.name];
      if (number == 0) number = ++last_;
      put(number);
    }
    if (!binds || node.kind == Kind::alias || numbers_[node.name] == known) put(node.text);
    if (node.kind == Kind::integer || node.kind == Kind::boolean)
      put(static_cast<std::uint64_t>(node.integer));
    if (node.kind == Kind::real) put(std::bit_cast<std::uint64_t>(node.real));
    put(node.children.size());
    for (const auto* child : node.children) {
      text.push_back(child == nullptr ? '\0' : '\1');
      if (child != nullptr) write(*child);
    }
  }

  std::vector<std::uint32_t> numbers_; // by name: from 1, in the order of occurrence
  std::uint32_t last_ = 0;
};

} // namespace detail

/// Equal for two programs exactly when they differ in nothing but layout, comments, the spelling of literals,
/// and the names they give to things. `is_known(name)` says which names mean something before the program
/// binds any (the task's and Python's): these are not interchangeable. Linear in the tree.
///
/// This is finer than syntax::normal_form(), which also drops what hardly ever matters (an unused import, a
/// print): here equal keys must mean equal verdicts.
template <class IsKnown> [[nodiscard]] std::string program_key(const syntax::Tree& tree, IsKnown is_known) {
  return std::move(detail::ProgramKey(tree, is_known).text);
}

/// A bounded map from keys to verdicts. A shard that is full is emptied: the time to verify again is all that
/// is lost. May be used from many threads.
class VerdictCache {
 public:
  explicit VerdictCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  [[nodiscard]] std::optional<Verdict> find(const std::string& key) const {
    auto& s = shard(key);
    const std::scoped_lock lock(s.mutex);
    const auto at = s.known.find(key);
    return at == s.known.end() ? std::nullopt : std::optional(at->second);
  }
  /// A verdict that depends on the clock is not kept.
  void keep(std::string key, const Verdict& verdict) {
    if (verdict.timed_out) return;
    auto& s = shard(key);
    std::size_t size = key.size() + verdict.message.size() + 256;
    for (const auto& warning : verdict.warnings) size += warning.size() + 64;
    const std::scoped_lock lock(s.mutex);
    if (s.bytes + size > most_bytes_ / shards_.size()) {
      s.known.clear();
      s.bytes = 0;
    }
    if (s.known.emplace(std::move(key), verdict).second) s.bytes += size;
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::size_t bytes = 0;
    std::unordered_map<std::string, Verdict> known;
  };
  Shard& shard(const std::string& key) const {
    return shards_[std::hash<std::string>{}(key) % shards_.size()];
  }

  std::size_t most_bytes_;
  mutable std::array<Shard, 4> shards_;
};

} // namespace step
