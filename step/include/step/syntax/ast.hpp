// SPDX-License-Identifier: MIT
// The syntax tree of the Python subset in which programs and task snippets are written.
// Nodes are immutable, live in their Tree's arena, and know the line and column they start at.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace step::syntax {

/// Where a node starts: both 1-based, the column in characters; {0, 0} when unknown.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(Position, Position) = default;
};

/// What a node is. The comment gives `children` in order; `?` marks a child that may be null.
enum class Kind : std::uint8_t {
  // ---- expressions
  name,      ///< - ; `text`, `name`
  integer,   ///< - ; `integer`
  real,      ///< - ; `real`
  string,    ///< - ; `text` decoded, adjacent literals joined
  fstring,   ///< parts: `string` nodes and `formatted` nodes
  formatted, ///< expression, format specification? (an `fstring`); `text` is the conversion ("r", "s", "a" or
             ///< "")
  none,      ///< -
  boolean,   ///< - ; `integer` is 0 or 1
  ellipsis,  ///< -
  tuple,     ///< elements
  list,      ///< elements
  set,       ///< elements
  dict,      ///< key?, value, key?, value, ..  (a null key is `**value`)
  attribute, ///< object ; `text` is the attribute's name
  subscript, ///< object, index (a `tuple` when several)
  slice,     ///< lower?, upper?, step?
  call,      ///< callee, then arguments in source order: expressions, `starred`, `keyword`
  keyword,   ///< value ; `text` is the name, empty for `**value`
  starred,   ///< value
  unary,     ///< operand ; `op`: positive, negative, invert, logical_not
  binary,    ///< left, right ; `op`: add .. bit_xor
  logical,   ///< operands (2 or more) ; `op`: logical_and or logical_or
  compare,   ///< left, then one `operand` node per comparison
  operand,   ///< right-hand side ; `op`: less .. not_in
  conditional, ///< condition, value if true, value if false
  lambda,      ///< parameters, body expression
  list_comp,   ///< element, clauses
  set_comp,    ///< element, clauses
  generator,   ///< element, clauses
  dict_comp,   ///< key, value, clauses
  clause,      ///< target, iterable, conditions   (`for target in iterable if ..`)
  named,       ///< target name, value   (`:=`)
  // ---- function parameters
  parameters, ///< `parameter` nodes in order
  parameter,  ///< default?, annotation? ; `text`, `name`; `op`: positional_only, positional, star,
              ///< keyword_only, double_star
  // ---- statements
  block,         ///< statements
  expression,    ///< expression
  assign,        ///< targets.., value (value is last)
  augmented,     ///< target, value ; `op` as in `binary`
  annotated,     ///< target, annotation, value?
  for_loop,      ///< target, iterable, body (block), else block?
  while_loop,    ///< condition, body (block), else block?
  if_else,       ///< condition, body (block), else block?  (`elif` nests in the else block)
  function,      ///< parameters, body (block), return annotation? ; `text`, `name`
  return_value,  ///< value?
  assertion,     ///< condition, message?
  remove,        ///< targets   (`del`)
  pass,          ///< -
  break_loop,    ///< -
  continue_loop, ///< -
  nonlocal,      ///< `name` nodes
  import_module, ///< `alias` nodes   (`import a.b as c, d`)
  import_from,   ///< `alias` nodes ; `text` is the module ("." prefixes kept); `*` is an alias named "*"
  alias,         ///< - ; `text` is the dotted name imported, `name` the identifier it binds
  // ---- Python outside the language; only in trees parsed with `ParseLimits::whole_python`
  foreign, ///< whatever parts it has, in source order; `text` says what it is ("try", "yield", ..)
};

enum class Op : std::uint8_t {
  none,
  // unary and logical
  positive,
  negative,
  invert,
  logical_not,
  logical_and,
  logical_or,
  // binary
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  matmul,
  shift_left,
  shift_right,
  bit_and,
  bit_or,
  bit_xor,
  // comparisons
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  is,
  is_not,
  in,
  not_in,
  // kinds of parameter
  positional_only,
  positional,
  star,
  keyword_only,
  double_star,
};

struct Node {
  Kind kind{};
  Op op = Op::none;
  std::uint16_t height = 1; ///< nodes on the longest path downwards
  std::uint32_t name = 0;   ///< index into Tree::names for nodes that hold an identifier
  Position at;
  std::string_view text; ///< lives as long as the Tree
  std::int64_t integer = 0;
  double real = 0;
  std::span<const Node* const> children;

  [[nodiscard]] const Node& child(std::size_t i) const { return *children[i]; }
  [[nodiscard]] const Node* maybe(std::size_t i) const { return i < children.size() ? children[i] : nullptr; }
};

/// A parsed text: owns the nodes, the strings they refer to, and the table of identifiers. Movable, not
/// copyable.
class Tree {
 public:
  Tree() : arena_(std::make_unique<std::pmr::monotonic_buffer_resource>(4096)) {}

  /// The statements of the text; never null after a successful parse.
  const Node* root = nullptr;

  /// Every name that the text reads or binds, in order of first occurrence; `Node::name` indexes it.
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }

  // ---- for the parser
  std::uint32_t intern(std::string_view identifier) {
    if (auto it = index_.find(identifier); it != index_.end()) return it->second;
    auto id = static_cast<std::uint32_t>(names_.size());
    names_.push_back(keep(identifier));
    index_.emplace(names_.back(), id);
    return id;
  }
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    auto* memory = static_cast<char*>(arena_->allocate(text.size(), 1));
    text.copy(memory, text.size());
    return {memory, text.size()};
  }
  Node* make(Node node) { return new (arena_->allocate(sizeof(Node), alignof(Node))) Node(node); }
  std::span<const Node* const> keep(std::span<const Node* const> nodes) {
    if (nodes.empty()) return {};
    auto* memory = static_cast<const Node**>(arena_->allocate(nodes.size_bytes(), alignof(const Node*)));
    std::uninitialized_copy(nodes.begin(), nodes.end(), memory);
    return {memory, nodes.size()};
  }

 private:
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
  std::vector<std::string_view> names_;
  boost::unordered_flat_map<std::string_view, std::uint32_t, std::hash<std::string_view>> index_;
};

} // namespace step::syntax
