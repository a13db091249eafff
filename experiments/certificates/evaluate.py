"""Terms at random sizes and elements: what algebra does not see is compared in float64."""

import math
import random

from terms import is_float, number

WANTED, DRAWS, WORK = 6, 3000, 40_000


class Failed(Exception):
    """No value here: a division by zero, more work than is allowed."""


class Samples:
    def __init__(self, terms):
        self.t = terms
        self.last = ""

    def compare(self, given, a, b, tolerant):
        """True: equal at some points that meet the hypotheses; False: they differ at one; None: no such point was found."""
        rng = random.Random(17)
        found = 0
        for draw in range(DRAWS):
            top = 1 + draw % 4
            values = [rng.randint(0, top) for _ in self.t.names]
            # A variable that an index is below is a size: often all sizes are alike.
            point = Point(self.t, values, draw)
            try:
                if not all(point.cond(c) for c in given):
                    continue
                x, y = point.scalar(a), point.scalar(b)
            except (Failed, OverflowError, ZeroDivisionError, ValueError):
                continue
            if x != x or y != y or math.isinf(x) or math.isinf(y):
                if (x == y or (x != x and y != y)) or tolerant:
                    continue
            if not (x == y or (tolerant and abs(x - y) <= 1e-7 * max(1.0, abs(x), abs(y)))):
                self.last = str(dict(zip(self.t.names, values)))[:200] + f": {x} and {y}"
                return False
            found += 1
            if found == WANTED:
                return True
        return True if found >= 2 else None


class Point:
    def __init__(self, terms, values, seed):
        self.t, self.values, self.seed, self.work = terms, list(values), seed, 0

    def poly(self, p):
        total = 0
        for monomial, c in p.items():
            for atom in monomial:
                c *= self.atom(atom)
            total += c
        return total

    def value(self, i):
        return self.poly(self.t.poly(i))

    def atom(self, atom):
        if atom[0] == "var":
            while len(self.values) <= atom[1]:
                self.values.append(0)
            return self.values[atom[1]]
        if atom[0] == "scalar":
            return int(self.scalar(atom[1]))
        if atom[0] == "coordinate":
            sizes = [self.poly(dict(s)) for s in atom[2]]
            stride = math.prod(sizes[atom[3] + 1:])
            if stride <= 0 or sizes[atom[3]] <= 0:
                raise Failed
            return self.poly(dict(atom[1])) // stride % sizes[atom[3]]
        a, b = self.poly(dict(atom[1])), self.poly(dict(atom[2]))
        if atom[0] == "div":
            if b < 1:
                raise Failed
            return a // b
        return min(a, b) if atom[0] == "min" else max(a, b)

    def cond(self, c):
        n = self.t.conds[c]
        if n[0] in ("true", "false"):
            return n[0] == "true"
        if n[0] == "nonnegative":
            return self.value(n[1]) >= 0
        if n[0] == "zero":
            return self.value(n[1]) == 0
        if n[0] == "truth":
            return bool(self.scalar(n[1]))
        return (all if n[0] == "and" else any)(self.cond(x) for x in n[1:]) if n[0] != "not" else not self.cond(n[1])

    def scalar(self, s):
        self.work += 1
        if self.work > WORK:
            raise Failed
        n = self.t.scalars[s]
        if n[0] == "number":
            return number(n[2])
        if n[0] == "size":
            return float(self.value(n[2]))
        if n[0] == "read":
            at = random.Random(hash((self.seed, n[2], *(self.value(i) for i in n[3]))))
            if n[1] == "bool":
                return float(at.randint(0, 1))
            return at.choice((-1, 1)) * at.uniform(0.25, 2.0) if is_float(n[1]) else float(at.randint(0, 5))
        if n[0] == "select":
            return self.scalar(n[3] if self.cond(n[2]) else n[4])
        if n[0] == "fold":
            return self.fold(n)
        return self.call(n, [self.scalar(x) for x in n[3]])

    def fold(self, n):
        sizes = [self.value(i) for i in n[4]]
        kept = [self.atom(("var", v)) for v in n[3]]
        items, at = [], [0] * len(sizes)
        while all(size > 0 for size in sizes):
            for v, k in zip(n[3], at):
                self.values[v] = k
            items.append(self.scalar(n[5]))
            axis = len(sizes) - 1
            while axis >= 0 and at[axis] + 1 == sizes[axis]:
                at[axis] = 0
                axis -= 1
            if axis < 0:
                break
            at[axis] += 1
        for v, k in zip(n[3], kept):
            self.values[v] = k
        if not sizes:
            items = [self.scalar(n[5])]
        if n[2] in ("arg_max", "arg_min", "argmax", "argmin"):
            if not items:
                raise Failed
            return float(items.index(max(items) if "max" in n[2] else min(items)))
        if n[2] == "sum":
            return math.fsum(items)
        if n[2] == "prod":
            return float(math.prod(items))
        if n[2] in ("any", "all"):
            return float(any(items) if n[2] == "any" else all(items))
        if not items:
            return float("-inf" if n[2] == "max" else "inf")
        return max(items) if n[2] == "max" else min(items)

    def call(self, n, a):
        f = n[2]
        simple = {
            "add": lambda: a[0] + a[1], "sub": lambda: a[0] - a[1], "mul": lambda: a[0] * a[1], "neg": lambda: -a[0], "abs": lambda: abs(a[0]),
            "max": lambda: max(a), "min": lambda: min(a), "sign": lambda: float((a[0] > 0) - (a[0] < 0)), "exp": lambda: math.exp(a[0]),
            "expm1": lambda: math.expm1(a[0]), "log": lambda: math.log(a[0]), "log1p": lambda: math.log1p(a[0]), "sqrt": lambda: math.sqrt(a[0]),
            "rsqrt": lambda: 1 / math.sqrt(a[0]), "sin": lambda: math.sin(a[0]), "cos": lambda: math.cos(a[0]), "tanh": lambda: math.tanh(a[0]),
            "erf": lambda: math.erf(a[0]), "logistic": lambda: 1 / (1 + math.exp(-a[0])), "pow": lambda: a[0] ** a[1], "eq": lambda: float(a[0] == a[1]),
            "ne": lambda: float(a[0] != a[1]), "lt": lambda: float(a[0] < a[1]), "le": lambda: float(a[0] <= a[1]), "gt": lambda: float(a[0] > a[1]),
            "ge": lambda: float(a[0] >= a[1]), "floor": lambda: float(math.floor(a[0])), "ceil": lambda: float(math.ceil(a[0])),
        }
        if f == "div" and is_float(n[1]):
            return a[0] / a[1]
        if f in simple:
            out = simple[f]()
            if isinstance(out, complex):
                raise Failed
            return out
        if n[1] == "bool" and f in ("and", "or", "xor", "not"):
            return float(not a[0]) if f == "not" else float({"and": a[0] and a[1], "or": a[0] or a[1], "xor": bool(a[0]) != bool(a[1])}[f] != 0)
        if f == "cast" and is_float(n[1]):
            return a[0]
        raise Failed
