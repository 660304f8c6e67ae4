# SPDX-License-Identifier: MIT
"""Runs a program text as Python, after a look at its syntax tree that turns away what is outside the language.

The language is a subset of Python, so Python itself is the best judge of what a program inside the subset does. The
pre-pass is a list of what may occur, not of what may not.
"""

import ast
import builtins
import warnings

import step


class Rejected(Exception):
    """Python, but outside the language."""


STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.While, ast.If, ast.Expr, ast.FunctionDef, ast.Return,
              ast.Assert, ast.Delete, ast.Pass, ast.Break, ast.Continue, ast.Import, ast.ImportFrom)
EXPRESSIONS = (ast.BoolOp, ast.NamedExpr, ast.BinOp, ast.UnaryOp, ast.Lambda, ast.IfExp, ast.Dict, ast.Set, ast.ListComp,
               ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Compare, ast.Call, ast.FormattedValue, ast.JoinedStr,
               ast.Constant, ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Slice)
PARTS = (ast.Module, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.comprehension, ast.arguments,
         ast.arg, ast.keyword, ast.alias)
BUILTINS = ("zip enumerate range len reversed sorted list tuple dict map next sum int").split()
FORBIDDEN = set("torch input_data exec eval compile getattr setattr delattr globals locals vars type open input "
                "breakpoint memoryview super object".split())
STREAM_ATTRIBUTES = {"shape", "rank", "dtype"}
ATTRIBUTES = STREAM_ATTRIBUTES | set("apply applyList append extend insert pop items keys values get update setdefault "
                                     "copy clear index count sort reverse remove".split())
NO_OP_IMPORTS = {"step", "torch", "math"}


class StepNamespace:
    """What the name `step` is bound to."""

    def __init__(self):
        for name, op in step.OPERATORS.items():
            setattr(self, name, op)


def reject(node, text):
    raise Rejected(f"line {getattr(node, 'lineno', '?')}: {text}")


class Check(ast.NodeVisitor):
    def __init__(self, protected):
        self.protected = protected

    def bind(self, node, name):
        if name in self.protected:
            reject(node, f"{name} belongs to the task and cannot be redefined")
        self.name(node, name)

    def name(self, node, name):
        if name in FORBIDDEN or name.startswith("__"):
            reject(node, f"{name} is outside the language")

    def generic_visit(self, node):
        if not isinstance(node, STATEMENTS + EXPRESSIONS + PARTS):
            reject(node, f"{type(node).__name__} is outside the language")
        super().generic_visit(node)

    def visit_Name(self, node):
        (self.name if isinstance(node.ctx, ast.Load) else self.bind)(node, node.id)

    def visit_arg(self, node):
        self.bind(node, node.arg)

    def visit_FunctionDef(self, node):
        self.bind(node, node.name)
        if node.decorator_list:
            reject(node, "decorators are outside the language")
        self.visit(node.args)
        for statement in node.body:
            self.visit(statement)

    def visit_AnnAssign(self, node):
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load):
            reject(node, f"assignment to .{node.attr}")
        if node.attr not in ATTRIBUTES and node.attr not in step.OPERATORS:
            reject(node, f".{node.attr} is outside the language")
        self.generic_visit(node)

    def visit_Subscript(self, node):
        base = node.value
        if not isinstance(node.ctx, ast.Load) and isinstance(base, ast.Attribute) and base.attr in STREAM_ATTRIBUTES:
            reject(node, f"assignment to .{base.attr}")
        self.generic_visit(node)

    def visit_Import(self, node):
        for alias in node.names:
            if alias.name not in NO_OP_IMPORTS or alias.asname:
                reject(node, f"import {alias.name}")

    def visit_ImportFrom(self, node):
        for alias in node.names:
            if node.module != "step" or node.level or (alias.name != "*" and alias.name not in step.OPERATORS):
                reject(node, f"from {node.module} import {alias.name}")
            self.bind(node, alias.asname or alias.name)


class Strip(ast.NodeTransformer):
    """Drops annotations, which mean nothing to the language, and turns imports into what they bind."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(ast.copy_location(ast.Assign(targets=[node.target], value=node.value), node))

    def visit_Import(self, node):
        return ast.copy_location(ast.Pass(), node)

    def visit_ImportFrom(self, node):
        bound = []
        for alias in node.names:
            for name in step.OPERATORS if alias.name == "*" else [alias.name]:
                value = ast.Attribute(ast.Name("step", ast.Load()), name, ast.Load())
                target = ast.Name(name if alias.name == "*" else alias.asname or name, ast.Store())
                bound.append(ast.Assign(targets=[target], value=value))
        return [ast.fix_missing_locations(ast.copy_location(b, node)) for b in bound]


def parse(text):
    """The tree of a program; one that is indented as a whole is taken as the body it was cut from."""
    try:
        return ast.parse(text)
    except IndentationError:
        if not text.lstrip("\n").startswith((" ", "\t")):
            raise
        tree = ast.parse("if 1:\n" + text)
        if len(tree.body) != 1:
            raise
        return ast.Module(body=tree.body[0].body, type_ignores=[])


def wrapped(tree, parameters):
    """The program as the body of a function of its input streams."""
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(p) for p in parameters], kwonlyargs=[], kw_defaults=[],
                              defaults=[])
    body = ast.FunctionDef(name="program", args=arguments, body=tree.body or [ast.Pass()], decorator_list=[])
    return ast.fix_missing_locations(ast.Module(body=[body], type_ignores=[]))


def run(text, streams, names, protected):
    """`streams`: the inputs by name; `names`: functions and sizes. Returns what the program returns.

    Raises SyntaxError (not Python), Rejected, or whatever the program raises while it runs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = parse(text)
    Check(protected).visit(tree)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python finds odd is not the language's concern
        code = compile(wrapped(Strip().visit(tree), streams), "<program>", "exec")
    scope = dict(names)
    scope["step"] = StepNamespace()
    scope["__builtins__"] = {name: getattr(builtins, name) for name in BUILTINS}
    scope["__builtins__"].update({"print": lambda *_, **__: None, "AssertionError": AssertionError})
    exec(code, scope)
    return scope["program"](**streams)
