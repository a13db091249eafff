"""This checker's own algebra of sums and products: a scalar as a sum of products of powers of atoms.

Laws: products distribute, a factor without the fold's variables leaves a sum, a sum of sums is one, a variable that no factor has counts its size, exp of a sum
is a product.  Atoms are one where they are the same up to bound variables, or where a step of the certificate says so and that step is checked.
"""

from fractions import Fraction
from itertools import permutations

from terms import is_float, number

LARGEST = 400


class Unknown(Exception):
    """Not said by these laws."""


class Algebra:
    def __init__(self, shape, given):
        self.shape, self.t, self.given = shape, shape.t, given
        self.field = bool(shape.words & {"field", "range", "cancel"})
        self.atoms = []  # representatives of what is one
        self.reassociates = self.field or "reassoc" in shape.words

    def same(self, a, b):
        dtype = self.t.scalars[a][1]
        if dtype == "bool" or dtype != self.t.scalars[b][1] or (is_float(dtype) and not self.reassociates):
            raise Unknown
        return self.normal(a, {}) == self.normal(b, {})

    # A normal form is {((atom, power), ...): Fraction}; an atom is a key that is one for what is one.

    def normal(self, s, bound):
        n = self.t.scalars[s]
        if n[0] == "number":
            value = number(n[2])
            if value != value or abs(value) == float("inf"):
                return self.single(("number", n[2]))
            return {(): Fraction(value)} if value else {}
        if n[0] == "call" and n[1] == self.t.scalars[n[3][0]][1]:
            a = [lambda k=k: self.normal(n[3][k], bound) for k in range(len(n[3]))]
            if n[2] in ("add", "sub"):
                return self.plus(a[0](), a[1](), 1 if n[2] == "add" else -1)
            if n[2] == "neg":
                return self.plus({}, a[0](), -1)
            if n[2] == "mul" and (self.field or not is_float(n[1])):
                return self.times(a[0](), a[1]())
            if n[2] == "div" and self.field and is_float(n[1]):
                below = a[1]()
                if len(below) == 1:
                    (monomial, c), = below.items()
                    return self.times(a[0](), {tuple((x, -p) for x, p in monomial): 1 / c})
                return self.times(a[0](), self.single(("sum", self.frozen(below)), -1))
            if n[2] == "exp" and self.field:
                return self.exponential(a[0]())
            return self.single(("call", n[1], n[2], tuple(self.frozen(x()) for x in a)))
        if n[0] == "fold" and n[2] == "sum" and (self.field or not is_float(n[1])):
            return self.sum(n, bound)
        return self.single(self.leaf(s, bound))

    def single(self, atom, power=1):
        return {((atom, power),): Fraction(1)}

    @staticmethod
    def frozen(form):
        return tuple(sorted(form.items(), key=repr))

    @staticmethod
    def plus(a, b, scale):
        out = dict(a)
        for m, c in b.items():
            out[m] = out.get(m, 0) + scale * c
        return {m: c for m, c in out.items() if c}

    def times(self, a, b):
        if len(a) * len(b) > LARGEST:
            raise Unknown
        out = {}
        for m, c in a.items():
            for n, d in b.items():
                powers = dict(m)
                for x, p in n:
                    powers[x] = powers.get(x, 0) + p
                key = tuple(sorted(((x, p) for x, p in powers.items() if p), key=repr))
                out[key] = out.get(key, 0) + c * d
        return {m: c for m, c in out.items() if c}

    def exponential(self, form):
        out = {(): Fraction(1)}
        for m, c in form.items():
            unit = {m: Fraction(1)} if c.denominator == 1 else {m: c}
            power = int(c) if c.denominator == 1 else 1
            out = self.times(out, self.single(("exp", self.frozen(unit)), power))
        return out

    # --- leaves: indices as polynomials, bound variables by number ------------------------------------------------------------

    def index(self, i, bound):
        p = self.t.poly(i)
        return tuple(sorted((self.t.substituted(p, bound) if bound else p).items(), key=repr))

    def leaf(self, s, bound):
        n = self.t.scalars[s]
        if n[0] == "read":
            key = ("read", n[1], n[2], tuple(self.index(i, bound) for i in n[3]))
        elif n[0] == "size":
            key = ("size", n[1], self.index(n[2], bound))
        elif n[0] == "select":
            key = ("select", self.condition(n[2], bound), self.frozen(self.normal(n[3], bound)), self.frozen(self.normal(n[4], bound)))
        elif n[0] == "call":
            key = ("call", n[1], n[2], tuple(self.leaf(x, bound) for x in n[3]))
        elif n[0] == "number":
            key = ("number", n[2])
        else:
            key = self.other_fold(n, bound)
        return key if bound else self.representative(key, s)

    def condition(self, c, bound):
        n = self.t.conds[c]
        if n[0] in ("nonnegative", "zero"):
            return (n[0], self.index(n[1], bound))
        if n[0] == "truth":
            return ("truth", self.leaf(n[1], bound))
        return (n[0], *(self.condition(x, bound) for x in n[1:]))

    def representative(self, key, s):
        """One atom for reads and folds that are provably one under the hypotheses."""
        for other, t in self.atoms:
            if other == key or (t is not None and s is not None and self.shape.same_leaf(self.given, t, s)):
                return other
        self.atoms.append((key, s))
        return key

    def fresh(self, variables, depth):
        """Bound variables by height and place, so that names do not count."""
        out = {}
        for k, v in enumerate(variables):
            name = -1000 * (depth + 1) - k
            out[v] = self.t.variable(name)
        return out

    def other_fold(self, n, bound):
        depth = len(bound)
        inner = {**bound, **self.fresh(n[3], depth)}
        body = self.t.scalars[n[5]]
        of_numbers = body[1] != "bool" and (not is_float(n[1]) or self.reassociates)
        return ("fold", n[1], n[2], tuple(self.index(i, bound) for i in n[4]), self.frozen(self.normal(n[5], inner)) if of_numbers else self.leaf(n[5], inner))

    # --- sums ----------------------------------------------------------------------------------------------------------------

    def sum(self, n, bound):
        """Every product of the body by itself: factors without the variables leave, the rest is one fold."""
        variables, sizes, body = list(n[3]), list(n[4]), n[5]
        while self.t.scalars[body][0] == "fold" and self.t.scalars[body][2] == "sum" and self.t.scalars[body][1] == n[1]:
            inner = self.t.scalars[body]
            variables, sizes, body = variables + inner[3], sizes + inner[4], inner[5]
        if len(variables) > 5:
            raise Unknown
        depth = len(bound)
        marks = self.fresh(variables, depth)
        inner = {**bound, **marks}
        own = [self.t.atoms[self.t.ints[marks[v]][0][1]][1] for v in variables]
        out = {}
        for monomial, c in self.normal(body, inner).items():
            outside = [(a, p) for a, p in monomial if not self.has(a, own)]
            inside = [(a, p) for a, p in monomial if self.has(a, own)]
            factor = {tuple(outside): c}
            binders = []
            for v, mark, size in zip(variables, own, sizes):
                if any(self.has(a, [mark]) for a, _ in inside):
                    binders.append((mark, self.index(size, bound)))
                else:
                    factor = self.times(factor, self.count(n[1], size, bound))
            # A fold inside a fold of its kind: its variables join.
            inside, binders = self.joined(inside, binders, n[1])
            if binders:
                factor = self.times(factor, self.single(self.folded(n[1], binders, inside, bound)))
            out = self.plus(out, factor, 1)
        return out

    def count(self, dtype, size, bound):
        p = self.t.poly(size)
        if bound:
            p = self.t.substituted(p, bound)
        if all(not m for m in p):
            return {(): Fraction(p.get((), 0))} if p.get((), 0) else {}
        return self.single(("size", dtype, tuple(sorted(p.items(), key=repr))))

    def joined(self, inside, binders, dtype):
        """A sum of products among the factors: its variables, renamed, are summed over here."""
        out = []
        for atom, power in inside:
            if power != 1 or not isinstance(atom, tuple) or atom[0] != "sumfold" or atom[1] != dtype:
                out.append((atom, power))
                continue
            level = next(iter(self.levels(atom[3])), None)
            rename = {}
            for k, size in enumerate(atom[2]):
                Algebra.marks += 1
                rename[("bound", level, k)] = ("var", -1_000_000 - Algebra.marks)
                binders.append((-1_000_000 - Algebra.marks, size))
            out += [(self.unbound(x, rename), p) for x, p in atom[3]]
        if len(binders) > 5:
            raise Unknown
        return out, binders

    marks = 0

    def levels(self, x):
        """Of the variables bound outermost in a fold's body: the least level."""
        found = set()

        def walk(y):
            if isinstance(y, tuple):
                if len(y) == 3 and y[0] == "bound":
                    found.add(y[1])
                else:
                    for z in y:
                        walk(z)

        walk(x)
        return sorted(found)

    def unbound(self, x, by):
        if x in by:
            return by[x]
        return tuple(self.unbound(y, by) for y in x) if isinstance(x, tuple) else x

    def folded(self, dtype, binders, inside, bound):
        """The least of the forms that the variables' orders give."""
        best = None
        for order in permutations(range(len(binders))):
            rename = {binders[place][0]: ("bound", len(bound), k) for k, place in enumerate(order)}
            sizes = tuple(binders[place][1] for place in order)
            body = tuple(sorted(((self.renamed(a, rename), p) for a, p in inside), key=repr))
            form = ("sumfold", dtype, sizes, body)
            if best is None or repr(form) < repr(best):
                best = form
        if not bound:
            best = self.same_fold(best)
        return best

    def same_fold(self, key):
        """Folds that steps of the certificate call one."""
        for (a, b), steps in self.shape.steps.items():
            if not any(s["by"] == "fold" and set(s["given"]) <= set(self.given) for s in steps):
                continue
            for one, other in ((a, b), (b, a)):
                try:
                    if self.plain_key(one) == key and self.shape.equal(self.given, a, b):
                        return min(key, self.plain_key(other), key=repr)
                except Unknown:
                    continue
        return key

    def plain_key(self, s):
        """The key of a fold as it stands, before other steps are looked at."""
        n = self.t.scalars[s]
        known = self.shape.__dict__.setdefault("fold_keys", {})
        if s not in known:
            known[s] = None
            if n[0] == "fold" and n[2] == "sum" and n[5] is not None:
                algebra = Algebra(self.shape, self.given)
                algebra.same_fold = lambda key: key
                form = algebra.sum(n, {})
                if len(form) == 1 and list(form.values()) == [1]:
                    (monomial,) = form
                    if len(monomial) == 1 and monomial[0][1] == 1:
                        known[s] = monomial[0][0]
        if known[s] is None:
            raise Unknown
        return known[s]

    def has(self, x, marks):
        if isinstance(x, tuple):
            return (len(x) == 2 and x[0] == "var" and x[1] in marks) or any(self.has(y, marks) for y in x)
        return False

    def renamed(self, x, by):
        if not isinstance(x, tuple):
            return x
        if len(x) == 2 and x[0] == "var" and x[1] in by:
            return by[x[1]]
        out = tuple(self.renamed(y, by) for y in x)
        # What was sorted by name is sorted anew.
        if out and all(isinstance(y, tuple) and len(y) == 2 and isinstance(y[1], (int, Fraction)) for y in out):
            return tuple(sorted(out, key=repr))
        return out
