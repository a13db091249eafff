"""The rule sets of others, through `egret verify`: what is true is not refuted, what is false is never proved.

    rule_sets_test.py TOOL [SHARED_DATA]

tensorright.rules and waiting.rules lie in data/ (known_wrong.rules: verify_test.cpp); TASO's and TENSAT's are made by data/make_taso.py from SHARED_DATA
(skipped, and said so, where it is absent).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "experiments"))
import soundness  # noqa: E402  (what belongs to which kind)

RATIONAL_WITHOUT_VALUE = {"rational": 2, "herbie-rational": 4}  # ../shared/data/rulesets/README.txt
SCALAR = {"enumo-baseline": ["bool", "bv4", "bv32", "rational", "herbie-rational"],
          "enumo-oopsla23": ["enumo-bool", "enumo-bv32", "enumo-bv4_base", "enumo-bv4_fancy", "enumo-bv8-direct", "enumo-rational_best", "enumo-rational_replicate"]}
FALSE = {"taso-099", "taso-100", "taso-130", "taso-131"}  # concatenations as grouped convolutions of unequal groups


def verify(tool, path, seconds=5):
    done = subprocess.run([tool, "--json", "verify", str(path), "--timeout", str(seconds)], capture_output=True, text=True)
    if done.returncode not in (0, 2):
        if "Z3" in done.stderr or "module" in done.stderr:
            print("SKIPPED: Z3 is off in this build")
            sys.exit(0)
        raise SystemExit(f"egret verify {path}: status {done.returncode}\n{done.stderr}")
    return {r["name"]: r for r in json.loads(done.stdout)["rules"]}


def named(rows, verdict):
    return {name for name, r in rows.items() if r["verdict"] == verdict}


def made(script, source, folder):
    path = Path(folder) / (source.stem + ".rules")
    path.write_text(subprocess.run([sys.executable, script, source], capture_output=True, text=True, check=True).stdout)
    return path


def main(tool, shared=None):
    failures = []

    def expect(right, what):
        if not right:
            failures.append(what)
            print(f"WRONG {what}")

    rows = verify(tool, HERE / "data/tensorright.rules", seconds=20)
    # One of theirs is proved where each of its cases is; 118 are run by its makefile (tr-generalize is none of them).
    theirs = {}
    for name, row in rows.items():
        theirs.setdefault("-".join(name.split("-")[:3]), []).append(row["verdict"] == "proved")
    theirs.pop("tr-generalize")
    whole = sum(all(cases) for cases in theirs.values())
    print(f"TensorRight: {whole} of 118 proved")
    expect(not named(rows, "refuted"), f"refuted: {named(rows, 'refuted')}")
    expect(whole >= 117, f"not proved: {[name for name, cases in theirs.items() if not all(cases)]}")

    kinds = soundness.beyond_names(tool)
    print(f"beyond TensorRight: {sum(map(len, kinds.values()))} proved rules of {len(kinds)} kinds")
    expect(sum(map(len, kinds.values())) >= 130 and all(kinds.values()), f"too few rules: {kinds}")

    rows = verify(tool, HERE / "data/waiting.rules", 0.4)
    print(f"waiting: {len(rows)} rules, {len(named(rows, 'proved'))} proved")
    expect(not named(rows, "refuted"), f"refuted: {named(rows, 'refuted')}")

    if not shared or not (Path(shared) / "taso/graph_subst.txt").exists():
        print("SKIPPED: 2 of 3 parts, TASO's, TENSAT's and the scalar rules are not here")
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = verify(tool, made(HERE / "data/make_taso.py", Path(shared) / "taso/graph_subst.txt", folder))
            print(f"TASO: {len(rows)} rules, {len(named(rows, 'proved'))} proved, refuted {sorted(named(rows, 'refuted'))}")
            expect(named(rows, "refuted") == FALSE & rows.keys(), f"refuted: {named(rows, 'refuted')}")
            expect(len(named(rows, "unproved")) <= 0.1 * len(rows), f"unproved: {named(rows, 'unproved')}")
            rows = verify(tool, made(HERE / "data/make_taso.py", Path(shared) / "tensat/multi_rules_one_per_line.txt", folder))
            print(f"TENSAT: {len(rows)} rules of several roots, {len(named(rows, 'proved'))} proved")
            expect(not named(rows, "refuted") and len(rows) >= 11, f"refuted: {named(rows, 'refuted')}")
        directions = 0
        for folder, names in SCALAR.items():
            for name in names:
                rows = verify(tool, Path(shared) / "rulesets" / folder / f"{name}.rules")
                directions += len(rows)
                expect(len(named(rows, "proved")) == len(rows), f"{name}: not proved {rows.keys() - named(rows, 'proved')}")
                without = sum("no value" in r["note"] for r in rows.values())
                expect(without == RATIONAL_WITHOUT_VALUE.get(name, 0), f"{name}: {without} right sides without a value")
        print(f"scalar: {directions} directions")
        expect(directions == 1526, "scalar rules are missing")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
