# SPDX-License-Identifier: MIT
"""The published affine rule, written a second time with Python's own parser, to compare the C++ checker against.

usage: affine_syntactic.py < programs.jsonl    each line {"impl": text}; prints one outcome per line
"""
import ast
import json
import sys
import warnings


def parse(text):
    """The module of `text`; a text that is indented as a whole is parsed as the body of a block."""
    try:
        return ast.parse(text)
    except SyntaxError as error:
        if "unexpected indent" not in str(error):
            raise
        module = ast.parse("if 1:\n" + text)
        if len(module.body) != 1 or module.body[0].orelse:
            raise
        return module


def in_source_order(node):
    """The direct parts of `node`, as they stand in the text."""
    parts = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.arguments, ast.comprehension)) or not hasattr(child, "lineno"):
            parts.append(((0, 0), child))
        else:
            parts.append(((child.lineno, child.col_offset), child))
    if isinstance(node, (ast.IfExp, ast.Dict, ast.Call, ast.ClassDef, ast.arguments)):
        parts.sort(key=lambda part: part[0])
    children = [child for _, child in parts]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        returns = [node.returns] if node.returns else []
        return node.decorator_list + [node.args] + returns + node.body
    if isinstance(node, ast.ClassDef):
        return node.decorator_list + [c for c in children if c not in node.decorator_list]
    return children


class Counter:
    def __init__(self):
        self.counts, self.stands_for = {}, {}

    def count(self, argument):
        if isinstance(argument, ast.Name):
            name = self.stands_for.get(argument.id, argument.id)
            self.counts[name] = self.counts.get(name, 0) + 1
        elif isinstance(argument, ast.Tuple):
            for element in argument.elts:
                self.count(element)

    def iterate(self, target, iterable):
        if isinstance(target, ast.Name) and isinstance(iterable, ast.Name):
            self.stands_for[target.id] = iterable.id
        elif (isinstance(target, ast.Tuple) and isinstance(iterable, ast.Call)
              and isinstance(iterable.func, ast.Name) and iterable.func.id == "zip"):
            for part, argument in zip(target.elts, iterable.args):
                if isinstance(part, ast.Name) and isinstance(argument, ast.Name):
                    self.stands_for[part.id] = argument.id

    def visit(self, node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
            for argument in node.args:
                self.count(argument)
        elif isinstance(node, ast.For):
            self.iterate(node.target, node.iter)
        elif isinstance(node, ast.ListComp):
            for clause in node.generators:
                self.iterate(clause.target, clause.iter)
        for child in in_source_order(node):
            self.visit(child)


def affine_syntactic(text):
    try:
        module = parse(text)
    except (SyntaxError, ValueError):
        return "error"
    counter = Counter()
    counter.visit(module)
    return "pass" if all(count == 1 for count in counter.counts.values()) else "violation"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(affine_syntactic(json.loads(line)["impl"]))
