"""Certificates of rules, through the checker that shares no code with the verifier: what was proved passes, what was forged does not.

    certificates_test.py TOOL
"""

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = """ruleset sample

rule assoc: dot(dot(a[B.., m.., k..], b[B.., k.., l..], over=k), c[B.., l.., n..], over=l) => dot(a, dot(b, c, over=l), over=k)
  needs  field
  accept a: f32[2,3], b: f32[3,2], c: f32[2,2]

rule scale-leaves: dot(x[B.., m.., k..] * s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) * s
  needs  field
  accept x: f32[2,3], s: f32[2], w: f32[3,2]

rule slice-of-pad: slice(pad(x, v, low=l, high=h), start=s, limit=m, stride=t) => slice(x, start=s - l, limit=m - l, stride=t)
  where  s >= l, m - l <= sizes(x)
  accept x: f32[5,2], v: f32[], l: [1, 0], h: [2, 0], s: [2, 0], m: [5, 2], t: [2, 1]

rule sum-of-max: reduce_max(reduce_max(x[k.., r.., q..], axes=r), axes=q) => reduce_max(x, axes=[r.., q..])
  accept x: f32[2,3,4]

rule max-of-parts: reduce_max(concat(x[k.., n, r..], y[k.., n, r..], axis=n), axes=[n, r..]) => max(reduce_max(x, axes=[n, r..]), reduce_max(y, axes=[n, r..]))
  accept x: f32[2,3], y: f32[2,3]

rule neg-neg: neg(neg(x)) => x
  accept x: f32[3]

rule exp-of-sum: exp(x + y) => exp(x) * exp(y)
  needs  field, range
  accept x: f32[3], y: f32[3]
"""


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True)


def shapes(certificate):
    return [s for e in certificate["expansions"] for s in e["shapes"]]


def negated_root(shape):
    """The right side negated, in the claim and in every step of it."""
    root = shape["roots"][0]
    a, b = root["claim"]
    shape["scalars"].append(["call", shape["scalars"][b][1], "neg", [b]])
    new = len(shape["scalars"]) - 1
    for step in [*shape["steps"], root]:
        if step["claim"] == [a, b]:
            step["claim"] = [a, new]
    return bool(shape["steps"])


def constant_bijection(shape):
    """Of folds that are no sums: what sums come to is also derived without the step."""
    if any(n[0] == "fold" and n[2] == "sum" for n in shape["scalars"]):
        return False
    found = False
    for step in shape["steps"]:
        if step["by"] == "fold" and step["to_second"]:
            shape["ints"].append([])  # 0
            step["to_second"] = [[v, len(shape["ints"]) - 1] for v, _ in step["to_second"]]
            found = True
    return found


def lost_item(shape):
    """An item of a set that is listed nowhere."""
    covers = [s for s in shape["steps"] if s["by"] == "cover"]
    for step in covers:
        step["items"][0].pop()
        step["places"][0].pop()
    return bool(covers)


def displaced_item(shape):
    """Items of a set found where no variable is: at position -1."""
    covers = [s for s in shape["steps"] if s["by"] == "cover" and any(at for side in s["places"] for _, at, _ in side)]
    shape["ints"].append([[-1]])
    for step in covers:
        step["places"] = [[[of, [[v, len(shape["ints"]) - 1] for v, _ in at], body] for of, at, body in side] for side in step["places"]]
    return bool(covers)


def moved_read(shape):
    """One read of the right side, an element further."""
    for k, n in enumerate(shape["scalars"]):
        if n[0] == "read" and n[3]:
            shape["ints"].append([[1], *shape["ints"][n[3][0]]] if [1] not in shape["ints"][n[3][0]] else [[7], *[t for t in shape["ints"][n[3][0]] if len(t) > 1]])
            shape["scalars"][k] = [*n[:3], [len(shape["ints"]) - 1, *n[3][1:]]]
            root = shape["roots"][0]["claim"]
            inside = [reads(shape, s, k) for s in root]
            return inside[0] != inside[1]  # of one side alone
    return False


def reads(shape, s, k):
    n = shape["scalars"][s]
    if s == k:
        return True
    args = n[3] if n[0] == "call" else n[3:] if n[0] == "select" else [n[5]] if n[0] == "fold" else []
    return any(reads(shape, a, k) for a in args)


def no_steps(shape):
    had = bool(shape["steps"])
    shape["steps"] = []
    return had


FORGERIES = [negated_root, constant_bijection, lost_item, displaced_item, moved_read, no_steps]


def main(tool):
    failures = []

    def expect(right, what):
        if not right:
            failures.append(what)
            print(f"WRONG {what}")

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "sample.rules").write_text(RULES)
        certificates = folder / "certificates"
        done = run(tool, "--json", "verify", folder / "sample.rules", "--certificates", certificates)
        if done.returncode != 0 and "module" in done.stderr:
            print("SKIPPED: Z3 is off in this build")
            return 0
        expect(done.returncode == 0, f"verify: status {done.returncode}: {done.stderr} {done.stdout[-600:]}")
        counted = json.loads(done.stdout)["certificates"]
        expect(counted["rules"] == 7 and not counted["missing"], f"certificates: {counted}")

        def check(where, name=""):
            return run(sys.executable, ROOT / "experiments/certificates/check.py", where, "--solver", "z3", *(["--only", name] if name else []))

        done = check(certificates)
        print(done.stdout)
        expect(done.returncode == 0, f"the checker: status {done.returncode}: {done.stderr}")
        expect("7 rules by z3: 7 checked" in done.stdout, "a rule of the sample was not derived again whole")
        forged = folder / "forged"
        tried = {f.__name__: 0 for f in FORGERIES}
        for path in sorted(certificates.glob("*.json")):
            for forge in FORGERIES:
                certificate = copy.deepcopy(json.loads(path.read_text()))
                if not any([forge(s) for s in shapes(certificate)]):
                    continue
                run("rm", "-rf", forged)
                run("cp", "-r", certificates, forged)
                (forged / path.name).write_text(json.dumps(certificate))
                tried[forge.__name__] += 1
                done = check(forged, path.stem)
                expect(done.returncode in (1, 2), f"{path.stem} passes with {forge.__name__}: {done.stdout}{done.stderr}")
        print(tried)
        expect(all(n > 0 for n in tried.values()), f"a kind of forgery was never tried: {tried}")
        (folder / "hard.rules").write_text("ruleset hard\n\nrule erf-odd: erf(neg(x)) => neg(erf(x))\n  accept x: f32[3]\n")
        done = run(tool, "--json", "verify", folder / "hard.rules", "--certificates", folder / "hard")
        saved = folder / "hard" / "open" / "erf-odd.json"
        expect(done.returncode == 2 and json.loads(done.stdout)["certificates"]["open"] == 1 and saved.exists(), f"no open claim of a rule that is unproved: {done.stdout}{done.stderr}")
        if saved.exists():
            expect(all(s["roots"] for s in shapes(json.loads(saved.read_text()))), "an open certificate without a claim")
            expect(check(saved.parent).returncode == 2, "an open certificate passes")
        some = next(iter(sorted((certificates / "obligations").glob("*.smt2"))), None)
        expect(some is not None, "no obligation was written")
        if some:
            some.write_text(some.read_text() + "\n(assert false)\n")
            done = check(certificates)
            expect(done.returncode == 1 and "not what its name says" in done.stdout, f"an altered obligation passes: {done.stdout}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
