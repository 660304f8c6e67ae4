// SPDX-License-Identifier: MIT
// `parse`: from the text of a program or snippet to its syntax tree.
// Python 3.11's grammar; what lies outside the language is reported as such, with a position.
#pragma once

#include "step/syntax/ast.hpp"
#include "step/syntax/scopes.hpp"
#include "step/syntax/statements.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::syntax {

namespace detail {

/// Throws Fault{limit} when a path from the root has more than `limit` nodes.
inline void check_depth(const Node& root, std::size_t limit) {
  if (root.height <= limit) return;
  const Node* node = &root;
  for (std::size_t depth = 1; depth <= limit; ++depth)
    for (const Node* child : node->children)
      if (child != nullptr && child->height + 1 >= node->height) {
        node = child;
        break;
      }
  throw Fault{FaultKind::limit, "the text is nested too deeply here; split it into several statements",
              node->at};
}

} // namespace detail

/// Parses `text`, which may be indented as a whole. Throws Fault{syntax} when it is not Python,
/// Fault{rejected} when it is Python outside the language, Fault{limit} when it exceeds `limits` or holds an
/// integer beyond 64 bits. The tree owns all it refers to. Time and memory are linear in the text.
inline Tree parse(std::string_view text, const ParseLimits& limits = {}) {
  Tree tree;
  const detail::Source source(text, limits);
  detail::StatementParser parser(source, limits, tree);
  const Node* root = parser.program();
  detail::check_depth(*root, limits.depth);
  if (parser.deferred()) throw *parser.deferred();
  if (!limits.whole_python && parser.has_scope_rules()) detail::check_scopes(*root);
  tree.root = root;
  return tree;
}

} // namespace step::syntax
