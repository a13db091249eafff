"""Unity's substitutions (FlexFlow), from ../shared/data, as rules of egret's language.

    make_unity.py graph_subst_3_v2.json.gz  > FILE.rules

A tensor is what it is logically, whichever device holds which part: OP_PARTITION and OP_COMBINE are no operators, axis 0 counts
replicas, axis 1 samples, axis 2 channels.  OP_LINEAR(x, w) multiplies x[r, b, i] by w[r, o, i]; its activation 2 is relu.
What cannot be said is listed: replicas (OP_REPLICATE, OP_REDUCE), a right side that names a tensor of which the left knows nothing
(the sets hold many), two sides that are one term without the parallel operators, sides that are never well typed together.
"""

import gzip
import json
import random
import sys

INFIX = {"OP_EW_ADD": "+", "OP_EW_MUL": "*"}


class Unsaid(Exception):
    pass


class Side:
    """The terms of one side, each (text, function of sizes to a shape or None)."""

    def __init__(self, ops):
        self.ops, self.names = ops, set()

    def term(self, op_id, result):
        if op_id < 0:
            name = f"x{-op_id}"
            self.names.add(name)
            return name, lambda sizes: sizes[name]
        op = self.ops[op_id]
        para = {p["key"]: p["value"] for p in op["para"]}
        kind = op["type"]
        if kind in ("OP_REPLICATE", "OP_REDUCE"):
            raise Unsaid("counts replicas")
        args = [self.term(t["opId"], t["tsId"]) for t in op["input"]]
        texts, shapes = [a[0] for a in args], [a[1] for a in args]
        if kind in ("OP_PARTITION", "OP_COMBINE"):
            return args[0]
        if kind == "OP_RELU":
            return f"relu({texts[0]})", shapes[0]
        if kind in INFIX:
            def same(sizes):
                a, b = shapes[0](sizes), shapes[1](sizes)
                return a if a == b else None
            return f"({texts[0]} {INFIX[kind]} {texts[1]})", same
        if kind == "OP_LINEAR":
            def product(sizes):
                a, b = shapes[0](sizes), shapes[1](sizes)
                return (a[0], a[1], b[1]) if a and b and a[0] == b[0] and a[2] == b[2] else None
            text = f"dot({texts[0]}, {texts[1]}, lb=[0], rb=[0], lc=[2], rc=[2])"
            return (f"relu({text})" if para["PM_ACTI"] == 2 else text), product
        if kind == "OP_CONCAT":
            axis = para["PM_AXIS"]

            def joined(sizes):
                a, b = shapes[0](sizes), shapes[1](sizes)
                if not a or not b or any(p != q for i, (p, q) in enumerate(zip(a, b)) if i != axis):
                    return None
                return a[:axis] + (a[axis] + b[axis],) + a[axis + 1:]
            return f"concat({texts[0]}, {texts[1]}, axis={axis})", joined
        if kind == "OP_SPLIT":
            axis = para["PM_AXIS"]

            def half(sizes):
                a = shapes[0](sizes)
                return a[:axis] + (a[axis] // 2,) + a[axis + 1:] if a and a[axis] % 2 == 0 else None
            size = f"at(sizes({texts[0]}), {axis}) / 2"
            return f"get(split({texts[0]}, axis={axis}, sizes=[{size}, {size}]), index={result})", half
        raise Unsaid(f"has {kind}")


def rule(name, given):
    left, right = Side(given["srcOp"]), Side(given["dstOp"])
    roots = [(left.term(m["srcOpId"], m["srcTsId"]), right.term(m["dstOpId"], m["dstTsId"])) for m in given["mappedOutput"]]
    if not right.names <= left.names:
        raise Unsaid("the right side names a tensor of which the left knows nothing")
    roots = [(a, b) for a, b in roots if a[0] != b[0]]
    if not roots:
        raise Unsaid("both sides are one term without the parallel operators")
    if any(a[0].startswith("x") for a, _ in roots):
        raise Unsaid("the left side is a variable")
    rng, names, found = random.Random(7), sorted(left.names), []
    for _ in range(20_000):
        sizes = {n: tuple(rng.choice((1, 2, 3)) for _ in range(3)) for n in names}
        shapes = [(a[1](sizes), b[1](sizes)) for a, b in roots]
        if all(a and a == b for a, b in shapes) and sizes not in found:
            found.append(sizes)
            if len(found) == 3:
                break
    if not found:
        raise Unsaid("no small sizes at which both sides are well typed")
    if len(roots) == 1:
        lines = [f"rule {name}:\n  {roots[0][0][0]} =>\n    {roots[0][1][0]}"]
    else:
        lines = [f"rule {name}:\n  find   " + ", ".join(f"r{i} = {a[0]}" for i, (a, _) in enumerate(roots)),
                 "  unite  " + ", ".join(f"r{i} = {b[0]}" for i, (_, b) in enumerate(roots))]
    texts = ["".join(side[0] for side in sides) for sides in zip(*roots)]
    products = [t.count(" * ") + t.count("dot(") for t in texts]
    if any(w in texts[0] + texts[1] for w in (" + ", " * ", "dot(")):
        lines.append("  needs  field" + (", cancel" if products[1] > products[0] and " + " in texts[0] + texts[1] else ""))
    lines += ["  accept " + ", ".join(f"{n}: f32[{','.join(map(str, s[n]))}]" for n in names) for s in found]
    return "\n".join(lines)


def main(path):
    print("ruleset unity\n")
    unsaid = []
    for given in json.load(gzip.open(path))["rule"]:
        name = given["name"].replace("taso_rule_", "unity-")
        try:
            print(rule(name, given))
        except Unsaid as why:
            unsaid.append(f"# unsaid {name}: {why}")
    print("\n".join(unsaid))


if __name__ == "__main__":
    main(sys.argv[1])
