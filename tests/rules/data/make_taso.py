"""TASO's substitutions and TENSAT's several-root rules, from ../shared/data, as rules of egret's language.

    make_taso.py graph_subst.txt|multi_rules_one_per_line.txt  > FILE.rules

A fused activation is the activation after the operator; SAME padding is the low and high that all convolutions of a rule
share; TASO's concatenation and split get their sizes from their operands; its convolution takes the number of groups from
its operands, so groups are written as what they are: 1 where a convolution has one on the left, else input channels of the
joined image over those of the weights.  Each rule gets up to three `accept` lines: sizes at which both sides are well typed.
"""

import itertools
import random
import re
import sys

TOKEN = re.compile(r"[()]|[^\s()]+")
KERNEL, IMAGE, PAD = (3, 1), (2, 1), ((1, 0), (1, 0))  # of every convolution in the examples


def parse(text):
    stack, out = [], []
    for token in TOKEN.findall(text):
        if token == "(":
            stack.append(out)
            out = []
        elif token == ")":
            done, out = out, stack.pop()
            out.append(done)
        else:
            out.append(token)
    return out


def variable(name):
    return "x" + name.lstrip("?").removeprefix("input_").lstrip("i")


class Term:
    """An operator with attributes, or a variable (op None)."""

    def __init__(self, op, args=(), name="", axis=None, index=None):
        self.op, self.args, self.name, self.axis, self.index = op, list(args), name, axis, index

    def text(self):
        if self.op is None:
            return self.name
        inner = ", ".join(a.text() for a in self.args)
        if self.op == "dot":
            return f"dot({inner}, lb=[], rb=[], lc=[1], rc=[0])"
        if self.op == "conv":
            groups = self.groups()
            return f"conv({inner}, stride=[1, 1], low=l, high=h, dilation=[1, 1], lhs_dilation=[1, 1]" + (f", groups={groups})" if groups else ")")
        if self.op == "concat":
            return f"concat({inner}, axis={self.axis})"
        if self.op == "part":
            sizes = ", ".join(f"at(sizes({s}), {self.axis})" for s in self.split_of())
            return f"get(split({inner}, axis={self.axis}, sizes=[{sizes}]), index={self.index})"
        return f"{self.op}({inner})"

    def channels(self, axis):
        """Text of the term's size along an axis, from its variables."""
        if self.op is None:
            return f"at(sizes({self.name}), {axis})"
        if self.op == "concat" and self.axis == axis:
            return " + ".join(a.channels(axis) for a in self.args)
        if self.op == "conv":
            return self.args[1].channels(0) if axis == 1 else self.args[0].channels(axis)
        return self.args[0].channels(axis)

    def groups(self):
        image, weights = self.args
        if image.op == "concat" and image.axis == 1 and not (weights.op == "concat" and weights.axis == 1):
            return f"({image.channels(1)}) / ({weights.channels(1)})"
        return ""

    def split_of(self):
        """The variables that the split's concatenation joins."""
        def joined(t):
            if t.op == "concat" and all(a.op is None for a in t.args):
                return [a.name for a in t.args]
            for a in t.args:
                if (found := joined(a)):
                    return found
            return None
        return joined(self.args[0])

    def shape(self, sizes, left=False):
        """The shape, None where the term is ill-typed."""
        if self.op is None:
            return sizes[self.name]
        shapes = [a.shape(sizes, left) for a in self.args]
        if any(s is None for s in shapes):
            return None
        if self.op == "dot":
            a, b = shapes
            return (a[0], b[1]) if len(a) == len(b) == 2 and a[1] == b[0] else None
        if self.op == "conv":
            x, w = shapes
            if len(x) != 4 or len(w) != 4 or w[2:] != KERNEL or w[1] == 0 or x[1] % w[1]:
                return None
            groups = x[1] // w[1]
            if (not self.groups() and groups != 1) or w[0] % groups:
                return None
            return (x[0], w[0], *x[2:])
        if self.op == "concat":
            a, b = shapes
            k = self.axis
            same = len(a) == len(b) and k < len(a) and all(p == q for i, (p, q) in enumerate(zip(a, b)) if i != k)
            return a[:k] + (a[k] + b[k],) + a[k + 1:] if same else None
        if self.op == "part":
            whole = shapes[0]
            k, parts = self.axis, [sizes[s] for s in self.split_of()]
            if k >= len(whole) or sum(p[k] for p in parts) != whole[k]:
                return None
            return whole[:k] + (parts[self.index][k],) + whole[k + 1:]
        return shapes[0] if all(s == shapes[0] for s in shapes) else None

    def walk(self):
        yield self
        for a in self.args:
            yield from a.walk()


def term(tree):
    """A term of TASO's decoded file, or of TENSAT's prefix form."""
    if isinstance(tree, str):
        return Term(None, name=variable(tree))
    head, rest = tree[0], tree[1:]
    words = [t for t in rest if isinstance(t, str) and not t.startswith(("?", "input_"))]
    operands = [t for t in rest if not (isinstance(t, str) and t in words)]
    args = [term(t) for t in operands]
    axis = next((int(w.split("=")[1]) for w in words if w.startswith("axis=")), None)
    relu = "act:relu" in words
    if head == "conv2d" and words and words[0].isdigit():
        relu = words[3] == "2"
    if head == "concat" and axis is None:
        axis = int(words[0])
    if head.startswith("split_"):
        inner = operands[0]
        if axis is None:  # (split_0 (split AXIS t))
            axis, args = int(inner[1]), [term(inner[2])]
        return Term("part", args, axis=axis, index=int(head[-1]))
    op = {"matmul": "dot", "conv2d": "conv", "ew_add": "add", "ew_mul": "mul", "ewadd": "add", "ewmul": "mul"}.get(head, head)
    made = Term(op, args, axis=axis)
    return Term("relu", [made]) if relu else made


def prefix(text):
    """matmul(0,a,b) as (matmul 0 a b)."""
    return re.sub(r"(\w+)\(", r"(\1 ", text).replace(",", " ")


def examples(sides, rng):
    names = sorted({t.name for t in sides[0] for t in t.walk() if t.op is None} | {t.name for t in sides[1] for t in t.walk() if t.op is None},
                   key=lambda n: int(n[1:]))
    ranks = dict.fromkeys(names, 2)
    conv = any(t.op == "conv" for side in sides for root in side for t in root.walk())
    weights = {n for side in sides for root in side for t in root.walk() if t.op == "conv" for u in t.args[1].walk() for n in [u.name] if u.op is None}
    found, seen = [], set()
    four = conv or any(t.op == "concat" and t.axis and t.axis > 1 for side in sides for root in side for t in root.walk())
    for attempt in range(60_000):
        sizes = {}
        for n in names:
            pick = [2, 2] if attempt == 0 else [rng.choice((1, 2, 3)) for _ in range(2)]
            tail = KERNEL if n in weights else IMAGE
            sizes[n] = (*pick, *tail) if four and (ranks[n] == 2) else tuple(pick)
        shapes = [[t.shape(sizes) for t in side] for side in sides]
        if None in shapes[0] or shapes[0] != shapes[1] or (key := tuple(sizes.items())) in seen:
            continue
        seen.add(key)
        found.append(sizes)
        if len(found) == (6 if any(t.op == "conv" and t.groups() for side in sides for root in side for t in root.walk()) else 3):
            break
    return names, found


def rule(name, left, right, rng):
    sides = ([term(t) for t in left], [term(t) for t in right])
    names, found = examples(sides, rng)
    every = [t.op for side in sides for root in side for t in root.walk()]
    lines = []
    if [t.text() for t in sides[0]] == [t.text() for t in sides[1]]:
        return None, "both sides are one term here: a fused activation is no operator of its own"
    if any(root.op is None for root in sides[0]):
        return None, "the left side is a variable"
    if len(left) == 1:
        lines.append(f"rule {name}:\n  {sides[0][0].text()} =>\n    {sides[1][0].text()}")
    else:
        lines.append(f"rule {name}:\n  find   " + ", ".join(f"r{i} = {t.text()}" for i, t in enumerate(sides[0])))
        lines.append("  unite  " + ", ".join(f"r{i} = {t.text()}" for i, t in enumerate(sides[1])))
    if any(op in ("add", "mul", "dot", "conv") for op in every):
        lines.append("  needs  field, cancel")  # TASO speaks of reals; `egret verify` says of which rules `cancel` is not true
    if not found:
        return None, "no small sizes at which both sides are well typed"
    pads = ", l: [1, 0], h: [1, 0]" if "conv" in every else ""
    for sizes in found:
        lines.append("  accept " + ", ".join(f"{n}: f32[{','.join(map(str, sizes[n]))}]" for n in names) + pads)
    return "\n".join(lines), None


def main(path):
    rng = random.Random(7)
    text = open(path).read()
    rules, unsaid = [], []
    if "graph_subst" in path:
        for line in text.splitlines():
            number, body = line.split(None, 1)
            left, right = body.split("=>")
            rules.append((f"taso-{number}", parse(left), parse(right)))
        rules = [(n, [t for t in a if t != ";"], [t for t in b if t != ";"]) for n, a, b in rules]
    else:
        lines = [l for l in text.splitlines() if l.strip()]
        for i in range(0, len(lines) - 1, 2):
            pairs = [l.split("==") for l in lines[i:i + 2]]
            rules.append((f"tensat-{i // 2:02}", [parse(prefix(a))[0] for a, _ in pairs], [parse(prefix(b))[0] for _, b in pairs]))
    print(f"ruleset {'taso' if 'graph_subst' in path else 'tensat'}\n")
    for name, left, right in rules:
        made, why = rule(name, left, right, rng)
        if made:
            print(made)
        else:
            unsaid.append(f"# unsaid {name}: {why}")
    print("\n".join(unsaid))


if __name__ == "__main__":
    main(sys.argv[1])
