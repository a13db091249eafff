"""What stands above the leaves of two terms, as a formula: reals where the licence is `field`, else IEEE halves; words of bits; truth values."""

from terms import is_float, number

HALF = "(_ FloatingPoint 5 11)"
BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "u8": 8, "u16": 16, "u32": 32, "u64": 64, "i4": 4, "u4": 4}
REAL = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
FLOAT = {"add": "fp.add RNE", "sub": "fp.sub RNE", "mul": "fp.mul RNE", "div": "fp.div RNE", "neg": "fp.neg", "abs": "fp.abs", "sqrt": "fp.sqrt RNE", "eq": "fp.eq",
         "lt": "fp.lt", "le": "fp.leq", "gt": "fp.gt", "ge": "fp.geq", "is_nan": "fp.isNaN"}
WORD = {"add": "bvadd", "sub": "bvsub", "mul": "bvmul", "neg": "bvneg", "and": "bvand", "or": "bvor", "xor": "bvxor", "not": "bvnot", "eq": "="}
# What an odd increasing map that keeps zeros, infinities and NaN does not change: it is decided among the 119 positive numbers of 8 bits, which are more than
# a formula has variables.
ORDER = {"max", "min", "neg", "abs", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "not", "is_nan", "is_finite"}
MOST_VARIABLES = 12
TRUTH = {"and": "and", "or": "or", "xor": "xor", "not": "not", "eq": "="}


class No(Exception):
    """An operator that has no such meaning here."""


class Formula:
    def __init__(self, terms, of, words):
        self.t, self.of, self.words = terms, of, words
        self.reals = bool(words & {"field", "range", "cancel"})
        self.declared, self.functions, self.asserted, self.done = {}, {}, [], {}

    def differ(self, a, b):
        """The two are not one, under what the licence gives away; "" where an operator is not known."""
        try:
            x, y = self.text(a), self.text(b)
        except No:
            return ""
        claims = [f"(not (= {x} {y}))"]
        if is_float(self.t.scalars[a][1]) and not self.reals:
            variables = [v for v, sort in self.declared.items() if sort == HALF]
            if "nsz" in self.words:
                claims.append(f"(not (fp.eq {x} {y}))")
            if "nnan" in self.words:
                self.asserted += [f"(not (fp.isNaN {v}))" for v in variables]
                infinite = "" if "ninf" in self.words else "".join(f" (fp.isInfinite {v})" for v in variables)
                claims.append(f"(or (and (not (fp.isNaN {x})) (not (fp.isNaN {y}))){infinite})")
            if "ninf" in self.words:
                self.asserted += [f"(not (fp.isInfinite {v}))" for v in variables]
                claims += [f"(not (fp.isInfinite {x}))", f"(not (fp.isInfinite {y}))"]
        small = not self.reals and sum(sort == HALF for sort in self.declared.values()) <= MOST_VARIABLES and self.of_order(a) and self.of_order(b)
        head = [f"(declare-const {x} {sort})" for x, sort in self.declared.items()]
        head += [f"(declare-fun {f} ({' '.join(domain)}) {result})" for f, (domain, result) in self.functions.items()]
        text = "\n".join(head + [f"(assert {c})" for c in [*self.asserted, *claims]])
        return text.replace(" 5 11)", " 4 4)") if small else text

    def of_order(self, s):
        """Floats are compared, chosen and negated, and no number but 0 and infinities stands beside them."""
        n = self.t.scalars[self.of.get(s, s)]
        if n[1] != "bool" and not is_float(n[1]):
            return False
        if n[0] == "number":
            return n[1] == "bool" or number(n[2]) in (0.0, float("inf"), float("-inf"))
        if n[0] == "call":
            return n[2] in ORDER and all(self.of_order(x) for x in n[3])
        if n[0] == "select":
            return self.cond_of_order(n[2]) and self.of_order(n[3]) and self.of_order(n[4])
        return True

    def cond_of_order(self, c):
        n = self.t.conds[c]
        return self.of_order(n[1]) if n[0] == "truth" else all(self.cond_of_order(x) for x in n[1:] if n[0] in ("and", "or", "not"))

    def sort(self, dtype):
        if dtype == "bool":
            return "Bool"
        if is_float(dtype):
            return "Real" if self.reals else HALF
        if dtype not in BITS:
            raise No
        return f"(_ BitVec {BITS[dtype]})"

    def text(self, s):
        s = self.of.get(s, s)
        if s not in self.done:
            self.done[s] = self.made(self.t.scalars[s], s)
        return self.done[s]

    def cond(self, c):
        n = self.t.conds[c]
        if n[0] == "truth":
            return self.text(n[1])
        if n[0] in ("true", "false"):
            return n[0]
        if n[0] in ("and", "or", "not"):
            return f"({n[0]} {' '.join(self.cond(x) for x in n[1:])})"
        raise No

    def constant(self, dtype, value):
        if dtype == "bool":
            return "true" if value else "false"
        if not is_float(dtype):
            if value != value or abs(value) == float("inf"):
                raise No
            return f"(_ bv{int(value) % (1 << BITS[dtype])} {BITS[dtype]})" if dtype in BITS else self.sort(dtype)
        if value != value or abs(value) == float("inf"):
            if self.reals:
                raise No
            return "(_ NaN 5 11)" if value != value else f"(_ {'+' if value > 0 else '-'}oo 5 11)"
        if value == 0 and not self.reals:
            return f"(_ {'-' if str(value).startswith('-') else '+'}zero 5 11)"
        above, below = abs(value).as_integer_ratio()
        real = f"(/ {above}.0 {below}.0)" if value >= 0 else f"(- (/ {above}.0 {below}.0))"
        return real if self.reals else f"((_ to_fp 5 11) RNE {real})"

    def unknown(self, name, args, domain, result):
        name = f"|{name} {' '.join(domain)}|"
        self.functions[name] = (domain, result)
        return f"({name} {' '.join(args)})"

    def made(self, n, s):
        if n[0] in ("read", "size", "fold"):
            self.declared[f"x{s}"] = self.sort(n[1])
            return f"x{s}"
        if n[0] == "number":
            return self.constant(n[1], number(n[2]))
        if n[0] == "select":
            return f"(ite {self.cond(n[2])} {self.text(n[3])} {self.text(n[4])})"
        f, inside = n[2], [self.of.get(x, x) for x in n[3]]
        dtype = self.t.scalars[inside[0]][1]
        if self.reals and is_float(dtype) and f in ("exp", "expm1", "log", "log1p", "logistic", "sqrt", "rsqrt", "pow"):
            return self.real_function(f, inside)
        a = [self.text(x) for x in inside]
        if f == "ne":
            return f"(not ({'fp.eq' if is_float(dtype) and not self.reals else '='} {a[0]} {a[1]}))"
        if f == "cast":
            if is_float(dtype) and is_float(n[1]) and (self.reals or "contract" in self.words or dtype == n[1]):
                return a[0]
            return self.unknown(f"cast {dtype} to {n[1]}", a, [self.sort(dtype)], self.sort(n[1]))
        if dtype == "bool":
            if f not in TRUTH:
                raise No
            return f"({TRUTH[f]} {' '.join(a)})"
        if is_float(dtype):
            if f == "pow" and self.t.scalars[inside[1]][0] == "number" and number(self.t.scalars[inside[1]][2]) in (0.0, 1.0):
                return a[0] if number(self.t.scalars[inside[1]][2]) else self.constant(dtype, 1.0)  # of NaN, too
            return self.real(f, a) if self.reals else self.half(f, a, n[1], dtype)
        return self.word(f, a, n[1], dtype)

    def word(self, f, a, result, dtype):
        less = "bvslt" if dtype.startswith("i") else "bvult"
        if f in WORD:
            return f"({WORD[f]} {' '.join(a)})"
        table = {"lt": (less, 0, 1), "gt": (less, 1, 0)}
        if f in table:
            name, x, y = table[f]
            return f"({name} {a[x]} {a[y]})"
        if f in ("le", "ge"):
            return f"(not ({less} {a[1] if f == 'le' else a[0]} {a[0] if f == 'le' else a[1]}))"
        if f in ("max", "min"):
            return f"(ite ({less} {a[0]} {a[1]}) {a[1] if f == 'max' else a[0]} {a[0] if f == 'max' else a[1]})"
        if f == "abs":
            return f"(ite (bvslt {a[0]} (_ bv0 {BITS[dtype]})) (bvneg {a[0]}) {a[0]})" if less == "bvslt" else a[0]
        return self.unknown(f, a, [self.sort(dtype)] * len(a), self.sort(result))

    def real(self, f, a):
        if f in REAL:
            return f"({REAL[f]} {' '.join(a)})"
        if f == "eq":
            return f"(= {' '.join(a)})"
        if f == "neg":
            return f"(- {a[0]})"
        if f == "abs":
            return f"(ite (>= {a[0]} 0.0) {a[0]} (- {a[0]}))"
        if f in ("max", "min"):
            return f"(ite ({'>=' if f == 'max' else '<='} {a[0]} {a[1]}) {a[0]} {a[1]})"
        if f == "sign":
            return f"(ite (> {a[0]} 0.0) 1.0 (ite (< {a[0]} 0.0) (- 1.0) 0.0))"
        if f == "div":
            return self.quotient(*a)
        if f in ("is_nan", "is_finite"):
            return "true" if f == "is_finite" else "false"
        return self.unknown(f, a, ["Real"] * len(a), "Real")

    def quotient(self, above, below):
        self.asserted.append(f"(not (= 0.0 {below}))")
        return f"(/ {above} {below})"

    # Claims hold where every part has a value: roots and logarithms of what is positive.
    def real_function(self, f, inside):
        x = inside[0]
        if f == "exp":
            return self.exponential(x, 1)
        if f == "expm1":
            return f"(- {self.exponential(x, 1)} 1.0)"
        if f == "logistic":
            return f"(/ 1.0 (+ 1.0 {self.exponential(x, -1)}))"
        if f in ("log", "log1p"):
            return self.logarithm(x, f == "log1p")
        if f == "sqrt":
            return self.root(self.text(x))
        if f == "rsqrt":
            return self.quotient("1.0", self.root(self.text(x)))
        power = self.t.scalars[inside[1]]
        if power[0] != "number":
            return self.unknown("pow", [self.text(y) for y in inside], ["Real", "Real"], "Real")
        p, base = number(power[2]), self.text(x)
        if p in (0.5, -0.5):
            return self.root(base) if p > 0 else self.quotient("1.0", self.root(base))
        if p != int(p) or abs(p) > 8:
            return self.unknown("pow", [base, self.text(inside[1])], ["Real", "Real"], "Real")
        product = "1.0" if p == 0 else base if abs(p) == 1 else f"(* {' '.join([base] * int(abs(p)))})"
        return product if p >= 0 else self.quotient("1.0", product)

    def root(self, x):
        r = self.unknown("sqrt", [x], ["Real"], "Real")
        self.asserted.append(f"(and (<= 0.0 {x}) (<= 0.0 {r}) (= (* {r} {r}) {x}))")
        return r

    def exponential(self, s, sign):
        n = self.t.scalars[self.of.get(s, s)]
        if n[0] == "call" and n[2] in ("add", "sub"):
            return f"(* {self.exponential(n[3][0], sign)} {self.exponential(n[3][1], sign if n[2] == 'add' else -sign)})"
        if n[0] == "call" and n[2] == "neg":
            return self.exponential(n[3][0], -sign)
        if n[0] == "select":
            return f"(ite {self.cond(n[2])} {self.exponential(n[3], sign)} {self.exponential(n[4], sign)})"
        if n[0] == "number" and number(n[2]) == 0:
            return "1.0"
        if n[0] == "call" and n[2] == "log":
            e = self.text(n[3][0])
            self.asserted.append(f"(< 0.0 {e})")
        else:
            e = self.unknown("exp", [self.text(s)], ["Real"], "Real")
            self.asserted.append(f"(< 0.0 {e})")
        return e if sign > 0 else f"(/ 1.0 {e})"

    def logarithm(self, s, one_more):
        n = self.t.scalars[self.of.get(s, s)]
        if n[0] == "call" and n[2] == ("expm1" if one_more else "exp"):
            return self.text(n[3][0])
        if not one_more and n[0] == "call" and n[2] in ("mul", "div"):
            x, y = (self.t.scalars[self.of.get(k, k)] for k in n[3])
            for factor, other, first in ((y, n[3][0], False), (x, n[3][1], True)):
                if factor[0] == "call" and factor[2] == "exp" and not (first and n[2] == "div"):
                    rest = self.logarithm(other, False)
                    return f"({'+' if n[2] == 'mul' else '-'} {rest} {self.text(factor[3][0])})"
        value = f"(+ 1.0 {self.text(s)})" if one_more else self.text(s)
        self.asserted.append(f"(< 0.0 {value})")
        return self.unknown("log", [value], ["Real"], "Real")

    def half(self, f, a, result, dtype):
        if f in FLOAT:
            return f"({FLOAT[f]} {' '.join(a)})"
        if f == "is_finite":
            return f"(not (or (fp.isNaN {a[0]}) (fp.isInfinite {a[0]})))"
        if f in ("max", "min"):
            x, y = a
            wins, loses = ("fp.gt", "fp.lt") if f == "max" else ("fp.lt", "fp.gt")
            sign = f"(not (fp.isNegative {x}))" if f == "max" else f"(fp.isNegative {x})"
            return f"(ite (or (fp.isNaN {x}) (and (not (fp.isNaN {y})) (or ({wins} {x} {y}) (and (not ({loses} {x} {y})) {sign})))) {x} {y})"
        e = self.unknown(f, a, [self.sort(dtype)] * len(a), self.sort(result))
        if f in ("exp", "logistic"):
            self.asserted.append(f"(or (fp.isNaN {e}) (not (fp.isNegative {e})))")
        return e
