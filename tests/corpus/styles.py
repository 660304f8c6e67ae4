# SPDX-License-Identifier: MIT
"""Rewrites a straight-line program into the many styles in which models write the same thing.

Every function takes a list of `Line`s and returns a program text with the same meaning, or None when the style does not
apply. The corpus asserts that the reference accepts all of them.
"""

import ast
import re
from dataclasses import dataclass


@dataclass
class Line:
    """`targets = step.<op>(<config>).apply(<argument>)`; no op: the return statement, with `argument` its value."""
    targets: list
    op: str
    config: str
    argument: str

    def call(self):
        return f"step.{self.op}({self.config}).apply({self.argument})"

    def text(self):
        return f"return {self.argument}" if not self.op else f"{', '.join(self.targets)} = {self.call()}"


def parse(text):
    lines = []
    for node in ast.parse(text).body:
        returned = isinstance(node, ast.Return)
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "apply":
            made = call.func.value
            config = ", ".join(ast.unparse(k) for k in made.keywords)
            targets = ["result"] if returned else [n.id for n in ast.walk(node.targets[0]) if isinstance(n, ast.Name)]
            lines.append(Line(targets, made.func.attr, config, ast.unparse(call.args[0])))
            if returned:
                lines.append(Line([], "", "", "result"))
        elif returned:
            lines.append(Line([], "", "", ast.unparse(node.value)))
        else:
            raise ValueError(f"not a straight-line program: {ast.unparse(node)}")
    return lines


def words(text):
    return re.findall(r"[A-Za-z_]\w*", text)


def rename(text, names):
    return re.sub(r"[A-Za-z_]\w*", lambda m: names.get(m.group(), m.group()), text)


def local_names(lines):
    return [t for line in lines for t in line.targets]


def renamed(lines, names):
    return [Line([names.get(t, t) for t in l.targets], l.op, l.config, rename(l.argument, names)) for l in lines]


def uses(lines, name):
    return sum(words(l.argument).count(name) for l in lines)


def inputs_of(lines):
    made = set(local_names(lines))
    return sorted({w for l in lines for w in words(l.argument) if re.fullmatch(r"E\d+", w) and w not in made})


def text_of(lines):
    return "\n".join(l.text() for l in lines) + "\n"


def indent(text, by=2):
    return "".join(" " * by + l + "\n" for l in text.splitlines())


# ---- names and layout


def plain(lines):
    return text_of(lines)


def numbered(lines):
    """E2, E3, .. as in the published examples; the outputs become S0, S1."""
    first = len(inputs_of(lines))
    names = {n: f"E{first + i}" for i, n in enumerate(local_names(lines))}
    return text_of(renamed(lines, names))


def output_names(lines):
    returned = words(lines[-1].argument)
    return text_of(renamed(lines, {n: f"S{i}" for i, n in enumerate(returned)}))


def registers(lines, keep_inputs=True):
    """As few names as possible, rebound again and again."""
    names, free, result = {}, [f"x{i}" for i in range(40, -1, -1)], []
    if not keep_inputs:
        for name in inputs_of(lines):
            names[name] = name
    for number, line in enumerate(lines):
        argument = rename(line.argument, names)
        rest = [w for l in lines[number + 1:] for w in words(l.argument)]
        for name in dict.fromkeys(words(line.argument)):
            if name in names and name not in rest:
                free.append(names[name])
        targets = []
        for target in line.targets:
            names[target] = free.pop()
            targets.append(names[target])
        result.append(Line(targets, line.op, line.config, argument))
    return text_of(result)


def rebound_inputs(lines):
    return registers(lines, keep_inputs=False)


def one_line(lines):
    return "; ".join(l.text() for l in lines) + ";\n"


def spread_out(lines):
    text = ""
    for line in lines:
        if not line.op:
            text += f"\n\n# the end\nreturn (  # brackets\n    {line.argument}\n)\n"
            continue
        text += (f"# {line.op}\n{', '.join(line.targets)} = (\n    step  # the language\n    .{line.op}(\n        {line.config}\n    )"
                 f"\n\n    .apply(\n{line.argument},\n    )\n)   # done\n")
    return text


def docstring(lines):
    return '"""A program.\n  With \'quotes\' and a \\n.\n"""\n' + text_of(lines) + "# nothing follows"


def bracketed_targets(lines):
    return "\n".join(f"[{', '.join(l.targets)}] = {l.call()}" if len(l.targets) > 1 else
                     f"({', '.join(l.targets)},) = ({l.call()},)" if l.op else l.text() for l in lines)


def annotated(lines):
    text = "\n".join(f"{l.targets[0]}: 'Stream' = {l.call()}" if len(l.targets) == 1 else l.text() for l in lines)
    return text.replace(": 'Stream'", ": list", 1)


def chained_assignment(lines):
    return "\n".join(f"first_{i} = {', '.join(l.targets)} = {l.call()}" if l.op else l.text() for i, l in enumerate(lines))


# ---- where operators and values live


def nested(lines):
    """One expression as far as it goes: single-use names are replaced by what they are bound to."""
    lines = [Line(l.targets, l.op, l.config, l.argument) for l in lines]
    result = []
    for number, line in enumerate(lines):
        if line.op and len(line.targets) == 1 and uses(lines, line.targets[0]) == 1 and \
                not re.search(rf"\b{line.targets[0]}\[", " ".join(l.argument for l in lines)):
            for later in lines[number + 1:]:
                later.argument = re.sub(rf"\b{line.targets[0]}\b", lambda _: line.call(), later.argument)
        else:
            result.append(line)
    return text_of(result)


def walrus(lines):
    for number, line in enumerate(lines[:-1]):
        name = line.targets[0] if line.op else ""
        if len(line.targets) == 1 and uses(lines, name) == 1 and name in words(lines[number + 1].argument):
            later = Line(lines[number + 1].targets, lines[number + 1].op, lines[number + 1].config, re.sub(
                rf"\b{name}\b", lambda _: f"({name} := {line.call()})", lines[number + 1].argument))
            return text_of(lines[:number] + [later] + lines[number + 2:])
    return None


def operators_first(lines):
    """Operators are bound to names before anything runs; equal ones are one object."""
    made, text = {}, ""
    for line in lines:
        if line.op:
            made.setdefault(f"step.{line.op}({line.config})", f"op_{len(made)}")
    for call, name in made.items():
        text += f"{name} = {call}\n"
    for line in lines:
        name = made.get(f"step.{line.op}({line.config})")
        text += f"{', '.join(line.targets)} = {name}.apply({line.argument})\n" if line.op else line.text()
    return text


def bound_apply(lines):
    text = ""
    for number, line in enumerate(lines):
        text += (f"run_{number} = step.{line.op}({line.config}).apply\n"
                 f"{', '.join(line.targets)} = run_{number}({line.argument})\n") if line.op else line.text()
    return text


def alias(lines):
    return "S = step\n" + text_of(lines).replace("step.", "S.")


def import_star(lines):
    return "from step import *\n" + text_of(lines).replace("step.", "")


def import_names(lines):
    names = ", ".join(sorted({l.op for l in lines if l.op}))
    return f"from step import ({names})\n" + text_of(lines).replace("step.", "")


def import_as(lines):
    text = text_of(lines)
    for op in sorted({l.op for l in lines if l.op}):
        text = f"from step import {op} as my_{op}\n" + re.sub(rf"step\.{op}\b", f"my_{op}", text)
    return text


def plain_imports(lines):
    return "import step\nimport torch, math\n\n" + text_of(lines)


def classes_bound(lines):
    text = text_of(lines)
    for op in sorted({l.op for l in lines if l.op}):
        text = f"{op} = step.{op}\n" + re.sub(rf"(?<!^{op} = )step\.{op}\(", f"{op}(", text, flags=re.M)
    return text


def dictionary(lines):
    names = {n: f"s['{n}']" for n in local_names(lines)}
    return "s = {}\n" + text_of(renamed(lines, names))


def f_string_keys(lines):
    names = {n: f"s[f'e{{{i}}}']" for i, n in enumerate(local_names(lines))}
    return "s = dict()\n" + text_of(renamed(lines, names))


def stack(lines):
    """Every result goes onto a list."""
    names, text = {}, "v = []\n"
    for line in lines:
        argument = rename(line.argument, names)
        if not line.op:
            return text + f"return {argument}\n"
        for target in line.targets:
            names[target] = f"v[{len(names)}]"
        call = f"step.{line.op}({line.config}).apply({argument})"
        text += f"v.append({call})\n" if len(line.targets) == 1 else f"v.extend({call})\n"
    return text


def configuration_dict(lines):
    text, changed = "", []
    for number, line in enumerate(lines):
        if line.config and line.op:
            pairs = [p.split("=", 1) for p in re.split(r", (?=\w+=)", line.config)]
            text += f"cfg_{number} = {{{', '.join(f'{k!r}: {v}' for k, v in pairs)}}}\n"
            changed.append(Line(line.targets, line.op, ", ".join(f"{k}=cfg_{number}['{k}']" for k, _ in pairs), line.argument))
        else:
            changed.append(line)
    return text + text_of(changed)


def extra_keywords(lines):
    return text_of([Line(l.targets, l.op, f"{l.config}, name='op{i}'" if l.config else f"name='op{i}', axis={i}", l.argument)
                    for i, l in enumerate(lines)])


def repeat_last(lines):
    text = text_of(lines)
    return text.replace("step.Repeat(", "step.RepeatLast(") if "step.Repeat(" in text else None


# ---- control flow


def function(lines):
    names = inputs_of(lines)
    inner = [f"a{i}" for i in range(len(names))]
    body = text_of(renamed(lines, dict(zip(names, inner))))
    return f"def body({', '.join(inner)}):\n{indent(body, 4)}\nreturn body({', '.join(names)})\n"


def closure(lines):
    """A function without parameters, indented with tabs."""
    body = "".join(f"\t{l}\n" for l in text_of(lines).splitlines())
    return f"def body():\n{body}return body()\n"


def helpers(lines):
    text = ("def run(op, *streams, extra=None):\n  if len(streams) == 1:\n    return op.apply(streams[0])\n"
            "  return op.apply(tuple(streams))\n\n")
    for line in lines:
        node = ast.parse(line.argument, mode="eval").body
        parts = ", ".join(ast.unparse(e) for e in node.elts) if isinstance(node, ast.Tuple) else line.argument
        text += f"{', '.join(line.targets)} = run(step.{line.op}({line.config}), {parts})\n" if line.op else line.text()
    return text


def lambdas(lines):
    text = "apply_map = lambda f, s: step.Map(fn=f).apply(s)\npair = lambda a, b: (a, b)\n"
    for line in lines:
        if line.op == "Map":
            text += f"{line.targets[0]} = apply_map({line.config[3:]}, {line.argument})\n"
        else:
            text += line.text() + "\n"
    return text


def branches(lines):
    return f"if len(E0.shape) > 0 and not (E0.rank < 0 or False):\n{indent(text_of(lines))}elif E0.rank == 77:\n  pass\nelse:\n  return E0\n"


def conditional_configuration(lines):
    return text_of([Line(l.targets, l.op, re.sub(r"\b([baLn])=(\[?\w+\]?)", r"\1=\2 if 1 < 2 else 0", l.config), l.argument)
                    if l.op else l for l in lines])


def loop_once(lines):
    return f"for _ in range(1):\n{indent(text_of(lines), 3)}"


def endless_with_return(lines):
    return f"while True:\n{indent(text_of(lines[:-1]))}  break\n{lines[-1].text()}\n"


def counted_while(lines):
    text = "i = 0\nwhile i < 3:\n  i += 1\n  if i != 2:\n    continue\n"
    return text + indent(text_of(lines[:-1])) + "else:\n  pass\n" + lines[-1].text() + "\n"


def chain_loop(lines):
    """Runs of one-stream operators become loops over a list of operators."""
    text, number, found = "", 0, False
    while number < len(lines):
        run = [lines[number]]
        while (run[-1].op and len(run[-1].targets) == 1 and number + len(run) < len(lines) and
               lines[number + len(run)].op and lines[number + len(run)].argument == run[-1].targets[0] and
               len(lines[number + len(run)].targets) == 1 and uses(lines, run[-1].targets[0]) == 1):
            run.append(lines[number + len(run)])
        if len(run) > 1:
            found = True
            ops = ",\n    ".join(f"step.{l.op}({l.config})" for l in run)
            text += f"x = {run[0].argument}\nfor op in [\n    {ops},\n]:\n  x = op.apply(x)\n{run[-1].targets[0]} = x\n"
        else:
            text += run[0].text() + "\n"
        number += len(run)
    return text if found else None


def asserts(lines):
    text = "assert len(E0.shape) == E0.rank + 1, 'a rank is one less'\n"
    for line in lines:
        text += line.text() + "\n"
        if line.op and line.op != "Partition":
            text += f"assert {line.targets[0]}.rank >= 0 and {line.targets[0]}.dtype is not None\nprint({line.targets[0]}.shape, 'dims')\n"
    return text


def deletes(lines):
    text = ""
    for number, line in enumerate(lines):
        text += line.text() + "\n"
        later = " ".join(l.argument for l in lines[number + 1:])
        gone = [w for w in dict.fromkeys(words(line.argument)) if w in local_names(lines) and w not in words(later)]
        if line.op and gone:
            text += f"del {', '.join(gone)}\n"
    return text


# ---- operators that change nothing


def inserted(lines, make, name_start="t"):
    """Puts streams through further lines after the inputs; make(name, k) gives texts and the new name."""
    text, names = "", {}
    for k, name in enumerate(inputs_of(lines)):
        more, names[name] = make(name, f"{name_start}{k}")
        text += more
    return text + text_of(renamed(lines, names))


def unused_copies(lines):
    return inserted(lines, lambda e, t: (f"{t}, {t}_unused = step.Copy().apply({e})\n", t))


def copy_tree(lines):
    return inserted(lines, lambda e, t: (f"{t}a, {t}b = step.Copy().apply({e})\n{t}c, {t}d = step.Copy().apply({t}b)\n"
                                         f"{t}e, _ = step.Copy().apply({t}d)\n", f"{t}e"))


def generator_copies(lines):
    return inserted(lines, lambda e, t: (f"{t}, {t}_b = (c for c in step.Copy().apply({e}))\n", t))


def starred_copies(lines):
    return inserted(lines, lambda e, t: (f"{t}, *rest = step.Copy().apply({e})\n", t))


def identities(lines):
    return inserted(lines, lambda e, t: (f"{t} = step.Identity().apply({e})\n", t))


def promoted_and_flattened(lines):
    return inserted(lines, lambda e, t: (f"{t}p = step.Promote(b=0).apply({e})\n{t} = step.Flatten(L=[1]).apply({t}p)\n", t))


def promoted_outside(lines):
    return inserted(lines, lambda e, t: (f"{t}p = step.Promote(b={e}.rank + 1).apply({e})\n"
                                         f"{t} = step.Flatten(L=[{t}p.rank]).apply({t}p)\n", t))


def promoted_and_reshaped(lines):
    return inserted(lines, lambda e, t: (f"{t}p = step.Reshape(S=1, L=[0]).apply({e})\n{t} = step.Flatten(L=(1,)).apply({t}p)\n", t))


def unused_operators(lines):
    return inserted(lines, lambda e, t: (f"{t}, {t}u = step.Copy().apply({e})\n{t}v = step.Repeat(n=3).apply({t}u)\n"
                                         f"{t}w = step.Promote(b=0).apply({t}v)\n", t))


def applied_to_lists(lines):
    names = inputs_of(lines)
    new = [f"t{i}" for i in range(len(names))]
    return (f"({', '.join(new)},) = step.Identity().applyList([{', '.join(names)}])\n" +
            text_of(renamed(lines, dict(zip(names, new)))))


# ---- returns


def returned_list(lines):
    last = lines[-1].argument
    if last.startswith("("):
        return text_of(lines[:-1]) + f"return [{last[1:-1]}]\n"
    return text_of(lines[:-1]) + f"return [{last}]\n"


def returned_by_comprehension(lines):
    last = lines[-1].argument
    items = last[1:-1] if last.startswith("(") else last + ","
    return text_of(lines[:-1]) + f"outputs = ({items})\nreturn [o for o in outputs]\n"


def returned_from_branches(lines):
    return text_of(lines[:-1]) + f"if N_value > 10 ** 6:\n  return None\nelse:\n  return {lines[-1].argument}\nreturn 0\n"


STYLES = [plain, numbered, output_names, registers, one_line, spread_out, docstring, bracketed_targets, annotated,
          chained_assignment, nested, walrus, operators_first, bound_apply, alias, import_star, import_names, import_as,
          plain_imports, classes_bound, dictionary, f_string_keys, stack, configuration_dict, extra_keywords, repeat_last,
          function, closure, helpers, lambdas, branches, conditional_configuration, loop_once, endless_with_return,
          counted_while, chain_loop, asserts, deletes, unused_copies, copy_tree, generator_copies, starred_copies,
          identities, promoted_and_flattened, promoted_outside, promoted_and_reshaped, unused_operators, applied_to_lists,
          returned_list, returned_by_comprehension, returned_from_branches]
CHOICES = [rebound_inputs]
