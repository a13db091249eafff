"""Terms of a certificate: integers as polynomials, conditions, scalars; as SMT-LIB, and compared up to substitution."""

from collections import Counter

FLOATS = {"f16", "bf16", "f32", "f64", "tf32"}


def is_float(dtype):
    return dtype in FLOATS or dtype.startswith(("f8", "f1", "f3", "f6"))


# Bits of the numbers that a type holds exactly.
HELD = {"bool": 1, "i8": 7, "i16": 15, "i32": 31, "i64": 63, "u8": 8, "u16": 16, "u32": 32, "u64": 64, "bf16": 8, "f16": 11, "f32": 24, "f64": 53}
WIDER = {"f16": {"f32", "f64"}, "bf16": {"f32", "f64"}, "f32": {"f64"}}


def holds(wide, narrow):
    """Every value of `narrow` is one of `wide`, whose cast back gives it."""
    if narrow == wide or is_float(narrow):
        return narrow == wide or wide in WIDER.get(narrow, ())
    signed = narrow.startswith("i") and wide.startswith("u")
    return narrow in HELD and wide in HELD and not signed and wide != "bool" and HELD[narrow] <= HELD[wide]


def identity(fold, dtype):
    """The number that adds nothing, where it is the same in every format."""
    if fold in ("sum", "any"):
        return 0.0
    if fold in ("prod", "all"):
        return 1.0
    if fold not in ("max", "min"):
        return None
    if is_float(dtype):
        return float("-inf") if fold == "max" else float("inf")
    if dtype[0] not in "iu" or not dtype[1:].isdigit():
        return None
    bits = int(dtype[1:])
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype[0] == "i" else (0, 2**bits - 1)
    return float(low if fold == "max" else high)


def number(text):
    return float.fromhex(text) if "0x" in text else float(text)


class Terms:
    def __init__(self, data):
        self.names, self.atoms, self.ints, self.conds, self.scalars = (data[k] for k in ("variables", "atoms", "ints", "conds", "scalars"))
        self.polys, self.variable_int, self.facts = {}, {}, set()

    # --- integers ----------------------------------------------------------------------------------------------------------

    def variable(self, v):
        """An integer term that is the variable."""
        if v not in self.variable_int:
            self.ints.append([[1, len(self.atoms)]])
            self.atoms.append(["var", v])
            self.variable_int[v] = len(self.ints) - 1
        return self.variable_int[v]

    def zero(self):
        self.ints.append([])
        return len(self.ints) - 1

    def key(self, atom):
        a = self.atoms[atom]
        if a[0] == "var":
            return ("var", a[1])
        if a[0] in ("div", "min", "max"):
            return (a[0], self.frozen(a[1]), self.frozen(a[2]))
        if a[0] == "coordinate":
            return ("coordinate", self.frozen(a[1]), tuple(self.frozen(s) for s in a[2]), a[3])
        return ("scalar", a[1])

    def frozen(self, i):
        return tuple(sorted(self.poly(i).items(), key=repr))

    def poly(self, i):
        """Monomial (sorted atoms) -> coefficient."""
        if i not in self.polys:
            self.polys[i] = {tuple(sorted((self.key(a) for a in t[1:]), key=repr)): t[0] for t in self.ints[i]}
        return self.polys[i]

    @staticmethod
    def minus(p, q):
        out = Counter(p)
        for m, c in q.items():
            out[m] -= c
        return {m: c for m, c in out.items() if c}

    def substituted(self, p, by):
        """A polynomial with variables replaced (`by`: variable -> integer term)."""
        out = Counter()
        for monomial, c in p.items():
            parts = {(): c}
            for atom in monomial:
                to = self.poly(by[atom[1]]) if atom[0] == "var" and atom[1] in by else {(self.inside(atom, by),): 1}
                product = Counter()
                for m, x in parts.items():
                    for n, y in to.items():
                        product[tuple(sorted(m + n, key=repr))] += x * y
                parts = product
            out.update(parts)
        return {m: c for m, c in out.items() if c}

    def inside(self, atom, by):
        if atom[0] == "var" or atom[0] == "scalar":
            return atom
        again = [tuple(sorted(self.substituted(dict(p), by).items(), key=repr)) for p in ((atom[1], atom[2]) if atom[0] != "coordinate" else (atom[1], *atom[2]))]
        return (atom[0], again[0], again[1]) if atom[0] != "coordinate" else (atom[0], again[0], tuple(again[1:]), atom[3])

    def coordinate(self, i):
        t = self.ints[i]
        a = self.atoms[t[0][1]] if len(t) == 1 and len(t[0]) == 2 and t[0][0] == 1 else None
        return ["coordinate", a[1], a[2], a[3]] if a and a[0] == "coordinate" else None

    def int_text(self, i, by=None):
        return self.poly_text(self.substituted(self.poly(i), by) if by else self.poly(i))

    def poly_text(self, p):
        terms = []
        for monomial, c in sorted(p.items(), key=repr):
            factors = ([str(c) if c >= 0 else f"(- {-c})"] if c != 1 or not monomial else []) + [self.atom_text(a) for a in monomial]
            terms.append(factors[0] if len(factors) == 1 else f"(* {' '.join(factors)})")
        return "0" if not terms else terms[0] if len(terms) == 1 else f"(+ {' '.join(terms)})"

    def variable_text(self, v):
        return f"v{v}"

    def atom_text(self, atom):
        """Variables by name; quotients and coordinates are names whose definition is noted in `facts`."""
        if atom[0] == "var":
            return self.variable_text(atom[1])
        if atom[0] == "scalar":
            return f"s{atom[1]}"
        if atom[0] in ("min", "max"):
            a, b = self.poly_text(dict(atom[1])), self.poly_text(dict(atom[2]))
            return f"(ite (<= {a} {b}) {a} {b})" if atom[0] == "min" else f"(ite (<= {a} {b}) {b} {a})"
        if atom[0] == "div":
            a, b = self.poly_text(dict(atom[1])), self.poly_text(dict(atom[2]))
            name = f"|q {a} {b}|"
            self.facts.add((name, f"(and (<= 1 {b}) (<= (* {b} {name}) {a}) (< {a} (* {b} (+ {name} 1))))"))
            return name
        position, sizes = self.poly_text(dict(atom[1])), [self.poly_text(dict(s)) for s in atom[2]]
        names = [f"|c{k} {position} of {' '.join(sizes)}|" for k in range(len(sizes))]
        flat = names[0]
        for name, size in zip(names[1:], sizes[1:]):
            flat = f"(+ (* {flat} {size}) {name})"
        for name, size in zip(names, sizes):
            self.facts.add((name, f"(and (<= 0 {name}) (< {name} {size}) (= {flat} {position}))"))
        return names[atom[3]]

    # --- conditions --------------------------------------------------------------------------------------------------------

    def cond_text(self, c, by=None):
        n = self.conds[c]
        if n[0] in ("true", "false"):
            return n[0]
        if n[0] == "nonnegative":
            return f"(<= 0 {self.int_text(n[1], by)})"
        if n[0] == "zero":
            return f"(= 0 {self.int_text(n[1], by)})"
        if n[0] == "truth":
            return f"t{n[1]}"
        return f"({n[0]} {' '.join(self.cond_text(x, by) for x in n[1:])})"

    def negation(self, c):
        self.conds.append(["not", c])
        return len(self.conds) - 1

    def ranges(self, variables, sizes):
        out = []
        for v, size in zip(variables, sizes):
            i = self.variable(v)
            self.ints.append([*self.ints[size], [-1], *([-c, *a] for c, *a in self.ints[i])])
            for n in (i, len(self.ints) - 1):
                known = next((k for k, c in enumerate(self.conds) if c[0] == "nonnegative" and self.poly(c[1]) == self.poly(n)), None)
                if known is None:
                    self.conds.append(["nonnegative", n])
                    known = len(self.conds) - 1
                out.append(known)
        return tuple(out)

    def script(self, hypotheses, goal):
        """Is the goal false somewhere?  Declares what is named, and says what quotients and coordinates are."""
        before = set(self.facts)
        text = "\n".join(f"(assert {h})" for h in hypotheses) + f"\n(assert (not {goal}))"
        used = {(n, f) for n, f in self.facts | before if n in text}
        while True:  # facts name others
            more = {(n, f) for n, f in self.facts if any(n in g for _, g in used)} - used
            if not more:
                break
            used |= more
        asserted = "\n".join(f"(assert {f})" for _, f in sorted(used))
        whole = text + asserted
        declared = [f"(declare-const v{v} Int)" for v in range(len(self.names)) if self.mentions(whole, f"v{v}")]
        declared += [f"(declare-const {n} Int)" for n in sorted({n for n, _ in used})]
        declared += [f"(declare-const s{s} Int)" for s in range(len(self.scalars)) if self.mentions(whole, f"s{s}")]
        declared += [f"(declare-const t{s} Bool)" for s in range(len(self.scalars)) if self.mentions(whole, f"t{s}")]
        return "\n".join(declared) + "\n" + asserted + "\n" + text

    @staticmethod
    def mentions(text, name):
        at = text.find(name)
        while at >= 0:
            after = text[at + len(name):at + len(name) + 1]
            if text[at - 1:at] in " (\n|" and not after.isdigit():
                return True
            at = text.find(name, at + 1)
        return False

    # --- scalars -----------------------------------------------------------------------------------------------------------

    def guarded(self, body, nothing):
        """A fold's body and the condition on indices outside which it adds nothing."""
        n = self.scalars[body]
        if n[0] != "select" or nothing is None or not self.of_indices(n[2]):
            return body, None
        other = self.scalars[n[4]]
        # A sum's -0 adds nothing too, yet is another number; the certificate's own condition is +0.
        if other[0] != "number" or number(other[2]) != nothing or other[2].startswith("-0x0"):
            return body, None
        return n[3], n[2]

    def lattice(self, s):
        """The fold that a term is one of, or a step of: max, min, any, all."""
        n = self.scalars[s]
        if n[0] not in ("fold", "call"):
            return None
        of = n[2] if n[0] == "fold" else {"max": "max", "min": "min", "or": "any", "and": "all"}.get(n[2])
        return of if of in ("max", "min", "any", "all") and (of in ("any", "all")) == (n[1] == "bool") else None

    def items(self, s, fold, variables=(), sizes=(), guards=()):
        """The items of an extremum, of any or all, wherever it is nested: variables with sizes, conditions, a body."""
        n, call = self.scalars[s], {"max": "max", "min": "min", "any": "or", "all": "and"}[fold]
        if n[0] == "fold" and n[2] == fold:
            return self.items(n[5], fold, (*variables, *n[3]), (*sizes, *n[4]), guards)
        if n[0] == "call" and n[2] == call and (n[1] == "bool") == (fold in ("any", "all")):
            return [i for a in n[3] for i in self.items(a, fold, variables, sizes, guards)]
        if n[0] == "select" and self.of_indices(n[2]):
            return [*self.items(n[3], fold, variables, sizes, (*guards, n[2])), *self.items(n[4], fold, variables, sizes, (*guards, self.negation(n[2])))]
        if n[0] == "number" and number(n[2]) == identity(fold, n[1]):
            return []
        return [(variables, sizes, guards, s)]

    def of_indices(self, c):
        n = self.conds[c]
        return n[0] != "truth" and all(self.of_indices(x) for x in n[1:] if n[0] in ("and", "or", "not"))

    def flat(self, s):
        """A fold of folds of its kind as one: variables with their sizes, and the body."""
        n = self.scalars[s]
        variables, body = dict(zip(n[3], n[4])), n[5]
        while self.scalars[body][:3] == n[:3]:
            inner = self.scalars[body]
            variables.update(zip(inner[3], inner[4]))
            body = inner[5]
        return variables, body

    def agree_flat(self, a, b):
        m, n = self.scalars[a], self.scalars[b]
        if m[0] != "fold" or m[:3] != n[:3] or m[2] not in ("max", "min", "any", "all"):
            return False
        (v, x), (w, y) = self.flat(a), self.flat(b)
        return v.keys() == w.keys() and all(self.poly(v[k]) == self.poly(w[k]) for k in v) and self.agree(x, y, {})

    def uncast(self, s):
        """What is cast to a type that holds it and back."""
        back = self.scalars[s]
        there = self.scalars[back[3][0]] if back[0] == "call" and back[2] == "cast" else None
        if there and there[0] == "call" and there[2] == "cast" and self.scalars[there[3][0]][1] == back[1] and holds(there[1], back[1]):
            return self.uncast(there[3][0])
        return s

    def agree(self, a, b, facts, of=None, ints=None, right=False):
        """a and b are one term: with selections decided where `facts` says, leaves by their class `of`, and variables of a (of b: `right`) replaced by `ints`."""
        of, ints = of or {}, ints or {}
        seen, bound = set(), {}

        def poly(i, mine):
            p = self.poly(i)
            return self.substituted(p, ints) if ints and mine else p

        def same_int(x, y):
            p, q = poly(x, not right), poly(y, right)
            if bound:
                p = self.substituted(p, bound)
            return p == q

        def same_cond(x, y):
            m, n = self.conds[x], self.conds[y]
            if m[0] != n[0] or len(m) != len(n):
                return False
            if m[0] in ("nonnegative", "zero"):
                return same_int(m[1], n[1])
            if m[0] == "truth":
                return same(m[1], n[1])
            return all(same_cond(p, q) for p, q in zip(m[1:], n[1:]))

        def same(x, y):
            if of:
                x, y = of.get(x, x), of.get(y, y)
            x, y = self.uncast(x), self.uncast(y)
            if x == y and not ints and not bound:
                return True
            if (x, y) in seen and not bound:
                return True
            m, n = self.scalars[x], self.scalars[y]
            if m[0] == "select" and m[2] in facts:
                return same(m[3] if facts[m[2]] else m[4], y)
            if n[0] == "select" and n[2] in facts:
                return same(x, n[3] if facts[n[2]] else n[4])
            if m[:2] != n[:2]:
                return False
            if m[0] == "number":
                out = m[2] == n[2]
            elif m[0] == "size":
                out = same_int(m[2], n[2])
            elif m[0] == "read":
                out = m[2] == n[2] and len(m[3]) == len(n[3]) and all(same_int(p, q) for p, q in zip(m[3], n[3]))
            elif m[0] == "call":
                out = m[2] == n[2] and len(m[3]) == len(n[3]) and (all(same(p, q) for p, q in zip(m[3], n[3])) or
                                                                      (m[2] in ("add", "mul") and same(m[3][0], n[3][1]) and same(m[3][1], n[3][0])))
            elif m[0] == "select":
                out = same_cond(m[2], n[2]) and same(m[3], n[3]) and same(m[4], n[4])
            else:
                out = m[2] == n[2] and len(m[3]) == len(n[3]) and all(same_int(p, q) for p, q in zip(m[4], n[4]))
                if out:
                    before = dict(bound)
                    bound.update({v: self.variable(w) for v, w in zip(m[3], n[3]) if v != w})
                    out = same(m[5], n[5])
                    bound.clear()
                    bound.update(before)
            if out and not bound:
                seen.add((x, y))
            return out

        return same(a, b)
