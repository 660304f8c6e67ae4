# SPDX-License-Identifier: MIT
"""Seeded damage to a straight-line program: what goes wrong when models almost know the answer."""

import random
import re

from styles import Line, local_names, text_of, words

SYMBOLS = ["M", "N", "K", "D"]
SHAPE_OPS = {"Promote": "b=1", "Flatten": "L=[1]", "Bufferize": "a=1", "Streamify": "", "Repeat": "n=N", "Reshape": "S=1, L=[0]",
             "Identity": "", "Copy": "", "Zip": "", "RepeatRef": ""}


def copy_of(lines):
    return [Line(list(l.targets), l.op, l.config, l.argument) for l in lines]


def pick(rng, lines, wanted):
    found = [i for i, l in enumerate(lines) if wanted(l)]
    return rng.choice(found) if found else None


def drop_operator(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op and len(l.targets) == 1 and "," not in l.argument and l.op != "Partition")
    if i is None:
        return None
    gone = lines.pop(i)
    for l in lines:
        l.argument = re.sub(rf"\b{gone.targets[0]}\b", gone.argument, l.argument)
    return text_of(lines)


def swap_arguments(rng, lines, functions):
    i = pick(rng, lines, lambda l: re.fullmatch(r"\((\w+), (\w+)\)", l.argument))
    if i is None:
        return None
    lines[i].argument = re.sub(r"\((\w+), (\w+)\)", r"(\2, \1)", lines[i].argument)
    return text_of(lines)


def change_number(rng, lines, functions):
    i = pick(rng, lines, lambda l: re.search(r"\d", l.config.replace("fn_", "")) and re.search(r"=\[?\d", l.config))
    if i is None:
        return None
    step = rng.choice([-1, 1, 1, 2])
    lines[i].config = re.sub(r"(=\[?)(\d+)", lambda m: m.group(1) + str(int(m.group(2)) + step), lines[i].config)
    return text_of(lines)


def change_symbol(rng, lines, functions):
    i = pick(rng, lines, lambda l: re.search(r"=[A-Z]\b", l.config))
    if i is None:
        return None
    old = re.search(r"=([A-Z])\b", lines[i].config).group(1)
    new = rng.choice([s for s in SYMBOLS if s != old] + [f"{old}_value", f"{old}+1", f"2*{old}"])
    lines[i].config = re.sub(rf"={old}\b", f"={new}", lines[i].config)
    return text_of(lines)


def change_function(rng, lines, functions):
    i = pick(rng, lines, lambda l: "fn=" in l.config)
    if i is None or len(functions) < 2:
        return None
    old = re.search(r"fn=(\w+)", lines[i].config).group(1)
    new = rng.choice([f for f in functions if f != old])
    lines[i].config = lines[i].config.replace(f"fn={old}", f"fn={new}")
    return text_of(lines)


def change_operator(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op)
    kin = {"Accum": "Scan", "Scan": "Accum", "Map": "Accum", "Repeat": "RepeatRef", "Zip": "Merge", "Bufferize": "Streamify",
           "Streamify": "Bufferize", "Promote": "Flatten", "Flatten": "Promote", "Copy": "Identity", "Partition": "Copy",
           "Merge": "Zip", "RepeatRef": "Zip", "Identity": "Copy", "Reshape": "Flatten", "RepeatLast": "Repeat"}
    lines[i].op = kin[lines[i].op]
    return text_of(lines)


def insert_operator(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op and len(l.targets) == 1 and l.op != "Partition")
    op = rng.choice(sorted(SHAPE_OPS))
    target = lines[i].targets[0]
    lines.insert(i + 1, Line([target], op, SHAPE_OPS[op], target))
    return text_of(lines)


def swap_lines(rng, lines, functions):
    if len(lines) < 3:
        return None
    i = rng.randrange(len(lines) - 2)
    lines[i], lines[i + 1] = lines[i + 1], lines[i]
    return text_of(lines)


def drop_line(rng, lines, functions):
    lines.pop(rng.randrange(len(lines)))
    return text_of(lines)


def repeat_line(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op)
    lines.insert(i, lines[i])
    return text_of(lines)


def drop_copy(rng, lines, functions):
    """The same stream twice: right values, but against the affine rule."""
    i = pick(rng, lines, lambda l: l.op == "Copy")
    if i is None:
        return None
    gone = lines.pop(i)
    for l in lines:
        for t in gone.targets:
            l.argument = re.sub(rf"\b{t}\b", gone.argument, l.argument)
    return text_of(lines)


def change_return(rng, lines, functions):
    names = local_names(lines)
    lines[-1].argument = rng.choice([rng.choice(names), f"({lines[-1].argument}, {rng.choice(names)})", "E0", "None", "()",
                                     f"[[{lines[-1].argument}]]", "(E0, E0)", "step.Copy()"])
    return text_of(lines)


def change_name(rng, lines, functions):
    i = pick(rng, lines, lambda l: words(l.argument))
    names = sorted(set(local_names(lines[:i]) + ["E0", "E1", "E9"]))
    old = rng.choice(words(lines[i].argument))
    lines[i].argument = re.sub(rf"\b{old}\b", rng.choice(names), lines[i].argument)
    return text_of(lines)


def drop_configuration(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.config)
    parts = re.split(r", (?=\w+=)", lines[i].config)
    parts.pop(rng.randrange(len(parts)))
    lines[i].config = ", ".join(parts)
    return text_of(lines)


def positional_configuration(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.config)
    lines[i].config = re.sub(r"^\w+=", "", lines[i].config)
    return text_of(lines)


def misspell(rng, lines, functions):
    text = text_of(lines)
    name = rng.choice(sorted({w for w in words(text) if len(w) > 3 and w not in ("return", "apply")}))
    other = rng.choice([name.lower(), name + "s", name[:-1], name.upper()])
    where = [m.start() for m in re.finditer(rf"\b{name}\b", text)]
    at = rng.choice(where)
    return text[:at] + other + text[at + len(name):]


def delete_character(rng, lines, functions):
    text = text_of(lines).rstrip("\n")
    at = rng.choice([i for i, c in enumerate(text) if not c.isspace()])
    return text[:at] + text[at + 1:]


def separate_arguments(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op and l.argument.startswith("("))
    if i is None:
        return None
    lines[i].argument = lines[i].argument[1:-1]
    return text_of(lines)


def arguments_as_list(rng, lines, functions):
    i = pick(rng, lines, lambda l: l.op == "Map" and l.argument.startswith("("))
    if i is None:
        return None
    lines[i].argument = f"[{lines[i].argument[1:-1]}]"
    return text_of(lines)


MUTATIONS = [drop_operator, swap_arguments, change_number, change_symbol, change_function, change_operator, insert_operator,
             swap_lines, drop_line, repeat_line, drop_copy, change_return, change_name, drop_configuration,
             positional_configuration, misspell, delete_character, separate_arguments, arguments_as_list]


def mutated(task, lines, functions, count):
    """`count` programs, each a mutation of `lines` (a few of two mutations); the same for every run."""
    rng, seen = random.Random(f"mutations of {task}"), set()
    order = list(MUTATIONS)
    rng.shuffle(order)
    number = 0
    while len(seen) < count and number < 10 * count:
        mutation = order[number % len(order)]
        number += 1
        text = mutation(rng, copy_of(lines), functions)
        if text is not None and text not in seen and text.strip():
            seen.add(text)
            yield mutation.__name__, text
