#!/usr/bin/env python3
"""Checks certificates of rules (docs/rule_certificates.md), sharing no code with the verifier.

    check.py DIR [--solver cvc5|z3] [--only NAME] [--json FILE]

Every claim of every shape is derived again from the steps that the certificate names: cases cover, reads meet at equal indices, bijections keep index
sets and undo each other, sums of products are one after this program's own algebra, formulas of scalars are valid.  Questions of integers and scalars
are written anew and asked of a solver.  What this program can't derive by itself is *evaluated* at random sizes and elements, or, for a formula, asked
as the certificate's own obligation (*exported*); both are counted, and a step that fails both leaves its rule *open*.  A value that differs, or a hash, is
*wrong*.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from algebra import Algebra, Unknown  # noqa: E402
from evaluate import Samples  # noqa: E402
from formula import Formula  # noqa: E402
from solver import Solver  # noqa: E402
from terms import Terms, identity, is_float  # noqa: E402


class Shape:
    """One shape of one rule: its terms, and how its roots are derived."""

    def __init__(self, data, folder, solver, words, count):
        self.t = Terms(data)
        self.folder, self.solver, self.words, self.count = folder, solver, words, count
        self.steps, self.done, self.open, self.entailed = {}, {}, set(), {}
        for step in data["steps"]:
            self.steps.setdefault(tuple(step["claim"]), []).append(step)
        self.roots = data["roots"]
        self.samples = Samples(self.t)
        self.why = ""

    def run(self):
        return all(self.equal(tuple(r["given"]), *r["claim"]) for r in self.roots)

    # --- integers and conditions ---------------------------------------------------------------------------------------

    def entails(self, given, goal):
        """`goal`: SMT-LIB text over the terms of this shape."""
        key = (frozenset(given), goal)
        if key not in self.entailed:
            script = self.t.script([self.t.cond_text(c) for c in set(given)], goal)
            self.entailed[key] = self.solver.check(script) == "unsat"
            self.count["integer questions"] += 1
        return self.entailed[key]

    def entails_cond(self, given, cond):
        return cond in given or self.t.conds[cond] == ["true"] or self.entails(given, self.t.cond_text(cond))

    def same_int(self, given, a, b):
        if a == b or self.t.poly(a) == self.t.poly(b):
            return True
        x, y = self.t.coordinate(a), self.t.coordinate(b)
        if x and y and x[2:] == y[2:] and [self.t.poly(s) for s in x[2]] == [self.t.poly(s) for s in y[2]] and self.same_int(given, x[1], y[1]):
            return True
        return self.entails(given, f"(= {self.t.int_text(a)} {self.t.int_text(b)})")

    # --- equality --------------------------------------------------------------------------------------------------------

    def equal(self, given, a, b):
        if a == b:
            return True
        key = (given, a, b)
        if key in self.done:
            return self.done[key]
        self.done[key] = False  # a step may not rest on itself
        for step in self.steps.get((a, b), []):
            # Hypotheses of the step must be ours: the same, or fewer.
            derive = getattr(self, "by_" + step["by"], None)
            if derive and set(step["given"]) <= set(given) and derive(tuple(step["given"]), step):
                self.count[step["by"]] += 1
                self.done[key] = True
                return True
        self.why = self.why or f"no step that could be checked for {a} = {b}"
        return False

    def rewritten(self, given, a, b, facts=None):
        """a became b by laws that the licence grants: seen in the terms, by algebra, or evaluated."""
        if a == b or self.t.agree(a, b, facts or {c: True for c in given}) or self.t.agree_flat(a, b):
            return True
        if self.agree_items(given, a, b) or self.algebra(given, a, b):
            return True
        return self.evaluated(given, a, b)

    def agree_items(self, given, a, b):
        """Two extrema (any, all) of the same items, where what the hypotheses decide is settled."""
        fold = next((f for f in (self.t.lattice(a), self.t.lattice(b)) if f), None)
        if not fold:
            return False
        x, y = ([self.settled(given, *i) for i in self.t.items(s, fold)] for s in (a, b))
        x, y = [i for i in x if i], [i for i in y if i]
        hit = set()
        for variables, guards, body, by in x:
            same = [k for k, (v, g, other, to) in enumerate(y) if v == variables and g == guards and (not to or to == by and body == other) and self.t.agree(body, other, {}, ints=by)]
            if not same:
                return False
            hit.update(same)
        return len(hit) == len(y)

    def settled(self, given, variables, sizes, guards, body):
        """An item without variables that nothing reads (of sizes of at least 1) or that have one value, without conditions that hold; none where one does not."""
        inside, left, by = given + self.t.ranges(variables, sizes), {}, {}
        guards = [g for g in guards if not self.entails_cond(inside, g)]
        if any(self.entails(inside, f"(not {self.t.cond_text(g)})") for g in guards):
            return None
        for v, size in zip(variables, sizes):
            zero = {v: self.t.zero()}
            unread = self.t.agree(body, body, {}, ints=zero) and all(self.t.cond_text(g, zero) == self.t.cond_text(g) for g in guards)
            if unread and self.entails(given, f"(<= 1 {self.t.int_text(size)})"):
                continue
            if self.entails(given, f"(= 1 {self.t.int_text(size)})"):
                by.update(zero)
            else:
                left[v] = self.t.frozen(size)
        return left, {self.t.cond_text(g, by) for g in guards}, body, by

    def algebra(self, given, a, b):
        try:
            return Algebra(self, given).same(a, b)
        except Unknown:
            return False

    def evaluated(self, given, a, b):
        answer = self.samples.compare(given, a, b, tolerant=bool(self.words & {"field", "reassoc", "arcp", "contract"}))
        if answer is True:
            self.count["evaluated"] += 1
        elif answer is False:
            self.count["wrong"] += 1
            self.why = f"the terms {a} and {b} differ at {self.samples.last}"
        return answer is True

    def by_split(self, given, step):
        a, b = step["claim"]
        c = step["cond"]
        for truth, to in ((True, step["yes"]), (False, step["no"])):
            facts = {**{g: True for g in given}, c: truth}
            case = self.case(given, c, truth, to)
            if case is None:
                return False
            if not (self.rewritten(case, a, to[0], facts) and self.rewritten(case, b, to[1], facts) and self.equal(case, *to)):
                return False
        return True

    def case(self, given, c, truth, to):
        """The hypotheses of a case: as the step of its claim has them, if they say no more."""
        if truth:
            return given + (c,)
        for step in self.steps.get(tuple(to), []):
            more = [g for g in step["given"] if g not in given]
            if len(more) == 1 and self.entails(given, f"(=> (not {self.t.cond_text(c)}) {self.t.cond_text(more[0])})"):
                return given + (more[0],)
        return given + (self.t.negation(c),)

    def by_decided(self, given, step):
        a, b = step["claim"]
        c, truth, to = step["cond"], step["truth"], step["to"]
        text = self.t.cond_text(c)
        if not self.entails(given, text if truth else f"(not {text})"):
            return False
        facts = {**{g: True for g in given}, c: truth}
        return self.rewritten(given, a, to[0], facts) and self.rewritten(given, b, to[1], facts) and self.equal(given, *to)

    def by_simplify(self, given, step):
        (a, b), (x, y) = step["claim"], step["to"]
        return (a, b) != (x, y) and self.rewritten(given, a, x) and self.rewritten(given, b, y) and self.equal(given, x, y)

    def by_impossible(self, given, step):
        return self.entails(given, "false")

    def by_normal(self, given, step):
        return self.algebra(given, *step["claim"]) or self.evaluated(given, *step["claim"])

    # --- leaves and folds ------------------------------------------------------------------------------------------------

    def same_leaf(self, given, a, b):
        if a == b:
            return True
        x, y = self.t.scalars[a], self.t.scalars[b]
        if x[:2] != y[:2]:
            return False
        if x[0] == "read":
            return x[2] == y[2] and len(x[3]) == len(y[3]) and all(self.same_int(given, p, q) for p, q in zip(x[3], y[3]))
        if x[0] == "size":
            return self.same_int(given, x[2], y[2])
        return x[0] == "fold" and (self.t.agree(a, b, {}) or self.equal(given, a, b) or self.equal(given, b, a))

    def by_match(self, given, step):
        for c in step["classes"]:
            if not all(self.same_leaf(given, c[0], member) for member in c[1:]):
                return False
        of = {member: c[0] for c in step["classes"] for member in c}
        a, b = step["claim"]
        if self.t.agree(a, b, {}, of):
            return True
        text = Formula(self.t, of, self.words).differ(a, b)
        if text and self.solver.check(text) == "unsat":
            self.count["scalar questions"] += 1
            return True
        return self.exported(step["smt"]) or self.evaluated(given, a, b)

    def exported(self, name):
        path = self.folder / "obligations" / f"{name}.smt2"
        if not name or not path.exists():
            return False
        text = path.read_text()
        script = text.replace("(check-sat)", "").replace("(set-info :status unknown)", "")
        if self.solver.check(script) != "unsat":
            self.why = f"obligation {name[:12]} was not decided"
            return False
        self.count["exported"] += 1
        return True

    def by_fold(self, given, step):
        first, second = step["claim"]
        a, b = self.t.scalars[first], self.t.scalars[second]
        if a[:3] != b[:3] or a[0] != "fold":
            return False
        rename = {v: self.t.variable(w) for v, w in zip(b[3], step["variables"])}
        if len(rename) != len(b[3]) or not self.t.agree(b[5], step["body"], {}, ints=rename):
            return False
        to_second, to_first = {v: i for v, i in step["to_second"]}, {v: i for v, i in step["to_first"]}
        if set(to_second) != set(step["variables"]) or set(to_first) != set(a[3]):
            return False
        ordered = a[2] in ("sum", "prod") and is_float(a[1]) and not self.words & {"field", "reassoc"}
        if (ordered or a[2].startswith("arg")) and not self.keeps_order(a, step["variables"], to_second):
            return False
        body_a, guard_a = self.t.guarded(a[5], identity(a[2], a[1]))
        body_b, guard_b = self.t.guarded(step["body"], identity(a[2], a[1]))
        inside_a = given + self.t.ranges(a[3], a[4]) + ((guard_a,) if guard_a is not None else ())
        inside_b = given + self.t.ranges(step["variables"], b[4]) + ((guard_b,) if guard_b is not None else ())
        for inside, variables, sizes, guard, to in ((inside_a, step["variables"], b[4], guard_b, to_second), (inside_b, a[3], a[4], guard_a, to_first)):
            for v, size in zip(variables, sizes):
                at = self.t.int_text(to[v])
                if not self.entails(inside, f"(and (<= 0 {at}) (< {at} {self.t.int_text(size)}))"):
                    return False
            if guard is not None and not self.entails(inside, self.t.cond_text(guard, to)):
                return False
        for inside, variables, there, back in ((inside_a, a[3], to_first, to_second), (inside_b, step["variables"], to_second, to_first)):
            for v in variables:  # v, in terms of the other's variables, of which each is put back
                text = self.t.int_text(there[v], back)
                if text != self.t.variable_text(v) and not self.entails(inside, f"(= {text} {self.t.variable_text(v)})"):
                    return False
        if self.t.agree(body_a, body_b, {}, ints=to_second, right=True):
            return True
        for (x, y), found in self.steps.items():
            if x == body_a and self.t.agree(body_b, y, {}, ints=to_second) and any(set(s["given"]) <= set(inside_a) for s in found) and self.equal(inside_a, x, y):
                return True
        return False

    def by_cover(self, given, step):
        """Every item of one side is one of the other: both are one set, and their fold counts no item twice."""
        if step["fold"] not in ("max", "min", "any", "all"):
            return False
        for side, other in ((0, 1), (1, 0)):
            if not self.are_items(given, step["claim"][side], step["fold"], step["items"][side]) or len(step["places"][side]) != len(step["items"][side]):
                return False
            for (variables, sizes, guard, body), (of, at, there) in zip(step["items"][side], step["places"][side]):
                inside = given + self.t.ranges(variables, sizes) + ((guard,) if self.t.conds[guard] != ["true"] else ())
                their_variables, their_sizes, their_guard, their_body = step["items"][other][of]
                at = dict(at)
                if not set(at) >= set(their_variables):
                    return False
                for v, size in zip(their_variables, their_sizes):
                    position = self.t.int_text(at[v])
                    if not self.entails(inside, f"(and (<= 0 {position}) (< {position} {self.t.int_text(size, at)}))"):
                        return False
                if self.t.conds[their_guard] != ["true"] and not self.entails(inside, self.t.cond_text(their_guard, at)):
                    return False
                if not self.t.agree(their_body, there, {}, ints=at) or not self.equal(inside, body, there):
                    return False
        return True

    def are_items(self, given, s, fold, listed):
        """The items of the term are those listed, under other variables."""
        own = self.t.items(s, fold)
        if len(own) != len(listed):
            return False
        for (variables, sizes, guards, body), (new, new_sizes, guard, new_body) in zip(own, listed):
            if len(variables) != len(new) or len(set(new)) != len(new):
                return False
            by = {v: self.t.variable(w) for v, w in zip(variables, new)}
            if any(self.t.substituted(self.t.poly(a), by) != self.t.poly(b) for a, b in zip(sizes, new_sizes)) or not self.t.agree(body, new_body, {}, ints=by):
                return False
            if guards or self.t.conds[guard] != ["true"]:
                mine = " ".join(["true", *(self.t.cond_text(g, by) for g in guards)])
                if not self.entails(given + self.t.ranges(new, new_sizes), f"(= (and {mine}) {self.t.cond_text(guard)})"):
                    return False
        return True

    def keeps_order(self, a, variables, to_second):
        """Item k of one is item k of the other: each variable moved by what is the same for all items."""
        if len(a[3]) != len(variables):
            return False
        bound = {("var", v) for v in a[3]}
        for v, w in zip(a[3], variables):
            moved = self.t.minus(self.t.poly(to_second[w]), self.t.poly(self.t.variable(v)))
            if any(atom in bound for term in moved for atom in term):
                return False
        return True


def check(path, solver):
    certificate = json.loads(path.read_text())
    words = set(filter(None, certificate["numerics"].split(",")))
    count, failed = Counter(), []
    for expansion in certificate["expansions"]:
        if not expansion["shapes"]:
            failed.append(f"{expansion['name']}: no shape")
        for data in expansion["shapes"]:
            for name in data["obligations"]:
                file = path.parent / "obligations" / f"{name}.smt2"
                if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != name:
                    count["wrong"] += 1
                    failed.append(f"{expansion['name']}: obligation {name[:12]} is not what its name says")
            shape = Shape(data, path.parent, solver, words, count)
            count["shapes"] += 1
            if not shape.roots or not shape.run():
                failed.append(f"{expansion['name']}, {data['where']}: {shape.why or 'no claim'}")
    verdict = "wrong" if count["wrong"] else "open" if failed else "evaluated" if count["evaluated"] else "exported" if count["exported"] else "checked"
    return {"rule": certificate["rule"], "verdict": verdict, **count, "failed": failed[:3]}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--solver", default="", choices=["", "cvc5", "z3"])
    options.add_argument("--only", default="", help="the certificate of one rule")
    options.add_argument("--json", help="write the rows to FILE")
    options.add_argument("--ms", type=int, default=2000, help="milliseconds a question")
    a = options.parse_args()
    sys.setrecursionlimit(20_000)
    solver = Solver(a.solver, a.ms)
    rows = [check(p, solver) for p in sorted(a.folder.glob("*.json")) if not a.only or p.stem == a.only]
    solver.close()
    verdicts, totals = Counter(r["verdict"] for r in rows), Counter()
    for r in rows:
        totals.update({k: v for k, v in r.items() if isinstance(v, int)})
        if r["verdict"] in ("open", "wrong"):
            print(f"{r['verdict']}: {r['rule']}: {'; '.join(r['failed'])}")
    print(f"{len(rows)} rules by {solver.name}: " + ", ".join(f"{n} {k}" for k, n in sorted(verdicts.items())))
    print(", ".join(f"{k} {n}" for k, n in sorted(totals.items())))
    if a.json:
        Path(a.json).write_text(json.dumps({"solver": solver.name, "verdicts": verdicts, "totals": totals, "rules": rows}, indent=1) + "\n")
    return 1 if verdicts["wrong"] else 2 if verdicts["open"] or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
