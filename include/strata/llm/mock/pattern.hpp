// SPDX-License-Identifier: MIT
// Regular expressions whose search takes time proportional to the text, whatever they are: all ways through
// an expression are followed at once. There is nothing in them that would need more, such as references to
// groups.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// An expression in the syntax of ECMAScript, over bytes: letters, `.`, `[a-z]`, `[^a-z]`, `\d \w \s \D \W
/// \S`,
/// `\b \B ^ $` (`^` and `$` are the ends of the text), `\n \t \r \f \v \0 \xHH`, `\` before a sign, `(..)`,
/// `(?:..)`, `|`, `* + ? {m} {m,} {m,n}`, also with a `?` behind them, which changes nothing here.
class pattern {
 public:
  static constexpr std::size_t most_states = 2000; ///< `{m,n}` counts as often as it may repeat

  /// Throws std::invalid_argument with the place for what is not in the syntax, or is too large.
  explicit pattern(std::string_view expression) : text_(expression) {
    const std::size_t root = alternatives();
    if (at_ != text_.size()) fail("a ) without a (");
    emit(root);
    code_.push_back({.what = action::found});
    text_ = {};
    nodes_.clear();
    nodes_.shrink_to_fit();
  }

  /// Whether some part of the text fits. O(text * states).
  [[nodiscard]] bool found_in(std::string_view text) const {
    std::vector<std::size_t> now, next, stack;
    std::vector<std::size_t> seen(code_.size(), SIZE_MAX); // the place at which a state was last reached
    for (std::size_t at = 0;; ++at) {
      if (reach(0, at, text, next, seen, stack)) return true;
      if (at == text.size()) return false;
      now.swap(next);
      next.clear();
      const auto byte = static_cast<unsigned char>(text[at]);
      for (const std::size_t s : now)
        if (sets_[code_[s].to][byte] && reach(s + 1, at + 1, text, next, seen, stack)) return true;
    }
  }
  [[nodiscard]] std::size_t states() const noexcept { return code_.size(); }

 private:
  using bytes = std::bitset<256>;
  enum class kind : std::uint8_t { set, sequence, either, repeat, begin, end, edge, inside };
  struct node {
    kind what = kind::sequence;
    std::size_t set = 0;
    std::vector<std::size_t> parts{};
    std::size_t least = 0, most = 0;
  };
  enum class action : std::uint8_t { read, jump, fork, begin, end, edge, inside, found };
  struct instruction {
    action what = action::read;
    std::size_t to = 0;   // jump and fork: where; read: the set
    std::size_t also = 0; // fork: the other way
  };
  static constexpr std::size_t no_end = SIZE_MAX;

  // ---- reading
  [[noreturn]] void fail(const std::string& what) const {
    throw std::invalid_argument("at character " + std::to_string(at_ + 1) + ": " + what);
  }
  [[nodiscard]] bool ahead(std::string_view s) const noexcept { return text_.substr(at_).starts_with(s); }
  bool take(std::string_view s) noexcept {
    if (!ahead(s)) return false;
    at_ += s.size();
    return true;
  }
  std::size_t add(node n) {
    if (nodes_.size() > 4 * most_states) fail("the expression is too large");
    nodes_.push_back(std::move(n));
    return nodes_.size() - 1;
  }
  std::size_t add(const bytes& set) {
    sets_.push_back(set);
    return add(node{.what = kind::set, .set = sets_.size() - 1});
  }

  std::size_t alternatives() {
    if (++depth_ > 100) fail("groups are nested too deeply");
    node all{.what = kind::either};
    do all.parts.push_back(sequence());
    while (take("|"));
    --depth_;
    return all.parts.size() == 1 ? all.parts[0] : add(std::move(all));
  }
  std::size_t sequence() {
    node all{.what = kind::sequence};
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') all.parts.push_back(repeated());
    return add(std::move(all));
  }
  std::size_t repeated() {
    const std::size_t part = single();
    const auto what = nodes_[part].what;
    node all{.what = kind::repeat, .parts = {part}};
    if (take("*"))
      all.most = no_end;
    else if (take("+")) {
      all.least = 1;
      all.most = no_end;
    } else if (take("?"))
      all.most = 1;
    else if (take("{"))
      counts(all);
    else
      return part;
    take("?");
    if (what == kind::begin || what == kind::end || what == kind::edge || what == kind::inside)
      fail("a place cannot be repeated");
    if (at_ < text_.size() && std::string_view("*+?{").find(text_[at_]) != std::string_view::npos)
      fail("this is repeated already");
    return add(std::move(all));
  }
  void counts(node& all) {
    const auto number = [&] {
      if (at_ == text_.size() || text_[at_] < '0' || text_[at_] > '9') fail("here a number is expected");
      std::size_t n = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        n = n * 10 + static_cast<std::size_t>(text_[at_] - '0');
        if (n > 1000) fail("more than 1000 repetitions");
      }
      return n;
    };
    all.least = all.most = number();
    if (take(",")) all.most = ahead("}") ? no_end : number();
    if (!take("}")) fail("here a } is expected");
    if (all.most < all.least) fail("the second number is the smaller one");
  }
  std::size_t single() {
    const char c = text_[at_];
    if (take("^")) return add(node{.what = kind::begin});
    if (take("$")) return add(node{.what = kind::end});
    if (take("\\b")) return add(node{.what = kind::edge});
    if (take("\\B")) return add(node{.what = kind::inside});
    if (take("(")) {
      if (!take("?:") && ahead("?")) fail("(? is not supported, except for (?:");
      const std::size_t inner = alternatives();
      if (!take(")")) fail("a ( without a )");
      return inner;
    }
    if (take("[")) return add(members());
    if (take(".")) return add(~(only('\n') | only('\r')));
    if (c == '*' || c == '+' || c == '?' || c == '{') fail("there is nothing to repeat");
    if (c == '\\') return add(escaped().first);
    ++at_;
    return add(only(c));
  }
  static bytes only(char c) {
    bytes b;
    b.set(static_cast<unsigned char>(c));
    return b;
  }
  static bytes range(unsigned char from, unsigned char to) {
    bytes b;
    for (unsigned i = from; i <= to; ++i) b.set(i);
    return b;
  }
  /// Behind a backslash: the bytes, and the one byte if it is one (or -1).
  std::pair<bytes, int> escaped() {
    ++at_;
    if (at_ == text_.size()) fail("nothing follows the \\");
    const char c = text_[at_++];
    const bytes digit = range('0', '9');
    const bytes word = digit | range('a', 'z') | range('A', 'Z') | only('_');
    const bytes blank = only(' ') | range('\t', '\r');
    const auto one = [](char byte) { return std::pair(only(byte), int{static_cast<unsigned char>(byte)}); };
    switch (c) {
    case 'd':
      return {digit, -1};
    case 'D':
      return {~digit, -1};
    case 'w':
      return {word, -1};
    case 'W':
      return {~word, -1};
    case 's':
      return {blank, -1};
    case 'S':
      return {~blank, -1};
    case 'n':
      return one('\n');
    case 't':
      return one('\t');
    case 'r':
      return one('\r');
    case 'f':
      return one('\f');
    case 'v':
      return one('\v');
    case '0':
      return one('\0');
    case 'x': {
      unsigned value = 0;
      for (int i = 0; i < 2; ++i, ++at_) {
        const char h = at_ < text_.size() ? text_[at_] : '\0';
        const bool decimal = h >= '0' && h <= '9';
        const char lower = static_cast<char>(h | 0x20);
        if (!decimal && !(lower >= 'a' && lower <= 'f')) fail("\\x needs two hexadecimal digits");
        value = value * 16 + static_cast<unsigned>(decimal ? h - '0' : lower - 'a' + 10);
      }
      return one(static_cast<char>(value));
    }
    default:
      if (word[static_cast<unsigned char>(c)]) fail(std::string("\\") + c + " is not supported");
      return one(c);
    }
  }
  bytes members() {
    const bool all_but = take("^");
    bytes set;
    while (!take("]")) {
      if (at_ == text_.size()) fail("a [ without a ]");
      const auto member = [&]() -> std::pair<bytes, int> {
        if (take("\\b")) return {only('\b'), '\b'};
        if (text_[at_] == '\\') return escaped();
        const char c = text_[at_++];
        return {only(c), int{static_cast<unsigned char>(c)}};
      };
      const auto from = member();
      if (!ahead("-") || text_.substr(at_ + 1).starts_with("]") || at_ + 1 == text_.size()) {
        set |= from.first;
        continue;
      }
      ++at_;
      const auto to = member();
      if (from.second < 0 || to.second < 0 || to.second < from.second) fail("this is no range");
      set |= range(static_cast<unsigned char>(from.second), static_cast<unsigned char>(to.second));
    }
    return all_but ? ~set : set;
  }

  // ---- writing instructions
  std::size_t put(instruction i) {
    if (code_.size() >= most_states) fail("the expression is too large");
    code_.push_back(i);
    return code_.size() - 1;
  }
  void emit(std::size_t which) {
    if (++emitted_ > 16 * most_states) fail("the expression is too large"); // also if it repeats nothing
    const node& n = nodes_[which];                                          // no node is added any more
    switch (n.what) {
    case kind::set:
      put({.what = action::read, .to = n.set});
      return;
    case kind::begin:
      put({.what = action::begin});
      return;
    case kind::end:
      put({.what = action::end});
      return;
    case kind::edge:
      put({.what = action::edge});
      return;
    case kind::inside:
      put({.what = action::inside});
      return;
    case kind::sequence:
      for (const std::size_t part : n.parts) emit(part);
      return;
    case kind::either: {
      std::vector<std::size_t> ends;
      for (std::size_t i = 0; i + 1 < n.parts.size(); ++i) {
        const std::size_t fork = put({.what = action::fork});
        code_[fork].to = code_.size();
        emit(n.parts[i]);
        ends.push_back(put({.what = action::jump}));
        code_[fork].also = code_.size();
      }
      emit(n.parts.back());
      for (const std::size_t end : ends) code_[end].to = code_.size();
      return;
    }
    case kind::repeat: {
      for (std::size_t i = 0; i < n.least; ++i) emit(n.parts[0]);
      if (n.most == no_end) {
        const std::size_t fork = put({.what = action::fork});
        code_[fork].to = code_.size();
        emit(n.parts[0]);
        put({.what = action::jump, .to = fork});
        code_[fork].also = code_.size();
        return;
      }
      std::vector<std::size_t> forks;
      for (std::size_t i = n.least; i < n.most; ++i) {
        forks.push_back(put({.what = action::fork}));
        code_[forks.back()].to = code_.size();
        emit(n.parts[0]);
      }
      for (const std::size_t fork : forks) code_[fork].also = code_.size();
      return;
    }
    }
  }

  // ---- searching
  /// Adds the states that read the next byte and are reached from one without reading. True: it is found.
  bool reach(std::size_t from, std::size_t at, std::string_view text, std::vector<std::size_t>& states,
             std::vector<std::size_t>& seen, std::vector<std::size_t>& stack) const {
    const auto letter = [&](std::size_t i) {
      if (i >= text.size()) return false; // also in front of the first
      const char c = text[i];
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    stack.assign(1, from);
    while (!stack.empty()) {
      const std::size_t s = stack.back();
      stack.pop_back();
      if (seen[s] == at) continue;
      seen[s] = at;
      const instruction& i = code_[s];
      const bool edge = letter(at - 1) != letter(at);
      switch (i.what) {
      case action::found:
        return true;
      case action::read:
        states.push_back(s);
        break;
      case action::jump:
        stack.push_back(i.to);
        break;
      case action::fork:
        stack.push_back(i.also);
        stack.push_back(i.to);
        break;
      case action::begin:
        if (at == 0) stack.push_back(s + 1);
        break;
      case action::end:
        if (at == text.size()) stack.push_back(s + 1);
        break;
      case action::edge:
        if (edge) stack.push_back(s + 1);
        break;
      case action::inside:
        if (!edge) stack.push_back(s + 1);
        break;
      }
    }
    return false;
  }

  std::string_view text_; // while it is read
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t emitted_ = 0;
  std::vector<node> nodes_;
  std::vector<bytes> sets_;
  std::vector<instruction> code_;
};

} // namespace strata::llm::mock
