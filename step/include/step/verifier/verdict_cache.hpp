// SPDX-License-Identifier: MIT
// Verdicts that are known already, because models write the same program again and again: by exact text, and
// by what is left of a program when layout, comments and the spelling of its own names are taken away.
#pragma once

#include "step/syntax/ast.hpp"
#include "step/verifier/verdict.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace step {

namespace detail {

/// Serialises a tree with the program's own variables numbered.
///
/// A name is numbered only where its spelling cannot matter: it is a variable, bound by an assignment, a
/// loop, a comprehension, an import's alias or as a parameter. It keeps its spelling if it means something
/// without being bound; if it is a function's, which may show in texts; if it is a parameter's that a call
/// could name; and everywhere in a program that imports `*`, which gives a meaning to names that nothing in
/// the text binds.
class ProgramKey {
 public:
  template <class IsKnown> ProgramKey(const syntax::Tree& tree, IsKnown is_known) : spelled_(tree.names()) {
    Spelling spelling(tree.names().size());
    spelling.collect(*tree.root);
    numbers_.assign(tree.names().size(), kept);
    for (std::size_t i = 0; i < numbers_.size(); ++i)
      if (spelling.is_free(i, tree.names()[i]) && !is_known(tree.names()[i])) numbers_[i] = 0;
    text.reserve(1024);
    write(*tree.root);
  }
  std::string text;

 private:
  static constexpr std::uint32_t kept = ~0U;

  /// Where the spelling of names matters.
  class Spelling {
   public:
    explicit Spelling(std::size_t names) : variable_(names), parameter_(names), function_(names) {}

    void collect(const syntax::Node& node) {
      using syntax::Kind;
      switch (node.kind) {
      case Kind::assign:
        for (const auto* target : node.children.first(node.children.size() - 1)) bind(*target);
        break;
      case Kind::augmented:
      case Kind::annotated:
      case Kind::for_loop:
      case Kind::clause:
      case Kind::named:
        bind(node.child(0));
        break;
      case Kind::alias:
        star_ = star_ || node.text == "*";
        variable_[node.name] = true;
        break;
      case Kind::function:
        function_[node.name] = true;
        break;
      case Kind::parameter:
        parameter_[node.name] = true;
        break;
      case Kind::keyword:
        if (node.text.empty())
          any_keyword_ = true;
        else
          keywords_.push_back(node.text);
        break;
      default:
        break;
      }
      for (const auto* child : node.children)
        if (child != nullptr) collect(*child);
    }
    [[nodiscard]] bool is_free(std::size_t i, std::string_view name) const {
      if (star_ || function_[i]) return false;
      if (!parameter_[i]) return variable_[i];
      return !any_keyword_ && std::find(keywords_.begin(), keywords_.end(), name) == keywords_.end();
    }

   private:
    void bind(const syntax::Node& target) {
      using syntax::Kind;
      if (target.kind == Kind::name) variable_[target.name] = true;
      if (target.kind == Kind::tuple || target.kind == Kind::list || target.kind == Kind::starred)
        for (const auto* part : target.children) bind(*part);
    }

    std::vector<bool> variable_, parameter_, function_;
    std::vector<std::string_view> keywords_; // that calls use
    bool any_keyword_ = false;               // `**` in a call
    bool star_ = false;                      // `import *`
  };

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
    const bool names = node.kind == Kind::name || node.kind == Kind::parameter ||
                       node.kind == Kind::function || node.kind == Kind::alias;
    if (names) {
      auto& number = numbers_[node.name];
      if (number == 0) number = ++last_;
      put(number);
    }
    if (!names || node.kind == Kind::alias || numbers_[node.name] == kept) put(node.text);
    if (node.kind == Kind::alias && numbers_[node.name] == kept) put(spelled_[node.name]);
    if (node.kind == Kind::integer || node.kind == Kind::boolean)
      put(static_cast<std::uint64_t>(node.integer));
    if (node.kind == Kind::real) put(std::bit_cast<std::uint64_t>(node.real));
    put(node.children.size());
    for (const auto* child : node.children) {
      text.push_back(child == nullptr ? '\0' : '\1');
      if (child != nullptr) write(*child);
    }
  }

  std::span<const std::string_view> spelled_;
  std::vector<std::uint32_t> numbers_; // by name: from 1, in the order of occurrence
  std::uint32_t last_ = 0;
};

} // namespace detail

/// Equal for two programs only when they differ in nothing but layout, comments, the spelling of literals and
/// the names of their variables where nothing could tell these apart. `is_known(name)` says which names mean
/// something before the program binds any (the task's and Python's): these are not interchangeable. Linear in
/// the tree, apart from parameters times keywords.
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
