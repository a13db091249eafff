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

    rows = verify(tool, HERE / "data/tensorright.rules")
    print(f"TensorRight: {len(rows)} rules, {len(named(rows, 'proved'))} proved")
    expect(not named(rows, "refuted"), f"refuted: {named(rows, 'refuted')}")
    # For all sizes and ranks.
    expect(len(rows) >= 110 and len(named(rows, "proved")) >= 95, "too few of TensorRight's rules are proved")

    rows = verify(tool, HERE / "data/waiting.rules", 1)
    print(f"waiting: {len(rows)} rules, {len(named(rows, 'proved'))} proved")
    expect(not named(rows, "refuted"), f"refuted: {named(rows, 'refuted')}")

    if not shared or not (Path(shared) / "taso/graph_subst.txt").exists():
        print("SKIPPED: 1 of 2 parts, TASO's and TENSAT's rules are not here")
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = verify(tool, made(HERE / "data/make_taso.py", Path(shared) / "taso/graph_subst.txt", folder))
            print(f"TASO: {len(rows)} rules, {len(named(rows, 'proved'))} proved, refuted {sorted(named(rows, 'refuted'))}")
            expect(named(rows, "refuted") == FALSE & rows.keys(), f"refuted: {named(rows, 'refuted')}")
            expect(len(named(rows, "unproved")) <= 0.1 * len(rows), f"unproved: {named(rows, 'unproved')}")
            rows = verify(tool, made(HERE / "data/make_taso.py", Path(shared) / "tensat/multi_rules_one_per_line.txt", folder))
            print(f"TENSAT: {len(rows)} rules of several roots, {len(named(rows, 'proved'))} proved")
            expect(not named(rows, "refuted") and len(rows) >= 11, f"refuted: {named(rows, 'refuted')}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
